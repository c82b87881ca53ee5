"""People, organizations, memberships, the journal and the outbox, with the policies around them."""

from typing import Any

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import accounts.industries
import accounts.models
import tokentra.lib.ids
from tokentra.lib.tenancy_migrations import Policies, marks_for_the_sweep, owned_policies

MINE = "NULLIF(current_setting('app.user_id', true), '')::uuid"
HERE = "NULLIF(current_setting('app.org_id', true), '')::uuid"
HELD = "NULLIF(current_setting('app.digest', true), '')"


def directory_policies() -> Policies:
    """People see where they belong; an organization sees itself and its members; both only inside a scope.

    An invitation is seen by its organization, by whoever holds its link, and by the person of its address.
    Workers and the owner may list organizations: maintenance goes through them one by one.
    """
    member, organization, invitation = "accounts_membership", "accounts_organization", "accounts_invitation"
    invited = f"token_digest = {HELD} OR email = (SELECT lower(email) FROM accounts_user WHERE id = {MINE})"
    belongs = f"id = {HERE} OR id IN (SELECT organization_id FROM {member} WHERE user_id = {MINE})"
    forward: list[Any] = []
    backward: list[Any] = []
    for table, shown, written in (
        (member, f"user_id = {MINE} OR organization_id = {HERE}", f"organization_id = {HERE}"),
        (organization, belongs, f"id = {HERE}"),
        (invitation, f"organization_id = {HERE} OR {invited}", f"organization_id = {HERE}"),
    ):
        forward += [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY shown ON {table} FOR SELECT TO tt_app, tt_owner USING ({shown})",
            f"CREATE POLICY added ON {table} FOR INSERT TO tt_app, tt_owner WITH CHECK ({written})",
            f"CREATE POLICY changed ON {table} FOR UPDATE TO tt_app, tt_owner USING ({written}) WITH CHECK ({written})",
            f"CREATE POLICY removed ON {table} FOR DELETE TO tt_app, tt_owner USING ({written})",
            f"CREATE POLICY listed ON {table} FOR SELECT TO tt_owner, tt_staff USING (true)",
            f"GRANT SELECT ON {table} TO tt_staff",
        ]
        backward += [f"DROP POLICY {name} ON {table}" for name in ("shown", "added", "changed", "removed", "listed")]
        backward += [
            f"REVOKE SELECT ON {table} FROM tt_staff",
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        ]
    forward.append(f"CREATE POLICY worked ON {organization} FOR SELECT TO tt_worker USING (true)")
    backward.insert(0, f"DROP POLICY worked ON {organization}")
    return Policies(forward, backward)


def lines_go_with_their_organization() -> migrations.RunSQL:
    """By a key that cascades as the tables' owner, so that no other role needs to be able to delete a line."""
    lines = ("accounts_journalentry", "accounts_auditline")
    return migrations.RunSQL(
        [
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_goes_with_its_organization FOREIGN KEY (organization_id) "
            "REFERENCES accounts_organization (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
            for table in lines
        ],
        [f"ALTER TABLE {table} DROP CONSTRAINT {table}_goes_with_its_organization" for table in lines],
    )


