"""Rows, ledger days, rollups and prices, with their policies, partitions and the functions they need."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tokentra.lib.ids
import usage.counting
import usage.minutes
from tokentra.lib.tenancy_migrations import CreatePartitionedModel, marks_for_the_sweep, narrow_rollup, owned_policies

ROLLUPS = (
    "usage_hourrollup",
    "usage_daydimension",
    "usage_dayrollup",
    "usage_appearancecount",
)
MEASURED = ("usage_measuredday", "usage_measuredhour")  # many values, most of which come once or twice in their time

MAKE_PARTITION = """
CREATE FUNCTION usage_make_partition(parent text, at date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    monday date := at - (extract(isodow FROM at)::int - 1);
    title text := parent || '_' || to_char(monday, 'YYYYMMDD');
BEGIN
    IF parent NOT IN ('usage_usagerecord', 'usage_event') THEN
        RAISE EXCEPTION '% has no partitions', parent;
    END IF;
    IF at < DATE '2020-01-01' OR at > current_date + 400 THEN
        RAISE EXCEPTION 'no partition is made for %', at USING ERRCODE = 'datetime_field_overflow';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('usage_make_partition'));
    IF EXISTS (SELECT FROM pg_class WHERE relname = title AND relnamespace = 'partitions'::regnamespace) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE partitions.%I (LIKE public.%I INCLUDING ALL)', title, parent);
    -- Until it is analyzed: all rows may be of one organization, so that plans find each by the whole of its key.
    PERFORM pg_restore_attribute_stats(
        'schemaname', 'partitions', 'relname', title, 'attname', 'organization_id', 'inherited', false,
        'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 1::real
    );
    EXECUTE format('ALTER TABLE partitions.%I ENABLE ROW LEVEL SECURITY', title);
    EXECUTE format('ALTER TABLE partitions.%I FORCE ROW LEVEL SECURITY', title);
    EXECUTE format(
        'ALTER TABLE public.%I ATTACH PARTITION partitions.%I FOR VALUES FROM (%L) TO (%L)',
        parent, title, monday, monday + 7
    );
    RETURN true;
END $$
"""

DROP_PARTITION = """
CREATE FUNCTION usage_drop_events(week date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    title text := 'usage_event_' || to_char(week, 'YYYYMMDD');
    longest int := (SELECT coalesce(max(event_days), 0) FROM public.accounts_organization);
BEGIN
    IF week + 7 > current_date - greatest(longest, 35) THEN
        RAISE EXCEPTION 'events of the week of % may still be wanted', week USING ERRCODE = 'object_in_use';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_class WHERE relname = title AND relnamespace = 'partitions'::regnamespace) THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE partitions.%I', title);
    RETURN true;
