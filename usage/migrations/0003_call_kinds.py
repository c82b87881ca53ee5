"""What thousands of events repeat is kept once for each organization; an event names it by its hash."""

import django.db.models.deletion
from django.db import migrations, models

from tokentra.lib.tenancy_migrations import owned_policies

OF_KIND = ("key_id", "provider", "model", "operation", "status", "environment", "basis", "rate")
NULLABLE = {"key_id", "operation", "environment"}
SHARED = ", ".join(OF_KIND)
# As usage.measuring.kinds.hashed says it.
HASH = (
    "encode(substr(sha256(convert_to("
    + " || ".join(f"coalesce(length({name}::text) || ':' || {name}::text, '-')" for name in OF_KIND)
    + ", 'UTF8')), 1, 16), 'hex')::uuid"
)
UNFORCED, FORCED = (f"ALTER TABLE usage_event {word} FORCE ROW LEVEL SECURITY" for word in ("NO", ""))


def told_apart() -> migrations.RunSQL:
    """In one rewriting of the events, whose policy binds their owner as well while it is not suspended.

    What moves is emptied first, since a column that is dropped stays in the rows that have it.
    """
    texts = [name for name in OF_KIND if name != "key_id"]
    emptied = ", ".join(f"ALTER {name} DROP NOT NULL, ALTER {name} TYPE text USING NULL" for name in texts)
    back = ", ".join(f"ADD {name} {'uuid' if name == 'key_id' else 'text'}" for name in OF_KIND)
    return migrations.RunSQL(
        [
            UNFORCED,
            f"INSERT INTO usage_callkind (organization_id, id, {SHARED}) "  # names of ours
            f"SELECT organization_id, {HASH}, {SHARED} FROM usage_event GROUP BY organization_id, {SHARED}",
            FORCED,
            f"ALTER TABLE usage_event {emptied}, ALTER key_id TYPE uuid USING {HASH}, ALTER key_id SET NOT NULL",
            "ALTER TABLE usage_event RENAME key_id TO kind_id",
            f"ALTER TABLE usage_event {', '.join(f'DROP {name}' for name in texts)}",
        ],
        [
            f"ALTER TABLE usage_event {back}",
            UNFORCED,
            f"UPDATE usage_event e SET {', '.join(f'{name} = kind.{name}' for name in OF_KIND)} "
            "FROM usage_callkind kind WHERE kind.organization_id = e.organization_id AND kind.id = e.kind_id",
            FORCED,
            "ALTER TABLE usage_event DROP kind_id, "
            + ", ".join(f"ALTER {name} SET NOT NULL" for name in OF_KIND if name not in NULLABLE),
        ],
        state_operations=[
            *(migrations.RemoveField("event", name) for name in OF_KIND),
            migrations.AddField("event", "kind_id", models.UUIDField()),
            migrations.AddField(
                "event",
                "kind",
                models.ForeignObject(
                    from_fields=("organization", "kind_id"),
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to="usage.callkind",
                    to_fields=("organization", "id"),
                ),
            ),
        ],
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_directory"),
        ("usage", "0002_sparse_sums"),
    ]

    operations = [
        migrations.CreateModel(
            name="CallKind",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField(help_text="The hash of the others (usage.measuring.kinds).")),
                ("key_id", models.UUIDField(help_text="The key that they were sent with.", null=True)),
                ("provider", models.TextField()),
                ("model", models.TextField()),
                ("operation", models.TextField(null=True)),
                ("status", models.TextField()),
                ("environment", models.TextField(null=True)),
                ("basis", models.TextField()),
                ("rate", models.TextField(help_text="What rate_ref says, packed.")),
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
        told_apart(),
        owned_policies("usage_callkind"),
    ]
