"""A run counts the calls that were paid in another currency, which its amount leaves out."""

from django.db import migrations, models

# Of the events that are kept and added up; what waits is counted when it is added up.
COUNT = """
UPDATE usage_run AS run SET other_calls = found.calls FROM (
    SELECT organization_id, md5(concat_ws(chr(31), organization_id, run))::uuid AS id, count(*) AS calls
    FROM usage_event event
    WHERE currency <> 'USD' AND run IS NOT NULL AND is_parent IS NOT TRUE AND NOT EXISTS (
        SELECT FROM usage_waiting waiting
        WHERE waiting.organization_id = event.organization_id AND event.id = ANY(waiting.ids)
    )
    GROUP BY 1, 2
) AS found WHERE found.organization_id = run.organization_id AND found.id = run.id"""
TABLES = ("usage_run", "usage_event", "usage_waiting")


def forced(word: str) -> list[str]:
    """Their policies bind their owner as well while they are not suspended."""
    return [f"ALTER TABLE {table} {word} FORCE ROW LEVEL SECURITY" for table in TABLES]


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0006_waiting_plainly"),
    ]

    operations = [
        migrations.AddField(
            "run",
            "other_calls",
            models.BigIntegerField(help_text="Those that were paid in another currency.", null=True),
        ),
        migrations.RunSQL([*forced("NO"), COUNT, *forced("")], migrations.RunSQL.noop),
    ]
