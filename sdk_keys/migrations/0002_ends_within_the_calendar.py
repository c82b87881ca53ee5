"""No key ends where the calendar does: such a moment could be stored, and never be read again."""

from datetime import UTC, datetime

from django.db import migrations, models

TABLE = "sdk_keys_apikey"
NEARER = f"""
UPDATE {TABLE} SET expires_at = created_at + interval '36525 days' WHERE expires_at >= '9999-12-31T00:00:00Z'"""


def forced(word: str) -> str:
    """Its policy binds its owner as well while it is not suspended."""
    return f"ALTER TABLE {TABLE} {word} FORCE ROW LEVEL SECURITY"


class Migration(migrations.Migration):
    dependencies = [
        ("sdk_keys", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL([forced("NO"), NEARER, forced("")], migrations.RunSQL.noop),
        migrations.AddConstraint(
            "apikey",
            models.CheckConstraint(
                condition=models.Q(expires_at__lt=datetime(9999, 12, 31, tzinfo=UTC)),
                name="key_ends_within_the_calendar",
            ),
        ),
    ]
