"""Budgets with what is kept of their periods, and the policies around them."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import budgets.models
import budgets.rules.periods
import tokentra.lib.ids
from tokentra.lib.tenancy_migrations import OwnedForeignKey, marks_for_the_sweep, owned_policies


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
                    models.DateField(help_text="The last UTC day on which past periods were all restated.", null=True),
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
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="budgets_allocation_owned"),
                    models.UniqueConstraint(
                        fields=("organization", "budget", "value"), name="one_allocation_for_each_value"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="allocation_is_more_than_nothing"
                    ),
                ],
            },
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
        marks_for_the_sweep({"budgets_look": "id, organization_id, due_at"}),
        owned_policies(
            "budgets_budget",
            "budgets_department",
            "budgets_allocation",
            "budgets_promptlimit",
            "budgets_budgetperiod",
            "budgets_budgetcrossing",
            "budgets_dismissal",
            "budgets_look",
            "budgets_raise",
        ),
        OwnedForeignKey("budgets_budget", "department_id", "budgets_department"),
        OwnedForeignKey("budgets_allocation", "budget_id", "budgets_budget"),
        OwnedForeignKey("budgets_budgetperiod", "budget_id", "budgets_budget"),
        OwnedForeignKey("budgets_budgetcrossing", "budget_id", "budgets_budget"),
        OwnedForeignKey("budgets_raise", "budget_id", "budgets_budget"),
        OwnedForeignKey("budgets_dismissal", "crossing_id", "budgets_budgetcrossing"),
    ]
