"""Answers, journeys and what guides people, with the policies around them."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tokentra.lib.ids
from tokentra.lib.tenancy_migrations import owned_policies


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CompanyAnswers",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("company_size", models.CharField(blank=True, max_length=20)),
                ("monthly_ai_spend", models.CharField(blank=True, max_length=20)),
                (
                    "ai_providers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
                    ),
                ),
                (
                    "use_cases",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
                    ),
                ),
                (
                    "other",
                    models.JSONField(blank=True, default=dict, help_text="What was typed behind “Other”, by question."),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
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
                "verbose_name_plural": "company answers",
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="onboarding_companyanswers_owned"),
                    models.UniqueConstraint(fields=("organization",), name="company_answers_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Journey",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "came",
                    models.CharField(
                        choices=[("founded", "founded"), ("invited", "invited"), ("another", "another")], max_length=10
                    ),
                ),
                ("user_role", models.CharField(blank=True, max_length=30)),
                (
                    "goals",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
                    ),
                ),
                ("acquisition_channel", models.CharField(blank=True, max_length=40)),
                (
                    "other",
                    models.JSONField(blank=True, default=dict, help_text="What was typed behind “Other”, by question."),
                ),
                ("step", models.CharField(help_text="Where they go on when they come back.", max_length=20)),
                (
                    "done_steps",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
                    ),
                ),
                (
                    "skipped_steps",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
                    ),
                ),
                (
                    "segment",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("startup_technical", "startup_technical"),
                            ("startup_business", "startup_business"),
                            ("midmarket_technical", "midmarket_technical"),
                            ("midmarket_finops", "midmarket_finops"),
                            ("midmarket_business", "midmarket_business"),
                            ("enterprise_technical", "enterprise_technical"),
                            ("enterprise_finops", "enterprise_finops"),
                            ("enterprise_executive", "enterprise_executive"),
                            ("enterprise_business", "enterprise_business"),
                            ("agency", "agency"),
                        ],
                        max_length=30,
                    ),
                ),
                (
                    "path",
                    models.CharField(
                        choices=[
                            ("quick_connect", "quick_connect"),
                            ("sdk_first", "sdk_first"),
                            ("guided_tour", "guided_tour"),
                            ("sales_assisted", "sales_assisted"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "spend_tier",
                    models.CharField(
                        blank=True,
                        choices=[("under_10k", "under_10k"), ("to_100k", "to_100k"), ("over_100k", "over_100k")],
                        max_length=20,
                    ),
                ),
                ("rule_version", models.PositiveSmallIntegerField()),
                ("rule_inputs", models.JSONField(default=dict)),
                ("started_at", models.DateTimeField()),
                ("active_at", models.DateTimeField(help_text="When they last did something on the way.")),
                ("questionnaire_completed_at", models.DateTimeField(blank=True, null=True)),
                ("abandoned_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "dismissed_at",
                    models.DateTimeField(blank=True, help_text="When they chose to skip all that is left.", null=True),
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
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="onboarding_journey_owned"),
                    models.UniqueConstraint(fields=("organization", "user"), name="one_journey_per_person"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("path__in", ["quick_connect", "sdk_first", "guided_tour", "sales_assisted"])
                        ),
                        name="journey_path_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Nudge",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("kind", models.CharField(max_length=40)),
                ("at", models.DateTimeField()),
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
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="onboarding_nudge_owned"),
                    models.UniqueConstraint(fields=("organization", "user", "kind"), name="nudged_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Seen",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("tour", "Tour"),
                            ("tooltip", "Tooltip"),
                            ("celebration", "Celebration"),
                            ("card", "Card"),
                            ("early", "Early"),
                            ("page", "Page"),
                        ],
                        max_length=20,
                    ),
                ),
                ("key", models.CharField(max_length=40)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "Asked"),
                            ("started", "Started"),
                            ("completed", "Completed"),
                            ("skipped", "Skipped"),
                            ("dismissed", "Dismissed"),
                        ],
                        max_length=20,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("steps_viewed", models.PositiveSmallIntegerField(default=0)),
                ("steps_total", models.PositiveSmallIntegerField(default=0)),
                (
                    "times",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="How often a page was seen, as far as that matters."
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
                "verbose_name_plural": "seen",
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="onboarding_seen_owned"),
                    models.UniqueConstraint(
                        fields=("organization", "user", "kind", "key"), name="guidance_is_seen_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Unlock",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("feature", models.CharField(max_length=40)),
                ("trigger", models.CharField(help_text="Which condition held first.", max_length=60)),
                ("at", models.DateTimeField()),
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
                    models.UniqueConstraint(fields=("organization", "id"), name="onboarding_unlock_owned"),
                    models.UniqueConstraint(fields=("organization", "feature"), name="feature_unlocks_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Funnel",
            fields=[],
            options={
                "verbose_name_plural": "funnel",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("onboarding.journey",),
        ),
        migrations.CreateModel(
            name="SalesLead",
            fields=[],
            options={
                "verbose_name_plural": "sales list",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("onboarding.journey",),
        ),
        migrations.CreateModel(
            name="Forward",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("target", models.CharField(help_text="Which address it is for, as a digest.", max_length=64)),
                ("line_count", models.PositiveSmallIntegerField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("next_try_at", models.DateTimeField(null=True)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("problem", models.CharField(blank=True, max_length=300)),
                (
                    "stopped_at",
                    models.DateTimeField(
                        help_text="When the address said that nobody listens there any more.", null=True
                    ),
                ),
                ("delivered_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("delivered_at", None)), fields=["next_try_at"], name="forwards_to_send"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ForwardedLine",
            fields=[
                (
                    "id",
                    models.UUIDField(help_text="The journal line's.", primary_key=True, serialize=False),
                ),
                ("payload", models.JSONField()),
                (
                    "forward",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="onboarding.forward",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("forward", None)), fields=["id"], name="lines_to_forward")
                ],
            },
        ),
        owned_policies(
            "onboarding_companyanswers",
            "onboarding_journey",
            "onboarding_seen",
            "onboarding_unlock",
            "onboarding_nudge",
        ),
    ]
