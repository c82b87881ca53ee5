"""API keys and the directory of their digests, with the policies around them."""

from typing import Any

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tokentra.lib.ids
from tokentra.lib.tenancy_migrations import OwnedForeignKey, Policies, marks_for_the_sweep, owned_policies

HERE = "NULLIF(current_setting('app.org_id', true), '')::uuid"
HELD = "NULLIF(current_setting('app.digest', true), '')"


def digest_policies() -> Policies:
    """A digest is seen by whoever holds its key, and by its organization, which alone writes it."""
    table, here = "sdk_keys_keydigest", f"organization_id = {HERE}"
    forward: list[Any] = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY shown ON {table} FOR SELECT TO tt_app, tt_owner USING (digest = {HELD} OR {here})",
        f"CREATE POLICY added ON {table} FOR INSERT TO tt_app, tt_owner WITH CHECK ({here})",
        f"CREATE POLICY changed ON {table} FOR UPDATE TO tt_app, tt_owner USING ({here}) WITH CHECK ({here})",
        f"CREATE POLICY removed ON {table} FOR DELETE TO tt_app, tt_owner USING ({here})",
    ]
    backward: list[Any] = [f"DROP POLICY {name} ON {table}" for name in ("shown", "added", "changed", "removed")]
    backward += [f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY", f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"]
    return Policies(forward, backward)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=60)),
                ("prefix", models.CharField(help_text="How the key begins.", max_length=12)),
                ("last_four", models.CharField(max_length=4)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("ingest", "Send events"),
                                ("read", "Read usage, costs and connections"),
                                ("admin", "Manage connections and budgets"),
                            ],
                            max_length=10,
                        ),
                        size=None,
                    ),
                ),
                ("environment", models.CharField(choices=[("live", "Live"), ("test", "Test")], max_length=4)),
                ("created_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(help_text="To the hour.", null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "misplaced_at",
                    models.DateTimeField(help_text="When it last came in an address or a body.", null=True),
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
                (
                    "replaced_by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="sdk_keys.apikey",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="KeyDigest",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                (
                    "master_id",
                    models.CharField(help_text="The master key whose pepper is in the digest.", max_length=8),
                ),
                (
                    "key",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="digest",
                        to="sdk_keys.apikey",
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
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("outcome", models.CharField(max_length=60)),
                ("way", models.CharField(help_text="Which door it came to.", max_length=20)),
                ("at", models.DateTimeField()),
                ("field", models.CharField(blank=True, help_text="The field that was wrong.", max_length=80)),
                (
                    "said",
                    models.CharField(
                        blank=True, help_text="What was sent there, where that may be told.", max_length=60
                    ),
                ),
                ("event_day", models.DateField(null=True)),
                ("event_id", models.UUIDField(help_text="The event that was stored.", null=True)),
                (
                    "key",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="sdk_keys.apikey",
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
                    models.UniqueConstraint(fields=("organization", "id"), name="sdk_keys_attempt_owned"),
                    models.UniqueConstraint(
                        fields=("organization", "key", "outcome"), name="one_latest_attempt_of_each_outcome"
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="apikey",
            index=models.Index(fields=["organization", "-created_at"], name="keys_newest_first"),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="sdk_keys_apikey_owned"),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(("scopes__contained_by", ["ingest", "read", "admin"]), ("scopes__len__gt", 0)),
                name="key_has_known_scopes",
            ),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(("environment__in", ["live", "test"])), name="key_environment_is_known"
            ),
        ),
        digest_policies(),
        marks_for_the_sweep(
            {
                "sdk_keys_keydigest": "organization_id, key_id, master_id",
                "sdk_keys_apikey": "id, organization_id, revoked_at, expires_at",
            }
        ),
        owned_policies("sdk_keys_apikey", "sdk_keys_attempt"),
        OwnedForeignKey("sdk_keys_apikey", "replaced_by_id", "sdk_keys_apikey"),
        OwnedForeignKey("sdk_keys_keydigest", "key_id", "sdk_keys_apikey"),
        OwnedForeignKey("sdk_keys_attempt", "key_id", "sdk_keys_apikey"),
    ]
