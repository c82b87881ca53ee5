"""The index of events that wait for a span answers alone: before a week is analyzed, plans read whole days instead."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0007_runs_in_other_currencies"),
    ]

    operations = [
        migrations.RemoveIndex("event", "events_below_a_span"),
        migrations.AddIndex(
            "event",
            models.Index(
                condition=models.Q(("above__isnull", False)),
                fields=["organization", "above"],
                include=("day", "id"),
                name="events_below_a_span",
            ),
        ),
    ]