END $$
"""

ADD_UNITS = """
CREATE FUNCTION usage_add_units(one jsonb, other jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(jsonb_object_agg(name, trim_scale(total)::text), '{}') FROM (
        SELECT name, sum(count::numeric) AS total FROM (
            SELECT * FROM jsonb_each_text(one) UNION ALL SELECT * FROM jsonb_each_text(other)
        ) AS each_unit (name, count) GROUP BY name HAVING sum(count::numeric) <> 0
    ) AS sums
$$
"""

SUM_UNITS = """
CREATE AGGREGATE usage_sum_units(jsonb) (
    SFUNC = usage_add_units, STYPE = jsonb, COMBINEFUNC = usage_add_units, INITCOND = '{}', PARALLEL = SAFE
)
"""


def partitions() -> migrations.RunSQL:
    """Weeks of rows, made by one function that runs as the owner of the table.

    Workers may call it and nothing else of the kind: it takes a day, makes that day's week and answers
    whether it was missing. Attaching does not lock out those who read and write other weeks.
    """
    return migrations.RunSQL(
        [
            MAKE_PARTITION,
            "REVOKE ALL ON FUNCTION usage_make_partition FROM PUBLIC",
            "GRANT EXECUTE ON FUNCTION usage_make_partition TO tt_app",
            DROP_PARTITION,
            "REVOKE ALL ON FUNCTION usage_drop_events FROM PUBLIC",
            "GRANT EXECUTE ON FUNCTION usage_drop_events TO tt_worker",
            "SELECT usage_make_partition('usage_usagerecord', current_date + week * 7) "
            "FROM generate_series(-18, 9) AS week",
            "SELECT usage_make_partition('usage_event', current_date + week * 7) FROM generate_series(-5, 9) AS week",
        ],
        ["DROP FUNCTION usage_drop_events", "DROP FUNCTION usage_make_partition"],
    )


def sums_of_units() -> migrations.RunSQL:
    return migrations.RunSQL(
        [ADD_UNITS, SUM_UNITS],
        ["DROP AGGREGATE usage_sum_units(jsonb)", "DROP FUNCTION usage_add_units"],
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="DayDimension",
            fields=[
                ("input", models.BigIntegerField(default=0)),
                ("cache_read", models.BigIntegerField(default=0)),
                ("cache_write_5m", models.BigIntegerField(default=0)),
                ("cache_write_30m", models.BigIntegerField(default=0)),
                ("cache_write_1h", models.BigIntegerField(default=0)),
                ("cache_write_12h", models.BigIntegerField(default=0)),
                ("output", models.BigIntegerField(default=0)),
                ("audio_in", models.BigIntegerField(default=0)),
                ("audio_out", models.BigIntegerField(default=0)),
                ("image_in", models.BigIntegerField(default=0)),
                ("image_out", models.BigIntegerField(default=0)),
                ("reasoning", models.BigIntegerField(default=0, help_text="A part of output.")),
                (
                    "units",
                    models.JSONField(default=dict, help_text='What is not tokens: {"web_search": "3"}.'),
                ),
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, help_text="The hash of the dimensions."),
                ),
                ("connection_id", models.UUIDField()),
                ("provider", models.TextField()),
                ("ledger", models.TextField()),
                ("currency", models.TextField()),
                ("basis", models.TextField()),
                ("counted", models.BooleanField()),
                ("tokens_counted", models.BooleanField()),
                ("amount", models.DecimalField(decimal_places=18, max_digits=38)),
                ("requests", models.BigIntegerField()),
                ("requests_known", models.BooleanField()),
                ("unpriced_tokens", models.BigIntegerField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "dimension",
                        "day",
                        "id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("dimension", models.TextField()),
                ("value", models.TextField(blank=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="HourRollup",
            fields=[
                ("input", models.BigIntegerField(default=0)),
                ("cache_read", models.BigIntegerField(default=0)),
                ("cache_write_5m", models.BigIntegerField(default=0)),
                ("cache_write_30m", models.BigIntegerField(default=0)),
                ("cache_write_1h", models.BigIntegerField(default=0)),
                ("cache_write_12h", models.BigIntegerField(default=0)),
                ("output", models.BigIntegerField(default=0)),
                ("audio_in", models.BigIntegerField(default=0)),
                ("audio_out", models.BigIntegerField(default=0)),
                ("image_in", models.BigIntegerField(default=0)),
                ("image_out", models.BigIntegerField(default=0)),
                ("reasoning", models.BigIntegerField(default=0, help_text="A part of output.")),
                (
                    "units",
                    models.JSONField(default=dict, help_text='What is not tokens: {"web_search": "3"}.'),
                ),
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, help_text="The hash of the dimensions."),
                ),
                ("connection_id", models.UUIDField()),
                ("provider", models.TextField()),
                ("ledger", models.TextField()),
                ("currency", models.TextField()),
                ("basis", models.TextField()),
                ("counted", models.BooleanField()),
                ("tokens_counted", models.BooleanField()),
                ("amount", models.DecimalField(decimal_places=18, max_digits=38)),
                ("requests", models.BigIntegerField()),
                ("requests_known", models.BooleanField()),
                ("unpriced_tokens", models.BigIntegerField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "dimension",
                        "hour",
                        "id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "hour",
                    models.DateTimeField(help_text="The start of the bucket; a daily bucket has its midnight."),
                ),
                ("seconds", models.IntegerField()),
                ("dimension", models.TextField()),
                ("value", models.TextField(blank=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="DayRollup",
            fields=[
                ("input", models.BigIntegerField(default=0)),
                ("cache_read", models.BigIntegerField(default=0)),
                ("cache_write_5m", models.BigIntegerField(default=0)),
                ("cache_write_30m", models.BigIntegerField(default=0)),
                ("cache_write_1h", models.BigIntegerField(default=0)),
                ("cache_write_12h", models.BigIntegerField(default=0)),
                ("output", models.BigIntegerField(default=0)),
                ("audio_in", models.BigIntegerField(default=0)),
                ("audio_out", models.BigIntegerField(default=0)),
                ("image_in", models.BigIntegerField(default=0)),
                ("image_out", models.BigIntegerField(default=0)),
                ("reasoning", models.BigIntegerField(default=0, help_text="A part of output.")),
                (
                    "units",
                    models.JSONField(default=dict, help_text='What is not tokens: {"web_search": "3"}.'),
                ),
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, help_text="The hash of the dimensions."),
                ),
                ("connection_id", models.UUIDField()),
                ("provider", models.TextField()),
                ("ledger", models.TextField()),
                ("currency", models.TextField()),
                ("basis", models.TextField()),
                ("counted", models.BooleanField()),
                ("tokens_counted", models.BooleanField()),
                ("amount", models.DecimalField(decimal_places=18, max_digits=38)),
                ("requests", models.BigIntegerField()),
                ("requests_known", models.BooleanField()),
                ("unpriced_tokens", models.BigIntegerField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "day",
                        "id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("model", models.TextField(blank=True)),
                ("project", models.TextField(blank=True)),
                ("api_key", models.TextField(blank=True)),
                ("user_ref", models.TextField(blank=True)),
                ("service_tier", models.TextField(blank=True)),
                ("batch", models.BooleanField()),
                ("line_item", models.TextField(blank=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "project", "day"], name="days_of_a_project"),
                    models.Index(fields=["organization", "api_key", "day"], name="days_of_a_key"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Label",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("connection_id", models.UUIDField()),
                ("dimension", models.TextField(help_text="project, api_key or user.")),
                ("value", models.TextField()),
                ("name", models.TextField(blank=True)),
                ("detail", models.TextField(blank=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="usage_label_owned"),
                    models.UniqueConstraint(
                        fields=("organization", "connection_id", "dimension", "value"),
                        name="one_label_for_each_id",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "connection_id",
                        "day",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("connection_id", models.UUIDField()),
                ("day", models.DateField()),
                ("provider", models.TextField()),
                ("usage_read_at", models.DateTimeField(null=True)),
                (
                    "bill_read_at",
                    models.DateTimeField(help_text="The last complete reading of the bill.", null=True),
                ),
                (
                    "reads",
                    models.JSONField(default=dict, help_text="Endpoint to the instant of its last complete reading."),
                ),
                (
                    "counted",
                    models.TextField(
                        choices=[("bill", "bill"), ("usage", "usage")],
                        default=usage.counting.Counted["USAGE"],
                    ),
                ),
                (
                    "state",
                    models.TextField(
                        choices=[("open", "open"), ("provisional", "provisional"), ("settled", "settled")],
                        default=usage.counting.State["OPEN"],
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "day"], name="ledger_days_in_order")],
            },
        ),
        migrations.CreateModel(
            name="EndedAccount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "connection_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("connection_id", models.UUIDField()),
                ("ended_at", models.DateTimeField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PriceOverride",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("provider", models.CharField(max_length=40)),
                (
                    "model",
                    models.CharField(
                        blank=True,
                        help_text="As the provider names it; empty means every model.",
                        max_length=256,
                    ),
                ),
                (
                    "processing",
                    models.CharField(
                        choices=[
                            ("standard", "Standard"),
                            ("batch", "Batch"),
                            ("flex", "Flex"),
                            ("priority", "Priority"),
                            ("any", "Any"),
                        ],
                        default="standard",
                        max_length=10,
                    ),
                ),
                (
                    "rates",
                    models.JSONField(
                        blank=True, help_text='USD per million tokens by class: {"input": "1.25"}.', null=True
                    ),
                ),
                (
                    "discount_percent",
                    models.DecimalField(blank=True, decimal_places=3, max_digits=6, null=True),
                ),
                ("since", models.DateField()),
                (
                    "until",
                    models.DateField(blank=True, help_text="The first day on which it no longer holds.", null=True),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="usage_priceoverride_owned"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("discount_percent__isnull", False), ("rates__isnull", True)),
                            models.Q(("discount_percent__isnull", True), ("rates__isnull", False)),
                            _connector="OR",
                        ),
                        name="override_is_rates_or_a_discount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("discount_percent__isnull", True),
                            ("discount_percent__range", (0, 100)),
                            _connector="OR",
                        ),
                        name="discount_is_a_percentage",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("until__isnull", True), ("until__gt", models.F("since")), _connector="OR"),
                        name="override_ends_after_it_begins",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("connection_id", models.UUIDField()),
                ("provider", models.TextField()),
                (
                    "ledger",
                    models.TextField(choices=[("billed", "billed"), ("usage", "usage"), ("measured", "measured")]),
                ),
                ("endpoint", models.TextField()),
                ("day", models.DateField()),
                ("old_amount", models.DecimalField(decimal_places=18, max_digits=38)),
                ("new_amount", models.DecimalField(decimal_places=18, max_digits=38)),
                ("old_tokens", models.BigIntegerField()),
                ("new_tokens", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("age_hours", models.IntegerField(help_text="Hours since the end of the day.")),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["organization", "connection_id", "day"], name="revisions_of_a_day")],
                "constraints": [models.UniqueConstraint(fields=("organization", "id"), name="usage_revision_owned")],
            },
        ),
        CreatePartitionedModel(
            name="UsageRecord",
            fields=[
                ("input", models.BigIntegerField(default=0)),
                ("cache_read", models.BigIntegerField(default=0)),
                ("cache_write_5m", models.BigIntegerField(default=0)),
                ("cache_write_30m", models.BigIntegerField(default=0)),
                ("cache_write_1h", models.BigIntegerField(default=0)),
                ("cache_write_12h", models.BigIntegerField(default=0)),
                ("output", models.BigIntegerField(default=0)),
                ("audio_in", models.BigIntegerField(default=0)),
                ("audio_out", models.BigIntegerField(default=0)),
                ("image_in", models.BigIntegerField(default=0)),
                ("image_out", models.BigIntegerField(default=0)),
                ("reasoning", models.BigIntegerField(default=0, help_text="A part of output.")),
                (
                    "units",
                    models.JSONField(default=dict, help_text='What is not tokens: {"web_search": "3"}.'),
                ),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "day",
                        "id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("id", models.UUIDField()),
                ("day", models.DateField(help_text="The UTC day of `start`.")),
                ("connection_id", models.UUIDField()),
                (
                    "ledger",
                    models.TextField(choices=[("billed", "billed"), ("usage", "usage"), ("measured", "measured")]),
                ),
                ("endpoint", models.TextField()),
                ("start", models.DateTimeField()),
                ("seconds", models.IntegerField()),
                ("provider", models.TextField()),
                ("model", models.TextField(blank=True)),
                ("project", models.TextField(blank=True)),
                ("api_key", models.TextField(blank=True)),
                ("user_ref", models.TextField(blank=True)),
                ("service_tier", models.TextField(blank=True)),
                ("batch", models.BooleanField(default=False)),
                ("context_window", models.TextField(blank=True)),
                ("line_item", models.TextField(blank=True)),
                ("kind", models.TextField()),
                ("extra", models.JSONField(default=dict)),
                ("requests", models.BigIntegerField(null=True)),
                ("amount", models.DecimalField(decimal_places=18, max_digits=38, null=True)),
                ("currency", models.TextField(default="USD")),
                (
                    "basis",
                    models.TextField(
                        choices=[
                            ("billed", "billed"),
                            ("computed", "computed"),
                            ("reported", "reported"),
                            ("estimated", "estimated"),
                            ("unpriced", "unpriced"),
                        ]
                    ),
                ),
                (
                    "rate_ref",
                    models.TextField(blank=True, help_text="The rate behind the amount, or why there is none."),
                ),
                ("first_seen_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(help_text="When these values were first observed.")),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "connection_id", "day", "ledger"], name="usage_by_connection")
                ],
            },
        ),
        migrations.CreateModel(
            name="SampleFill",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("last_day", models.DateField(help_text="The day on which the ninety days of its story ended.")),
                ("told_at", models.DateTimeField(help_text="The moment up to which it is written.")),
                ("first_day", models.DateField(help_text="The day back to which it is written.")),
                ("next_end", models.DateField(help_text="The days before this one are still to be written.")),
                (
                    "due_at",
                    models.DateTimeField(
                        help_text="When the next step is due; null: nothing is left, or given up.", null=True
                    ),
                ),
                ("moved_at", models.DateTimeField(help_text="When days were last written, or asked for.")),
                (
                    "failures",
                    models.PositiveSmallIntegerField(default=0, help_text="Steps that failed since one worked."),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="usage_samplefill_owned"),
                    models.UniqueConstraint(fields=("organization",), name="one_fill_for_each_sample"),
                    models.CheckConstraint(
                        condition=models.Q(("due_at", None), ("next_end__gt", models.F("first_day")), _connector="OR"),
                        name="a_whole_sample_is_never_due",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AllocationRule",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("dimension", models.CharField(max_length=20)),
                ("value", models.CharField(max_length=300)),
                ("cost_center", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField()),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="usage_allocationrule_owned"),
                    models.UniqueConstraint(fields=("organization", "dimension", "value"), name="allocated_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RoutingRule",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("feature", models.CharField(max_length=256)),
                ("provider", models.CharField(max_length=40)),
                (
                    "model",
                    models.CharField(help_text="Asked for: a dated version of it is the same model.", max_length=256),
                ),
                ("use_model", models.CharField(max_length=256)),
                ("enabled_at", models.DateTimeField(help_text="null: off.", null=True)),
                (
                    "basis",
                    models.JSONField(default=dict, help_text="The figures it was proposed on; empty: made by hand."),
                ),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField(help_text="When it was last made, enabled or disabled.")),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "changed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="usage_routingrule_owned"),
                    models.UniqueConstraint(
                        fields=("organization", "feature", "provider", "model"), name="a_call_is_routed_by_one_rule"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("use_model", models.F("model")), _negated=True),
                        name="a_rule_leads_to_another_model",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Appearance",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "kind",
                        "value",
                        "day",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("kind", models.TextField()),
                ("value", models.UUIDField(help_text="The hash of its name.")),
                ("day", models.DateField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="AppearanceCount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "kind",
                        "day",
                        "before",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("kind", models.TextField()),
                ("day", models.DateField()),
                ("before", models.DateField()),
                ("count", models.BigIntegerField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Discard",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("day", models.DateField()),
                ("key_id", models.UUIDField(null=True)),
                ("reason", models.CharField(max_length=60)),
                ("count", models.BigIntegerField()),
                ("last_at", models.DateTimeField()),
                (
                    "field",
                    models.CharField(
                        blank=True, help_text="Of the last one, where one field was wrong.", max_length=80
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="usage_discard_owned"),
                    models.UniqueConstraint(
                        fields=("organization", "day", "key_id", "reason"),
                        name="one_count_of_discards",
                        nulls_distinct=False,
                    ),
                ],
            },
        ),
        CreatePartitionedModel(
            name="Event",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id", "day", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField()),
                ("key_id", models.UUIDField(help_text="The key that it was sent with.", null=True)),
                ("occurred_at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("input", models.BigIntegerField(null=True)),
                ("cache_read", models.BigIntegerField(null=True)),
                ("cache_write_5m", models.BigIntegerField(null=True)),
                ("cache_write_30m", models.BigIntegerField(null=True)),
                ("cache_write_1h", models.BigIntegerField(null=True)),
                ("cache_write_12h", models.BigIntegerField(null=True)),
                ("output", models.BigIntegerField(null=True)),
                ("reasoning", models.BigIntegerField(help_text="A part of output.", null=True)),
                ("audio_in", models.BigIntegerField(null=True)),
                ("audio_out", models.BigIntegerField(null=True)),
                ("image_in", models.BigIntegerField(null=True)),
                ("image_out", models.BigIntegerField(null=True)),
                ("latency_ms", models.BigIntegerField(null=True)),
                ("first_token_ms", models.BigIntegerField(null=True)),
                ("day", models.DateField(help_text="The UTC day of `occurred_at`.")),
                (
                    "zone_day",
                    models.DateField(help_text="The same in the organization's zone, as it was when this arrived."),
                ),
                ("is_streamed", models.BooleanField(null=True)),
                (
                    "is_parent",
                    models.BooleanField(help_text="Its children carry the same usage: it is not counted.", null=True),
                ),
                (
                    "above",
                    models.UUIDField(help_text="The event above it, or the span that will lead to one.", null=True),
                ),
                ("amount", models.DecimalField(decimal_places=12, max_digits=24, null=True)),
                ("currency", models.TextField(help_text="null: USD", null=True)),
                ("basis", models.TextField()),
                ("rate", models.TextField(help_text="What rate_ref says, packed.")),
                ("provider", models.TextField()),
                ("model", models.TextField()),
                ("status", models.TextField()),
                ("ref", models.TextField(null=True)),
                ("operation", models.TextField(null=True)),
                ("error_code", models.TextField(null=True)),
                ("usage_source", models.TextField(null=True)),
                ("request_id", models.TextField(null=True)),
                ("service_tier", models.TextField(null=True)),
                ("customer", models.TextField(null=True)),
                ("user_ref", models.TextField(null=True)),
                ("feature", models.TextField(null=True)),
                ("team", models.TextField(null=True)),
                ("agent", models.TextField(null=True)),
                ("prompt", models.TextField(null=True)),
                ("environment", models.TextField(null=True)),
                ("project", models.TextField(null=True)),
                ("cost_center", models.TextField(null=True)),
                ("run", models.TextField(null=True)),
                ("parent", models.TextField(null=True)),
                ("tool", models.TextField(null=True)),
                ("purpose", models.TextField(null=True)),
                ("units", models.JSONField(null=True)),
                ("tags", models.JSONField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index("organization", usage.minutes.Minute("occurred_at"), name="events_in_time"),
                    models.Index(
                        condition=models.Q(("above__isnull", False)),
                        fields=["organization", "above"],
                        name="events_below_a_span",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Waiting",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField(help_text="In the order of their coming.")),
                (
                    "days",
                    django.contrib.postgres.fields.ArrayField(base_field=models.DateField(), size=None),
                ),
                (
                    "ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(),
                        help_text="One for each of the days; both name an event.",
                        size=None,
                    ),
                ),
                ("events", models.BigIntegerField(help_text="How many.")),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="MeasuredDay",
            fields=[
                ("currency", models.TextField()),
                ("calls", models.BigIntegerField()),
                ("errors", models.BigIntegerField()),
                ("streamed", models.BigIntegerField()),
                ("amount", models.DecimalField(decimal_places=12, max_digits=38)),
                ("unpriced_calls", models.BigIntegerField()),
                ("unpriced_tokens", models.BigIntegerField()),
                ("tokens_in", models.BigIntegerField(help_text="All that went in, cached or not.")),
                ("tokens_cached", models.BigIntegerField(help_text="The part of it that was read from a cache.")),
                ("tokens_out", models.BigIntegerField()),
                (
                    "rare_tokens",
                    models.DecimalField(
                        decimal_places=0, help_text="Those of the classes in RARE, packed.", max_digits=180
                    ),
                ),
                ("units", models.JSONField()),
                ("told", models.BigIntegerField(help_text="The calls that told their latency.")),
                ("latency_ms", models.BigIntegerField(help_text="Theirs, added up.")),
                (
                    "spread",
                    models.DecimalField(
                        decimal_places=0,
                        help_text="Theirs, counted in the buckets of usage.latency, packed.",
                        max_digits=288,
                    ),
                ),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "dimension",
                        "by",
                        "day",
                        "value",
                        "by_value",
                        "currency",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("dimension", models.TextField()),
                ("value", models.TextField()),
                ("by", models.TextField(blank=True)),
                ("by_value", models.TextField(blank=True)),
                ("day", models.DateField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MeasuredHour",
            fields=[
                ("currency", models.TextField()),
                ("calls", models.BigIntegerField()),
                ("errors", models.BigIntegerField()),
                ("streamed", models.BigIntegerField()),
                ("amount", models.DecimalField(decimal_places=12, max_digits=38)),
                ("unpriced_calls", models.BigIntegerField()),
                ("unpriced_tokens", models.BigIntegerField()),
                ("tokens_in", models.BigIntegerField(help_text="All that went in, cached or not.")),
                ("tokens_cached", models.BigIntegerField(help_text="The part of it that was read from a cache.")),
                ("tokens_out", models.BigIntegerField()),
                (
                    "rare_tokens",
                    models.DecimalField(
                        decimal_places=0, help_text="Those of the classes in RARE, packed.", max_digits=180
                    ),
                ),
                ("units", models.JSONField()),
                ("told", models.BigIntegerField(help_text="The calls that told their latency.")),
                ("latency_ms", models.BigIntegerField(help_text="Theirs, added up.")),
                (
                    "spread",
                    models.DecimalField(
                        decimal_places=0,
                        help_text="Theirs, counted in the buckets of usage.latency, packed.",
                        max_digits=288,
                    ),
                ),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "dimension",
                        "hour",
                        "value",
                        "currency",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("dimension", models.TextField()),
                ("value", models.TextField()),
                ("hour", models.DateTimeField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField(help_text="The hash of `run`.")),
                ("run", models.TextField(help_text="As the sender names it.")),
                ("agent", models.TextField(blank=True)),
                ("customer", models.TextField(blank=True)),
                ("feature", models.TextField(blank=True)),
                ("started_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("calls", models.BigIntegerField()),
                ("errors", models.BigIntegerField()),
                ("amount", models.DecimalField(decimal_places=12, help_text="In USD.", max_digits=38)),
                ("unpriced_calls", models.BigIntegerField()),
                ("tokens_in", models.BigIntegerField()),
                ("tokens_out", models.BigIntegerField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "-started_at"], name="runs_in_time"),
                    models.Index(fields=["organization", "agent", "-started_at"], name="runs_of_an_agent"),
                    models.Index(fields=["organization", "customer", "-started_at"], name="runs_of_a_customer"),
                ],
            },
        ),
        migrations.CreateModel(
            name="TagValue",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "name",
                        "day",
                        "value",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.TextField()),
                ("day", models.DateField()),
                ("value", models.TextField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="SummedTag",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=64)),
                (
                    "next_day",
                    models.DateField(
                        help_text="The newest day that is still to be added up; null: not begun.", null=True
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(help_text="When the next step is due; null: nothing is left.", null=True),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="usage_summedtag_owned"),
                    models.UniqueConstraint(fields=("organization", "name"), name="a_tag_is_summed_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ZoneChange",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("former", models.CharField(max_length=64)),
                ("zone", models.CharField(max_length=64)),
                (
                    "changes_hours",
                    models.BooleanField(help_text="One of the zones is not whole hours away from UTC."),
                ),
                (
                    "next_day",
                    models.DateField(
                        help_text="The newest UTC day that is still to be done; null: not begun.", null=True
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(help_text="When the next step is due; null: nothing is left.", null=True),
                ),
                (
                    "first_day",
                    models.DateField(
                        help_text="Days before it stay those of the former zone; null: none does.", null=True
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="usage_zonechange_owned"),
                    models.UniqueConstraint(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=("organization",),
                        name="one_zone_change_at_a_time",
                    ),
                ],
            },
        ),
        owned_policies(
            "usage_usagerecord",
            "usage_ledgerday",
            "usage_endedaccount",
            "usage_revision",
            "usage_label",
            "usage_priceoverride",
            "usage_samplefill",
            "usage_allocationrule",
            "usage_routingrule",
            "usage_event",
            "usage_waiting",
            "usage_run",
            "usage_appearance",
            "usage_discard",
            "usage_summedtag",
            "usage_tagvalue",
            "usage_zonechange",
            *ROLLUPS,
            *MEASURED,
        ),
        marks_for_the_sweep(
            {
                "usage_waiting": "organization_id",
                "usage_samplefill": "organization_id, due_at",
                "usage_summedtag": "organization_id, due_at",
                "usage_zonechange": "organization_id, due_at",
            }
        ),
        narrow_rollup(*ROLLUPS),
        narrow_rollup(*MEASURED, filled=90),
        sums_of_units(),
        partitions(),
    ]