def append_only() -> migrations.RunSQL:
    """What happened stays as it was written; a person's name may leave it with the person."""
    return migrations.RunSQL(
        [
            "REVOKE UPDATE, DELETE ON accounts_journalentry, accounts_auditline FROM tt_app",
            "GRANT UPDATE (user_id) ON accounts_journalentry TO tt_app",
            "GRANT UPDATE (actor_id) ON accounts_auditline TO tt_app",
            "REVOKE UPDATE, DELETE ON accounts_staffaccess FROM tt_app",
            "GRANT SELECT (id, email, full_name, is_staff) ON accounts_user TO tt_staff",
            "GRANT SELECT (user_id, utm_source, referrer) ON accounts_visit TO tt_staff",
        ],
        [
            "LOCK TABLE accounts_visit, accounts_user, accounts_staffaccess, accounts_journalentry, accounts_auditline "
            "IN ACCESS EXCLUSIVE MODE",
            "REVOKE SELECT (user_id, utm_source, referrer) ON accounts_visit FROM tt_staff",
            "REVOKE SELECT (id, email, full_name, is_staff) ON accounts_user FROM tt_staff",
            "GRANT UPDATE, DELETE ON accounts_staffaccess TO tt_app",
            "GRANT UPDATE, DELETE ON accounts_journalentry, accounts_auditline TO tt_app",
        ],
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("worker", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Organization",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=100)),
                ("slug", models.SlugField(max_length=60, unique=True)),
                (
                    "timezone",
                    models.CharField(default="UTC", max_length=64, validators=[accounts.models.known_timezone]),
                ),
                ("currency", models.CharField(default="USD", max_length=3)),
                ("website", models.URLField(blank=True)),
                (
                    "industry",
                    models.CharField(blank=True, choices=accounts.industries.Industry.choices, max_length=30),
                ),
                (
                    "event_days",
                    models.PositiveSmallIntegerField(
                        default=90,
                        help_text="For how many days measured events are kept one by one; their sums stay.",
                        validators=[
                            django.core.validators.MinValueValidator(35),
                            django.core.validators.MaxValueValidator(1100),
                        ],
                    ),
                ),
                ("plan", models.CharField(default="free", max_length=20)),
                ("trial_ends_at", models.DateTimeField(blank=True, null=True)),
                (
                    "is_sample",
                    models.BooleanField(default=False, help_text="Holds generated data for someone to look around in."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("full_name", models.CharField(blank=True, max_length=150)),
                ("is_active", models.BooleanField(default=True)),
                ("is_staff", models.BooleanField(default=False, help_text="May open the admin.")),
                (
                    "wants_guidance_mail",
                    models.BooleanField(
                        default=True,
                        help_text="Notices about the account come in any case.",
                        verbose_name="letters with the next step",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("admin", "Admin"),
                            ("finance", "Finance"),
                            ("member", "Member"),
                            ("viewer", "Viewer"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "is_invitee",
                    models.BooleanField(default=False, help_text="Joined an organization that was there already."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "active_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, help_text="When they last used it here, to the hour."
                    ),
                ),
                (
                    "look_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="When it is next looked whether this person is stuck; empty once there is no more to look for.",
                        null=True,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="accounts.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="JournalEntry",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("event", models.CharField(max_length=60)),
                ("at", models.DateTimeField()),
                ("data", models.JSONField(default=dict)),
                (
                    "user",
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
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "journal entries",
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Milestone",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("event", models.CharField(max_length=60)),
                ("at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
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
            name="AuditLine",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("action", models.CharField(max_length=60)),
                ("object_type", models.CharField(blank=True, max_length=40)),
                ("object_id", models.CharField(blank=True, max_length=64)),
                ("at", models.DateTimeField()),
                ("ip", models.GenericIPAddressField(null=True)),
                ("user_agent", models.CharField(blank=True, max_length=256)),
                ("data", models.JSONField(default=dict)),
                (
                    "actor",
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
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
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
            name="OutboxMail",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("kind", models.CharField(blank=True, help_text="Which letter it is.", max_length=40)),
                ("to", models.EmailField(max_length=254)),
                ("subject", models.CharField(max_length=200)),
                ("text", models.TextField()),
                ("html", models.TextField(blank=True)),
                (
                    "stop_url",
                    models.CharField(blank=True, help_text="Where one click ends letters of its kind.", max_length=300),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        db_index=False,
                        help_text="Who had it sent to an address that is not theirs.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("next_try_at", models.DateTimeField(null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("problem", models.CharField(blank=True, max_length=300)),
                ("delivered_at", models.DateTimeField(null=True)),
                (
                    "good_until",
                    models.DateTimeField(help_text="When its code or link ends; it is not sent after that.", null=True),
                ),
                (
                    "about",
                    models.UUIDField(
                        help_text="The organization whose standing it tells of, as it was then.", null=True
                    ),
                ),
                (
                    "withdrawn_at",
                    models.DateTimeField(help_text="When it was taken back before it was sent.", null=True),
                ),
            ],
            options={
                "verbose_name_plural": "outbox",
                "indexes": [
                    models.Index(
                        condition=models.Q(("delivered_at", None)),
                        fields=["next_try_at"],
                        name="mail_to_send",
                    ),
                    models.Index(
                        condition=models.Q(("asked_by__isnull", False)),
                        fields=["asked_by", "created_at"],
                        name="mail_by_asker",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("email", models.EmailField(max_length=254)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("admin", "Admin"),
                            ("finance", "Finance"),
                            ("member", "Member"),
                            ("viewer", "Viewer"),
                        ],
                        max_length=10,
                    ),
                ),
                ("token_digest", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("accepted_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "mail",
                    models.ForeignKey(
                        db_constraint=False,
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
                        related_name="invitations",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["email"], name="invitation_by_address")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("accepted_at", None), ("revoked_at", None)),
                        fields=("organization", "email"),
                        name="one_open_invitation_per_address",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["owner", "admin", "finance", "member", "viewer"])),
                        name="invitation_role_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                        name="invitation_address_is_lower_case",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StaffAccess",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("model", models.CharField(max_length=80)),
                ("path", models.CharField(max_length=300)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "staff accesses",
            },
        ),
        migrations.CreateModel(
            name="Visit",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("first_seen_at", models.DateTimeField()),
                ("landing_path", models.CharField(blank=True, max_length=300)),
                ("referrer", models.CharField(blank=True, max_length=300)),
                ("utm_source", models.CharField(blank=True, max_length=120)),
                ("utm_medium", models.CharField(blank=True, max_length=120)),
                ("utm_campaign", models.CharField(blank=True, max_length=120)),
                ("utm_term", models.CharField(blank=True, max_length=120)),
                ("utm_content", models.CharField(blank=True, max_length=120)),
                ("signup_started_at", models.DateTimeField(null=True)),
                ("method", models.CharField(blank=True, max_length=20)),
                (
                    "user",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="visit",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("email"), name="one_user_per_address"
            ),
        ),
        migrations.AddIndex(
            model_name="membership",
            index=models.Index(
                condition=models.Q(("look_at__isnull", False)), fields=["look_at"], name="members_to_look_at"
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(fields=("organization", "user"), name="one_membership_per_person"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["owner", "admin", "finance", "member", "viewer"])),
                name="membership_role_is_known",
            ),
        ),
        migrations.AddIndex(
            model_name="journalentry",
            index=models.Index(fields=["organization", "event", "at"], name="journal_by_event"),
        ),
        migrations.AddIndex(
            model_name="journalentry",
            index=models.Index(fields=["at", "event"], name="journal_by_time"),
        ),
        migrations.AddConstraint(
            model_name="journalentry",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="accounts_journalentry_owned"),
        ),
        migrations.AddIndex(
            model_name="milestone",
            index=models.Index(fields=["event", "at"], name="milestones_by_time"),
        ),
        migrations.AddConstraint(
            model_name="milestone",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="accounts_milestone_owned"),
        ),
        migrations.AddConstraint(
            model_name="milestone",
            constraint=models.UniqueConstraint(
                fields=("organization", "event", "user"), name="milestone_is_reached_once", nulls_distinct=False
            ),
        ),
        migrations.AddIndex(
            model_name="auditline",
            index=models.Index(fields=["organization", "at"], name="audit_by_time"),
        ),
        migrations.AddConstraint(
            model_name="auditline",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="accounts_auditline_owned"),
        ),
        lines_go_with_their_organization(),
        directory_policies(),
        marks_for_the_sweep({"accounts_membership": "id, organization_id, look_at"}),
        owned_policies("accounts_journalentry", "accounts_milestone", "accounts_auditline"),
        append_only(),
    ]
