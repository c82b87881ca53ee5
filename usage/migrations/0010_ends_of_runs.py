"""A run keeps when its last call ended; of those whose events are gone, only when that call began is known.

It may be null, as a process of before leaves it while it is still up.
"""

from django.db import migrations, models

# What waits to be added up may be in it: it is in it again then.
END = """
UPDATE usage_run AS run SET ended_at = greatest(run.last_at, found.ended_at)
FROM usage_run AS each LEFT JOIN (
    SELECT organization_id, md5(concat_ws(chr(31), organization_id, run))::uuid AS id,
        max(occurred_at + coalesce(latency_ms, 0) * interval '1 ms') AS ended_at
    FROM usage_event WHERE run IS NOT NULL AND is_parent IS NOT TRUE GROUP BY 1, 2
) AS found USING (organization_id, id)
WHERE run.organization_id = each.organization_id AND run.id = each.id"""
TABLES = ("usage_run", "usage_event")
AT = "When all calls had ended that told how long they took."


def forced(word: str) -> list[str]:
    """Their policies bind their owner as well while they are not suspended."""
    return [f"ALTER TABLE {table} {word} FORCE ROW LEVEL SECURITY" for table in TABLES]


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0009_runs_of_somebody"),
    ]

    operations = [
        migrations.AlterField("run", "last_at", models.DateTimeField(help_text="When the last call began.")),
        migrations.AddField("run", "ended_at", models.DateTimeField(help_text=AT, null=True)),
        migrations.RunSQL([*forced("NO"), END, *forced("")], migrations.RunSQL.noop),
    ]
