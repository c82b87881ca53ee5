"""Connections, their sealed credentials and the marks of their sync, each behind the second wall."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tokentra.lib.ids
from tokentra.lib.tenancy_migrations import OwnedForeignKey, marks_for_the_sweep, owned_policies

CHILDREN = (
    "providers_sealedcredential",
    "providers_endpointstate",
    "providers_readwindow",
    "providers_keptanswer",
    "providers_syncrun",
)


def closed_secrets() -> migrations.RunSQL:
    """The web may put secrets in and take them out; reading them is for workers."""
    table, marks = (
        "providers_sealedcredential",
        "id, organization_id, connection_id, field, master_id, sealed_at, destroyed_at",
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
            name="Connection",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("provider", models.CharField(max_length=40)),
                ("name", models.CharField(max_length=100)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("validating", "Validating"),
                            ("backfilling", "Backfilling"),
                            ("healthy", "Healthy"),
                            ("degraded", "Degraded"),
                            ("failing", "Failing"),
                            ("broken", "Broken"),
                            ("paused", "Paused"),
                            ("disconnected", "Disconnected"),
                        ],
                        default="validating",
                        max_length=12,
                    ),
                ),
                (
                    "account_id",
                    models.CharField(blank=True, help_text="The provider's; empty while unknown.", max_length=200),
                ),
                ("account_name", models.CharField(blank=True, max_length=200)),
                (
                    "project_ids",
                    models.JSONField(default=list, help_text="Prove the account while its id is unknown."),
                ),
                ("projects_found", models.IntegerField(null=True)),
                (
                    "capabilities",
                    models.JSONField(default=list, help_text="Names of the endpoints that the key may read."),
                ),
                ("key_kind", models.CharField(blank=True, max_length=60)),
                ("key_last4", models.CharField(blank=True, max_length=4)),
                ("key_fingerprint", models.CharField(blank=True, max_length=100)),
                ("key_set_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("history_from", models.DateField(help_text="The first UTC day that is read.")),
                ("next_sync_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                (
                    "fence",
                    models.BigIntegerField(default=0, help_text="Grows with each claim; writes carry theirs."),
                ),
                (
                    "blocked",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("slowed", "Slowed"),
                            ("refused", "Refused"),
                            ("key_refused", "Key Refused"),
                            ("other_account", "Other Account"),
                            ("same_account", "Same Account"),
                            ("key_unreadable", "Key Unreadable"),
                        ],
                        max_length=20,
                    ),
                ),
                ("blocked_at", models.DateTimeField(null=True)),
                ("wait_until", models.DateTimeField(null=True)),
                ("waits", models.IntegerField(default=0, help_text="Refusals or slow-downs in a row.")),
                (
                    "detail",
                    models.CharField(blank=True, help_text="The provider's own words, masked.", max_length=500),
                ),
                (
                    "first_read_at",
                    models.DateTimeField(help_text="When the whole first history had been read.", null=True),
                ),
                ("last_sync_at", models.DateTimeField(help_text="The last window that was read.", null=True)),
                ("last_tried_at", models.DateTimeField(null=True)),
                ("names_read_at", models.DateTimeField(null=True)),
                ("paused_at", models.DateTimeField(null=True)),
                ("disconnected_at", models.DateTimeField(null=True)),
                (
                    "taken_over_by",
                    models.UUIDField(
                        help_text="The connection that reads the same account now, and has its days as it reads them.",
                        null=True,
                    ),
                ),
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
            name="EndpointState",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("endpoint", models.CharField(max_length=60)),
                ("label", models.CharField(blank=True, max_length=100)),
                ("position", models.SmallIntegerField(default=0)),
                (
                    "outcome",
                    models.CharField(blank=True, help_text="Empty until it has been tried.", max_length=24),
                ),
                (
                    "detail",
                    models.CharField(blank=True, help_text="The provider's own words, masked.", max_length=500),
                ),
                ("failures", models.IntegerField(default=0, help_text="In a row.")),
                ("failing_since", models.DateTimeField(null=True)),
                ("retry_at", models.DateTimeField(null=True)),
                (
                    "earliest",
                    models.DateField(help_text="The provider gives nothing before this day.", null=True),
                ),
                ("last_success_at", models.DateTimeField(null=True)),
                ("last_tried_at", models.DateTimeField(null=True)),
                (
                    "sample",
                    models.TextField(blank=True, help_text="Of the last answer that was not understood, masked."),
                ),
                ("sample_at", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="providers.connection",
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
            name="ReadWindow",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("endpoint", models.CharField(max_length=60)),
                ("start", models.DateTimeField()),
                ("end", models.DateTimeField()),
                (
                    "due_at",
                    models.DateTimeField(help_text="When to read it next; null is never again.", null=True),
                ),
                ("read_at", models.DateTimeField(help_text="The last complete reading.", null=True)),
                ("rows", models.IntegerField(default=0)),
                (
                    "left_out",
                    models.IntegerField(
                        default=0, help_text="Rows and buckets of the last reading that made no sense."
                    ),
                ),
                ("tries", models.IntegerField(default=0, help_text="Failed ones in a row.")),
                ("problem", models.CharField(blank=True, max_length=500)),
                (
                    "empty_seen_at",
                    models.DateTimeField(help_text="First empty after it had rows.", null=True),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="providers.connection",
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
            name="SealedCredential",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("field", models.CharField(max_length=40)),
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
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="providers.connection",
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
            name="SyncRun",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField()),
                ("windows", models.IntegerField(default=0)),
                ("rows", models.IntegerField(default=0)),
                ("outcome", models.CharField(max_length=24)),
                ("problem", models.CharField(blank=True, max_length=500)),
                (
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="providers.connection",
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
        migrations.AddIndex(
            model_name="connection",
            index=models.Index(
                condition=models.Q(("next_sync_at__isnull", False)),
                fields=["next_sync_at"],
                name="connections_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="providers_connection_owned"),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    models.Q(("status", "disconnected"), _negated=True),
                    models.Q(("account_id", ""), _negated=True),
                ),
                fields=("organization", "provider", "account_id"),
                name="account_is_connected_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            "validating",
                            "backfilling",
                            "healthy",
                            "degraded",
                            "failing",
                            "broken",
                            "paused",
                            "disconnected",
                        ],
                    )
                ),
                name="connection_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ("broken", "paused", "disconnected")), _negated=True),
                    ("next_sync_at", None),
                    _connector="OR",
                ),
                name="connection_at_rest_is_never_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpointstate",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="providers_endpointstate_owned"),
        ),
        migrations.AddConstraint(
            model_name="endpointstate",
            constraint=models.UniqueConstraint(
                fields=("organization", "connection", "endpoint"), name="one_state_for_each_endpoint"
            ),
        ),
        migrations.AddIndex(
            model_name="readwindow",
            index=models.Index(fields=["organization", "connection", "due_at"], name="windows_due"),
        ),
        migrations.AddConstraint(
            model_name="readwindow",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="providers_readwindow_owned"),
        ),
        migrations.AddConstraint(
            model_name="readwindow",
            constraint=models.UniqueConstraint(
                fields=("organization", "connection", "endpoint", "start"), name="window_is_kept_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="readwindow",
            constraint=models.CheckConstraint(
                condition=models.Q(("end__gt", models.F("start"))), name="window_ends_after_it_begins"
            ),
        ),
        migrations.AddConstraint(
            model_name="sealedcredential",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="providers_sealedcredential_owned"),
        ),
        migrations.AddConstraint(
            model_name="sealedcredential",
            constraint=models.UniqueConstraint(
                fields=("organization", "connection", "field"), name="one_secret_for_each_field"
            ),
        ),
        migrations.AddIndex(
            model_name="syncrun",
            index=models.Index(fields=["organization", "connection", "-started_at"], name="runs_newest_first"),
        ),
        migrations.AddConstraint(
            model_name="syncrun",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="providers_syncrun_owned"),
        ),
        migrations.CreateModel(
            name="KeyRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("provider", models.CharField(max_length=40)),
                ("token_digest", models.CharField(max_length=64)),
                ("asked_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
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
                    models.UniqueConstraint(fields=("organization", "id"), name="providers_keyrequest_owned"),
                    models.UniqueConstraint(
                        fields=("organization", "token_digest"), name="key_request_has_its_own_link"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="KeptAnswer",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("reading", models.CharField(max_length=80)),
                ("question", models.CharField(help_text="The hash of what was asked.", max_length=64)),
                ("body", models.BinaryField(help_text="As it came, compressed.")),
                ("kept_at", models.DateTimeField()),
                (
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="providers.connection",
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
                    models.UniqueConstraint(fields=("organization", "id"), name="providers_keptanswer_owned"),
                    models.UniqueConstraint(
                        fields=("organization", "connection", "reading", "question"), name="answer_is_kept_once"
                    ),
                ],
            },
        ),
        owned_policies("providers_connection", "providers_keyrequest", *CHILDREN),
        *(OwnedForeignKey(child, "connection_id", "providers_connection") for child in CHILDREN),
        closed_secrets(),
        marks_for_the_sweep(
            {
                "providers_connection": "id, organization_id, next_sync_at, lease_until, status",
                "providers_sealedcredential": "organization_id, master_id, destroyed_at",
                "providers_endpointstate": "organization_id, sample_at",
            }
        ),
    ]
