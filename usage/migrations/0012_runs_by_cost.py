"""Runs are found by what they cost, those of each UTC day in their order."""

from datetime import UTC

from django.db import migrations, models
from django.db.models.functions import Cast, TruncDate


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0011_zone_of_what_waits"),
    ]

    operations = [
        migrations.AddField(
            "run",
            "day",
            models.GeneratedField(
                db_persist=True, expression=TruncDate("started_at", tzinfo=UTC), output_field=models.DateField()
            ),
        ),
        migrations.AddField(
            "run",
            "cost_order",
            models.GeneratedField(
                db_persist=True, expression=Cast("amount", models.FloatField()), output_field=models.FloatField()
            ),
        ),
        migrations.AddIndex(
            "run", models.Index(fields=["organization", "day", "cost_order", "id"], name="runs_by_cost")
        ),
    ]
