"""Budgets, the room they leave, alerts and the channels they are sent to, with the policies around them."""

import datetime
from decimal import Decimal

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import budgets.models
import budgets.rules.periods
import tokentra.lib.ids
from tokentra.lib.tenancy_migrations import OwnedForeignKey, marks_for_the_sweep, narrow_rollup, owned_policies

TABLES = (
    "budgets_budget",
    "budgets_department",
    "budgets_allocation",
    "budgets_promptlimit",
    "budgets_budgetperiod",
    "budgets_budgetcrossing",
    "budgets_dismissal",
    "budgets_look",
    "budgets_raise",
    "budgets_room",
    "budgets_reservation",
    "budgets_alertrule",
    "budgets_alert",
    "budgets_alertnews",
    "budgets_alertwish",
    "budgets_alertwatch",
    "budgets_channel",
    "budgets_channelsecret",
    "budgets_delivery",
)


def closed_secrets() -> migrations.RunSQL:
    """The web may put secrets in and take them out; reading them is for workers."""
    table, marks = (
        "budgets_channelsecret",
        "id, organization_id, channel_id, field, master_id, sealed_at, destroyed_at",
    )
    return migrations.RunSQL(
        [
            f"REVOKE ALL ON {table} FROM tt_app, tt_staff",
            f"GRANT INSERT, UPDATE, DELETE, SELECT ({marks}) ON {table} TO tt_app",
            f"GRANT SELECT ({marks}) ON {table} TO tt_staff",
            f"GRANT SELECT ON {table} TO tt_worker",
        ],
        [
            f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
            f"REVOKE ALL ON {table} FROM tt_worker, tt_staff, tt_app",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO tt_app",
            f"GRANT SELECT ON {table} TO tt_staff",
        ],
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("kind", models.CharField(max_length=20)),
                ("key", models.CharField(help_text="What it is about.", max_length=400)),
                (
                    "period",
                    models.CharField(
                        help_text="When: a budget's period, a day, or since when it has been so.", max_length=40
                    ),
                ),
                (
                    "severity",
                    models.CharField(
                        choices=[("info", "For information"), ("warning", "Warning"), ("critical", "Critical")],
                        max_length=10,
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("text", models.TextField(help_text="Sentences with the numbers, as they were found.")),
                ("numbers", models.JSONField(default=list, help_text='[["Spent", "$82.10"], …]')),
                ("path", models.CharField(blank=True, help_text="Where to look.", max_length=300)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("acknowledged", "Acknowledged"),
                            ("snoozed", "Snoozed"),
                            ("resolved", "Resolved"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                ("fired_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(help_text="When it was last found to be so.")),
                (
                    "calm_since",
                    models.DateTimeField(help_text="When it was first found to be so no longer.", null=True),
                ),
                ("snoozed_until", models.DateTimeField(null=True)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("resolved_at", models.DateTimeField(null=True)),
                ("is_revised", models.BooleanField(default=False, help_text="A revised bill made it so, or ended it.")),
                (
                    "acknowledged_by",
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
            },
        ),
        migrations.CreateModel(
            name="AlertNews",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("fired", "Fired"),
                            ("again", "Still so after it was snoozed"),
                            ("revised", "Revised"),
                            ("recovered", "Over"),
                            ("acknowledged", "Acknowledged"),
                            ("snoozed", "Snoozed"),
                            ("reopened", "Opened again"),
                            ("resolved", "Resolved"),
                        ],
                        max_length=12,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("text", models.CharField(blank=True, max_length=500)),
                (
                    "alert",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="news",
                        to="budgets.alert",
                    ),
                ),
                (
                    "by",
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
                "verbose_name_plural": "alert news",
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="AlertRule",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("kind", models.CharField(max_length=20)),
                ("name", models.CharField(max_length=80)),
                (
                    "dimension",
                    models.CharField(
                        blank=True, help_text="By whose values it looks; empty: all together.", max_length=80
                    ),
                ),
                ("value", models.CharField(blank=True, help_text="The only value that it looks at.", max_length=256)),
                ("metric", models.CharField(blank=True, max_length=20)),
                ("comparator", models.CharField(blank=True, max_length=5)),
                ("bound", models.DecimalField(decimal_places=6, max_digits=24, null=True)),
                (
                    "window",
                    models.PositiveSmallIntegerField(default=1, help_text="Days, or hours where there is no data."),
                ),
                (
                    "minimum",
                    models.DecimalField(
                        decimal_places=6, default=10, help_text="Dollars below which it is quiet.", max_digits=24
                    ),
                ),
                ("sensitivity", models.CharField(default="normal", max_length=10)),
                (
                    "severity",
                    models.CharField(
                        choices=[("info", "For information"), ("warning", "Warning"), ("critical", "Critical")],
                        default="warning",
                        max_length=10,
                    ),
                ),
                ("is_given", models.BooleanField(default=False, help_text="It was there from the beginning.")),
                ("switched_off_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
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
            },
        ),
        migrations.AddField(
            model_name="alert",
            name="rule",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="budgets.alertrule",
            ),
        ),
        migrations.CreateModel(
            name="AlertWatch",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("due_at", models.DateTimeField()),
                ("looked_at", models.DateTimeField(null=True)),
                (
                    "failures",
                    models.PositiveSmallIntegerField(default=0, help_text="Looks that failed since one worked."),
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
            },
        ),
        migrations.CreateModel(
            name="AlertWish",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "mailing",
                    models.CharField(
                        choices=[
                            ("at_once", "At once"),
                            ("digest", "Once a day, in one letter"),
                            ("none", "Not by mail"),
                        ],
                        default="none",
                        max_length=10,
                    ),
                ),
                (
                    "least",
                    models.CharField(
                        choices=[("info", "For information"), ("warning", "Warning"), ("critical", "Critical")],
                        default="info",
                        max_length=10,
                        verbose_name="least severity",
                    ),
                ),
                ("quiet_from", models.TimeField(help_text="In the organization's time zone.", null=True)),
                ("quiet_until", models.TimeField(null=True)),
                (
                    "digest_at",
                    models.TimeField(default=datetime.time(8, 0), help_text="In the organization's time zone."),
                ),
                (
                    "is_chosen",
                    models.BooleanField(default=False, help_text="Not: it only says until when somebody has read."),
                ),
                ("read_until", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Budget",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=80)),
                (
                    "ledger",
                    models.CharField(
                        choices=[
                            ("counted", "What counts: bills, else usage, else calls"),
                            ("measured", "What your code measured"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "scope",
                    models.JSONField(
                        default=dict, help_text='{"customer": ["globex"]}; empty: the whole organization.'
                    ),
                ),
                (
                    "each",
                    models.CharField(
                        blank=True, help_text="A dimension whose every value has this budget.", max_length=80
                    ),
                ),
                (
                    "unit",
                    models.CharField(
                        choices=[("usd", "US dollars"), ("tokens", "Tokens")], default="usd", max_length=10
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=6, max_digits=24)),
                (
                    "every",
                    models.CharField(
                        choices=[
                            ("day", "day"),
                            ("week", "week"),
                            ("month", "month"),
                            ("quarter", "quarter"),
                            ("custom", "custom"),
                        ],
                        default=budgets.rules.periods.Every["MONTH"],
                        max_length=10,
                    ),
                ),
                ("anchor", models.DateField(help_text="The day on which a custom period began.", null=True)),
                ("months", models.PositiveSmallIntegerField(default=1, help_text="How long a custom period is.")),
                (
                    "thresholds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        default=budgets.models.default_thresholds,
                        help_text="Percent.",
                        size=None,
                    ),
                ),
                (
                    "forecast_at",
                    models.PositiveSmallIntegerField(help_text="Percent that the period is heading for.", null=True),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("notify", "Notify"), ("throttle", "Throttle"), ("block", "Block")],
                        default="notify",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1, help_text="Counts changes, so that one does not undo another."
                    ),
                ),
                ("archived_at", models.DateTimeField(null=True)),
                ("restored_at", models.DateTimeField(help_text="When it was last taken up again.", null=True)),
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
            },
        ),
        migrations.CreateModel(
            name="Allocation",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("value", models.CharField(max_length=256)),
                ("amount", models.DecimalField(decimal_places=6, max_digits=24)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "budget",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="allocations",
                        to="budgets.budget",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="BudgetCrossing",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("value", models.CharField(blank=True, help_text="Of a budget for each value.", max_length=256)),
                (
                    "first_day",
                    models.DateField(help_text="Of the period, in the organization's zone: its name for good."),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("spent", "Spent"), ("forecast", "Forecast")], default="spent", max_length=10
                    ),
                ),
                ("threshold", models.PositiveSmallIntegerField(help_text="Percent.")),
                ("limit", models.DecimalField(decimal_places=6, max_digits=24)),
                (
                    "amount",
                    models.DecimalField(
                        decimal_places=8,
                        help_text="The threshold of the limit, exactly: what was reached.",
                        max_digits=26,
                    ),
                ),
                (
                    "spent",
                    models.DecimalField(
                        decimal_places=18, help_text="When it was noticed, or what is forecast.", max_digits=38
                    ),
                ),
                ("at", models.DateTimeField(help_text="When it was noticed.")),
                ("latest_spent", models.DecimalField(decimal_places=18, max_digits=38)),
                (
                    "receded_at",
                    models.DateTimeField(help_text="Clearly below again since: a bill was revised.", null=True),
                ),
                (
                    "is_late",
                    models.BooleanField(
                        default=False, help_text="Noticed after the period ended: by late events or bills."
                    ),
                ),
                (
                    "budget",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="crossings",
                        to="budgets.budget",
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
            },
        ),
        migrations.AddField(
            model_name="alert",
            name="crossing",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="alerts",
                to="budgets.budgetcrossing",
            ),
        ),
        migrations.CreateModel(
            name="BudgetPeriod",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("value", models.CharField(blank=True, help_text="Of a budget for each value.", max_length=256)),
                ("first_day", models.DateField()),
                ("end_day", models.DateField()),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("limit", models.DecimalField(decimal_places=6, help_text="In force when it ended.", max_digits=24)),
                ("spent", models.DecimalField(decimal_places=18, max_digits=38)),
                (
                    "first_spent",
                    models.DecimalField(
                        decimal_places=18, help_text="As it stood when the end was first noticed.", max_digits=38
                    ),
                ),
                ("basis", models.CharField(blank=True, max_length=10)),
                ("unpriced_tokens", models.BigIntegerField(default=0)),
                ("noticed_at", models.DateTimeField()),
                ("restated_at", models.DateTimeField(help_text="When its figure last changed after that.", null=True)),
                (
                    "budget",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="periods",
                        to="budgets.budget",
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
            },
        ),
        migrations.CreateModel(
            name="Channel",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("email", "Email"),
                            ("slack", "Slack"),
                            ("teams", "Microsoft Teams"),
                            ("pagerduty", "PagerDuty"),
                            ("webhook", "Webhook"),
                        ],
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("email", models.EmailField(blank=True, max_length=254)),
                (
                    "shown",
                    models.CharField(
                        blank=True, help_text="What tells its address from others: host, last 4.", max_length=120
                    ),
                ),
                (
                    "least",
                    models.CharField(
                        choices=[("info", "For information"), ("warning", "Warning"), ("critical", "Critical")],
                        default="info",
                        max_length=10,
                        verbose_name="least severity",
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("disabled_at", models.DateTimeField(null=True)),
                ("why", models.CharField(blank=True, help_text="Why it was disabled.", max_length=300)),
                ("removed_at", models.DateTimeField(null=True)),
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
            },
        ),
        migrations.CreateModel(
            name="ChannelSecret",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("field", models.CharField(help_text="address, or signing-1 and on.", max_length=20)),
                ("master_id", models.CharField(help_text="Wraps the data key.", max_length=8)),
                ("wrapped_key", models.BinaryField()),
                (
                    "sealed_under",
                    models.CharField(help_text="The master that was current when it was sealed.", max_length=8),
                ),
                ("ciphertext", models.BinaryField()),
                ("sealed_at", models.DateTimeField()),
                ("destroyed_at", models.DateTimeField(null=True)),
                (
                    "channel",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="budgets.channel",
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
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("in_digest", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
                (
                    "next_try_at",
                    models.DateTimeField(help_text="null: delivered, handed to the outbox, or given up.", null=True),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("status", models.PositiveSmallIntegerField(help_text="What the last try was answered.", null=True)),
                ("problem", models.CharField(blank=True, max_length=300)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("given_up_at", models.DateTimeField(null=True)),
                (
                    "channel",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="budgets.channel",
                    ),
                ),
                (
                    "mail",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.outboxmail",
                    ),
                ),
                (
                    "news",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="null: a test of the channel.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="budgets.alertnews",
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
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Department",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=80)),
                ("dimension", models.CharField(max_length=80)),
                (
                    "values",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=256), size=None),
                ),
                ("created_at", models.DateTimeField()),
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
            },
        ),
        migrations.AddField(
            model_name="budget",
            name="department",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                help_text="Whose values narrow the scope further.",
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="+",
                to="budgets.department",
            ),
        ),
        migrations.CreateModel(
            name="Dismissal",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("at", models.DateTimeField()),
                (
                    "crossing",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="budgets.budgetcrossing",
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
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Look",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("due_at", models.DateTimeField(help_text="null: it has no active budget.", null=True)),
                ("looked_at", models.DateTimeField(null=True)),
                (
                    "deep_day",
                    models.DateField(
                        help_text="Until when past periods were all restated: a UTC day that begins up to an hour late.",
                        null=True,
                    ),
                ),
                ("failures", models.PositiveSmallIntegerField(default=0, help_text="Since one worked.")),
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
            },
        ),
        migrations.CreateModel(
            name="PromptLimit",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("tokens", models.PositiveIntegerField()),
                ("changed_at", models.DateTimeField()),
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
            },
        ),
        migrations.CreateModel(
            name="Raise",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("value", models.CharField(blank=True, help_text="Of a budget for each value.", max_length=256)),
                (
                    "amount",
                    models.DecimalField(
                        decimal_places=6, help_text="The whole limit that is asked for.", max_digits=24
                    ),
                ),
                ("reason", models.TextField(max_length=1000)),
                ("last_day", models.DateField(help_text="In the organization's zone.")),
                ("ends_at", models.DateTimeField(help_text="When that day ends.")),
                ("asked_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Waiting"),
                            ("approved", "Approved"),
                            ("declined", "Declined"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True, help_text="What the one who decided said.", max_length=1000)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "budget",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="raises",
                        to="budgets.budget",
                    ),
                ),
                (
                    "decided_by",
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
            },
        ),
        migrations.CreateModel(
            name="Room",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("value", models.CharField(blank=True, max_length=256)),
                ("first_day", models.DateField()),
                ("spent", models.DecimalField(decimal_places=18, default=Decimal("0"), max_digits=38)),
                ("reserved", models.DecimalField(decimal_places=18, default=Decimal("0"), max_digits=38)),
                (
                    "over",
                    models.DecimalField(
                        decimal_places=18,
                        default=Decimal("0"),
                        help_text="What settled calls cost above their estimates.",
                        max_digits=38,
                    ),
                ),
                (
                    "expired",
                    models.PositiveBigIntegerField(default=0, help_text="Reservations that no event came for."),
                ),
                (
                    "read_at",
                    models.DateTimeField(help_text="When `spent` was read, by the clock of the database.", null=True),
                ),
                ("full_since", models.DateTimeField(help_text="Since when the limit is spent.", null=True)),
                ("version", models.PositiveBigIntegerField(default=0)),
                (
                    "budget",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rooms",
                        to="budgets.budget",
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
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("ref", models.UUIDField(help_text="The id of the event that settles it.")),
                ("amount", models.DecimalField(decimal_places=18, max_digits=38)),
                ("at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reservations",
                        to="budgets.room",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddIndex(
            model_name="alertnews",
            index=models.Index(fields=["organization", "alert", "at"], name="news_of_an_alert"),
        ),
        migrations.AddConstraint(
            model_name="alertnews",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_alertnews_owned"),
        ),
        migrations.AddConstraint(
            model_name="alertnews",
            constraint=models.UniqueConstraint(
                condition=models.Q(("what", "fired")), fields=("organization", "alert"), name="an_alert_is_told_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_alertrule_owned"),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_given", True)), fields=("organization", "kind"), name="a_rule_is_given_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="alertrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("severity__in", ["info", "warning", "critical"])), name="rule_severity_is_known"
            ),
        ),
        migrations.AddIndex(
            model_name="alertwatch",
            index=models.Index(fields=["due_at"], name="watches_due"),
        ),
        migrations.AddConstraint(
            model_name="alertwatch",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_alertwatch_owned"),
        ),
        migrations.AddConstraint(
            model_name="alertwatch",
            constraint=models.UniqueConstraint(fields=("organization",), name="one_watch_for_each_organization"),
        ),
        migrations.AddConstraint(
            model_name="alertwish",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_alertwish_owned"),
        ),
        migrations.AddConstraint(
            model_name="alertwish",
            constraint=models.UniqueConstraint(fields=("organization", "user"), name="one_wish_for_each_person"),
        ),
        migrations.AddConstraint(
            model_name="alertwish",
            constraint=models.CheckConstraint(
                condition=models.Q(("mailing__in", ["at_once", "digest", "none"])), name="mailing_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="alertwish",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("quiet_from", None), ("quiet_until", None)),
                    models.Q(("quiet_from__isnull", False), ("quiet_until__isnull", False)),
                    _connector="OR",
                ),
                name="quiet_hours_have_both_ends",
            ),
        ),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_allocation_owned"),
        ),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=models.UniqueConstraint(
                fields=("organization", "budget", "value"), name="one_allocation_for_each_value"
            ),
        ),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="allocation_is_more_than_nothing"
            ),
        ),
        migrations.AddConstraint(
            model_name="budgetcrossing",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_budgetcrossing_owned"),
        ),
        migrations.AddConstraint(
            model_name="budgetcrossing",
            constraint=models.UniqueConstraint(
                fields=("organization", "budget", "value", "first_day", "kind", "threshold", "amount"),
                name="a_threshold_is_crossed_once",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["organization", "-fired_at"], name="alerts_newest_first"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("state", "resolved"), _negated=True),
                fields=["organization", "state"],
                name="alerts_that_stand",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("crossing__isnull", False)),
                fields=["organization", "crossing"],
                name="alerts_of_a_crossing",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_alert_owned"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(fields=("organization", "key", "period"), name="alert_fires_once"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "acknowledged", "snoozed", "resolved"])),
                name="alert_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(("severity__in", ["info", "warning", "critical"])), name="alert_severity_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "snoozed"), _negated=True), ("snoozed_until__isnull", False), _connector="OR"
                ),
                name="a_snooze_has_an_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="budgetperiod",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_budgetperiod_owned"),
        ),
        migrations.AddConstraint(
            model_name="budgetperiod",
            constraint=models.UniqueConstraint(
                fields=("organization", "budget", "value", "first_day"), name="a_period_is_kept_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="channel",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_channel_owned"),
        ),
        migrations.AddConstraint(
            model_name="channel",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["email", "slack", "teams", "pagerduty", "webhook"])),
                name="channel_kind_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="channel",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind", "email"), ("email", ""), _connector="XOR"),
                name="only_email_has_an_open_address",
            ),
        ),
        migrations.AddConstraint(
            model_name="channelsecret",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_channelsecret_owned"),
        ),
        migrations.AddConstraint(
            model_name="channelsecret",
            constraint=models.UniqueConstraint(
                fields=("organization", "channel", "field"), name="one_channel_secret_for_each_field"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("next_try_at__isnull", False)), fields=["next_try_at"], name="deliveries_due"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["organization", "channel", "-created_at"], name="deliveries_of_a_channel"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["organization", "news"], name="deliveries_of_news"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("delivered_at", None), ("given_up_at", None), ("mail__isnull", False)),
                fields=["mail"],
                name="letters_on_their_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_delivery_owned"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("channel__isnull", False), ("news__isnull", False)),
                fields=("organization", "news", "channel"),
                name="a_channel_is_told_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user__isnull", False)),
                fields=("organization", "news", "user"),
                name="a_person_is_told_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("channel__isnull", False), ("user__isnull", True)),
                    models.Q(("channel__isnull", True), ("user__isnull", False)),
                    _connector="OR",
                ),
                name="a_delivery_has_one_receiver",
            ),
        ),
        migrations.AddConstraint(
            model_name="department",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_department_owned"),
        ),
        migrations.AddConstraint(
            model_name="department",
            constraint=models.UniqueConstraint(fields=("organization", "name"), name="one_department_of_a_name"),
        ),
        migrations.AddConstraint(
            model_name="department",
            constraint=models.CheckConstraint(
                condition=models.Q(("values__len__gt", 0)), name="a_department_has_values"
            ),
        ),
        migrations.AddIndex(
            model_name="budget",
            index=models.Index(
                condition=models.Q(("archived_at", None)), fields=["organization"], name="active_budgets"
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_budget_owned"),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="budget_is_more_than_nothing"
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(("ledger__in", ["counted", "measured"])), name="budget_ledger_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(("unit__in", ["usd", "tokens"])), name="budget_unit_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["notify", "throttle", "block"])), name="budget_mode_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(("every__in", ["day", "week", "month", "quarter", "custom"])),
                name="budget_period_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("every", budgets.rules.periods.Every["CUSTOM"]), _negated=True),
                    models.Q(("anchor__isnull", False), ("months__range", (1, 12))),
                    _connector="OR",
                ),
                name="custom_period_has_an_anchor",
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(("thresholds__len__lte", 10)), name="budget_has_up_to_ten_thresholds"
            ),
        ),
        migrations.AddConstraint(
            model_name="dismissal",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_dismissal_owned"),
        ),
        migrations.AddConstraint(
            model_name="dismissal",
            constraint=models.UniqueConstraint(
                fields=("organization", "user", "crossing"), name="a_banner_is_dismissed_once"
            ),
        ),
        migrations.AddIndex(
            model_name="look",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="budgets_to_look_at"
            ),
        ),
        migrations.AddConstraint(
            model_name="look",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_look_owned"),
        ),
        migrations.AddConstraint(
            model_name="look",
            constraint=models.UniqueConstraint(fields=("organization",), name="one_look_for_each_organization"),
        ),
        migrations.AddConstraint(
            model_name="promptlimit",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_promptlimit_owned"),
        ),
        migrations.AddConstraint(
            model_name="promptlimit",
            constraint=models.UniqueConstraint(fields=("organization",), name="one_prompt_limit"),
        ),
        migrations.AddConstraint(
            model_name="promptlimit",
            constraint=models.CheckConstraint(
                condition=models.Q(("tokens__gt", 0)), name="prompt_limit_is_more_than_nothing"
            ),
        ),
        migrations.AddIndex(
            model_name="raise",
            index=models.Index(fields=["organization", "budget", "state"], name="raises_of_a_budget"),
        ),
        migrations.AddConstraint(
            model_name="raise",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_raise_owned"),
        ),
        migrations.AddConstraint(
            model_name="raise",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="raise_is_more_than_nothing"),
        ),
        migrations.AddConstraint(
            model_name="raise",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "approved", "declined", "withdrawn"])),
                name="raise_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="raise",
            constraint=models.CheckConstraint(
                condition=models.Q(("decided_by", models.F("asked_by")), ("state", "approved"), _negated=True),
                name="nobody_approves_their_own_raise",
            ),
        ),
        migrations.AddConstraint(
            model_name="room",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_room_owned"),
        ),
        migrations.AddConstraint(
            model_name="room",
            constraint=models.CheckConstraint(
                condition=models.Q(("reserved__gte", 0)), name="reserved_is_nothing_or_more"
            ),
        ),
        migrations.AddIndex(
            model_name="reservation",
            index=models.Index(fields=["expires_at"], name="reservations_to_expire"),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_reservation_owned"),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.UniqueConstraint(fields=("organization", "room", "ref"), name="a_call_reserves_once"),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gte", 0)), name="reservation_is_nothing_or_more"
            ),
        ),
        narrow_rollup("budgets_room"),
        marks_for_the_sweep(
            {
                "budgets_look": "id, organization_id, due_at",
                "budgets_reservation": "id, organization_id, expires_at",
                "budgets_alertwatch": "id, organization_id, due_at",
                "budgets_channelsecret": "organization_id, master_id, destroyed_at",
                "budgets_delivery": "id, organization_id, next_try_at, delivered_at, given_up_at, mail_id",
            }
        ),
        owned_policies(*TABLES),
        OwnedForeignKey("budgets_budget", "department_id", "budgets_department"),
        OwnedForeignKey("budgets_allocation", "budget_id", "budgets_budget"),
        OwnedForeignKey("budgets_budgetperiod", "budget_id", "budgets_budget"),
        OwnedForeignKey("budgets_budgetcrossing", "budget_id", "budgets_budget"),
        OwnedForeignKey("budgets_raise", "budget_id", "budgets_budget"),
        OwnedForeignKey("budgets_dismissal", "crossing_id", "budgets_budgetcrossing"),
        OwnedForeignKey("budgets_room", "budget_id", "budgets_budget"),
        OwnedForeignKey("budgets_reservation", "room_id", "budgets_room"),
        OwnedForeignKey("budgets_alert", "rule_id", "budgets_alertrule"),
        OwnedForeignKey("budgets_alert", "crossing_id", "budgets_budgetcrossing"),
        OwnedForeignKey("budgets_alertnews", "alert_id", "budgets_alert"),
        OwnedForeignKey("budgets_channelsecret", "channel_id", "budgets_channel"),
        OwnedForeignKey("budgets_delivery", "news_id", "budgets_alertnews"),
        OwnedForeignKey("budgets_delivery", "channel_id", "budgets_channel"),
        closed_secrets(),
    ]
