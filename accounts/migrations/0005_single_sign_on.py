"""Single sign-on of organizations, and the domains that they proved, with the policies around them."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

import tokentra.lib.ids
from tokentra.lib.tenancy_migrations import Policies, marks_for_the_sweep, owned_policies

HERE = "NULLIF(current_setting('app.org_id', true), '')::uuid"
HELD = "NULLIF(current_setting('app.digest', true), '')"


def domain_policies() -> Policies:
    """A domain is seen by its organization, and a proved one by whoever asks for it by its digest."""
    table, here = "accounts_signondomain", f"organization_id = {HERE}"
    shown = f"{here} OR (digest = {HELD} AND proved_at IS NOT NULL)"
    names = ("shown", "added", "changed", "removed", "listed")
    forward: list[Any] = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY shown ON {table} FOR SELECT TO tt_app, tt_owner USING ({shown})",
        f"CREATE POLICY added ON {table} FOR INSERT TO tt_app, tt_owner WITH CHECK ({here})",
        f"CREATE POLICY changed ON {table} FOR UPDATE TO tt_app, tt_owner USING ({here}) WITH CHECK ({here})",
        f"CREATE POLICY removed ON {table} FOR DELETE TO tt_app, tt_owner USING ({here})",
        f"CREATE POLICY listed ON {table} FOR SELECT TO tt_staff USING (true)",
        f"GRANT SELECT ON {table} TO tt_staff",
    ]
    backward: list[Any] = [
        *(f"DROP POLICY {name} ON {table}" for name in names),
        f"REVOKE SELECT ON {table} FROM tt_staff",
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    ]
    return Policies(forward, backward)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_closing"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="sign_on_required",
            field=models.BooleanField(
                default=False,
                help_text="Members come in by its own identity provider alone; owners may come otherwise.",
            ),
        ),
        migrations.CreateModel(
            name="SignOn",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("kind", models.CharField(choices=[("oidc", "OpenID Connect"), ("saml", "SAML 2.0")], max_length=4)),
                ("is_on", models.BooleanField(default=False)),
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
                ("issuer", models.CharField(blank=True, max_length=300)),
                ("client_id", models.CharField(blank=True, max_length=200)),
                ("master_id", models.CharField(blank=True, max_length=8)),
                ("wrapped_key", models.BinaryField(default=b"")),
                ("sealed_under", models.CharField(blank=True, max_length=8)),
                ("ciphertext", models.BinaryField(default=b"")),
                ("entity_id", models.CharField(blank=True, max_length=300)),
                ("sso_url", models.CharField(blank=True, max_length=300)),
                ("certificate", models.TextField(blank=True)),
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
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="accounts_signon_owned"),
                    models.UniqueConstraint(fields=("organization",), name="an_organization_has_one_sign_on"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SignOnDomain",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=253)),
                ("digest", models.CharField(max_length=64)),
                ("token", models.CharField(max_length=60)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("proved_at", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sign_on_domains",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "name"), name="a_domain_is_claimed_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("proved_at__isnull", False)),
                        fields=("digest",),
                        name="a_domain_is_proved_once",
                    ),
                ],
            },
        ),
        owned_policies("accounts_signon"),
        domain_policies(),
        marks_for_the_sweep({"accounts_signon": "organization_id, master_id"}),
    ]
