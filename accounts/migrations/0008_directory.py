"""Directories by SCIM: tokens, people and groups, with the policies around them, and who was removed."""

from typing import Any

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tokentra.lib.ids
from tokentra.lib.tenancy_migrations import OwnedForeignKey, Policies, owned_policies

HERE = "NULLIF(current_setting('app.org_id', true), '')::uuid"
HELD = "NULLIF(current_setting('app.digest', true), '')"


def token_policies() -> Policies:
    """A token is seen by whoever holds it, and by its organization, which alone writes it."""
    table, here = "accounts_directorytoken", f"organization_id = {HERE}"
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
    dependencies = [
        ("accounts", "0007_domains_looked_at"),
    ]

    operations = [
        migrations.CreateModel(
            name="DirectoryGroup",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("display_name", models.CharField(max_length=256)),
                ("external_id", models.CharField(blank=True, max_length=254)),
                (
                    "role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "None of its own"),
                            ("admin", "Admin"),
                            ("finance", "Finance"),
                            ("member", "Member"),
                            ("viewer", "Viewer"),
                        ],
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
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
            name="DirectoryToken",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("last_four", models.CharField(max_length=4)),
                ("made_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(help_text="To the hour.", null=True)),
                (
                    "made_by",
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
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DirectoryUser",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("name_key", models.CharField(help_text="Its userName in the form that is compared.", max_length=254)),
                ("external_id", models.CharField(blank=True, max_length=254)),
                (
                    "addresses",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=254),
                        help_text="In the form that is compared.",
                        size=None,
                    ),
                ),
                ("told", models.JSONField(help_text="The userName, names and emails, as the directory wrote them.")),
                (
                    "role_given",
                    models.CharField(blank=True, help_text="The role that a group gave them last.", max_length=10),
                ),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
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
            name="DirectoryGroupMember",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "group",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="accounts.directorygroup",
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
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="groups",
                        to="accounts.directoryuser",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="KeptOut",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("digest", models.CharField(help_text="Stands for their address.", max_length=64)),
                ("by_directory", models.BooleanField(default=False)),
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
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Directory",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "default_role",
                    models.CharField(
                        choices=[
                            ("admin", "Admin"),
                            ("finance", "Finance"),
                            ("member", "Member"),
                            ("viewer", "Viewer"),
                        ],
                        default="viewer",
                        max_length=10,
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
                    models.UniqueConstraint(fields=("organization", "id"), name="accounts_directory_owned"),
                    models.UniqueConstraint(fields=("organization",), name="an_organization_has_one_directory"),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="directorygroup",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="accounts_directorygroup_owned"),
        ),
        migrations.AddConstraint(
            model_name="directoryuser",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="accounts_directoryuser_owned"),
        ),
        migrations.AddConstraint(
            model_name="directoryuser",
            constraint=models.UniqueConstraint(
                fields=("organization", "user"), name="a_directory_tells_once_of_a_person"
            ),
        ),
        migrations.AddConstraint(
            model_name="directoryuser",
            constraint=models.UniqueConstraint(fields=("organization", "name_key"), name="a_user_name_is_one_persons"),
        ),
        migrations.AddConstraint(
            model_name="directorygroupmember",
            constraint=models.UniqueConstraint(
                fields=("organization", "id"), name="accounts_directorygroupmember_owned"
            ),
        ),
        migrations.AddConstraint(
            model_name="directorygroupmember",
            constraint=models.UniqueConstraint(
                fields=("organization", "group", "person"), name="a_group_holds_a_person_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="keptout",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="accounts_keptout_owned"),
        ),
        migrations.AddConstraint(
            model_name="keptout",
            constraint=models.UniqueConstraint(fields=("organization", "digest"), name="an_address_is_kept_out_once"),
        ),
        token_policies(),
        owned_policies(
            "accounts_directory",
            "accounts_directoryuser",
            "accounts_directorygroup",
            "accounts_directorygroupmember",
            "accounts_keptout",
        ),
        OwnedForeignKey("accounts_directorygroupmember", "group_id", "accounts_directorygroup"),
        OwnedForeignKey("accounts_directorygroupmember", "person_id", "accounts_directoryuser"),
    ]
