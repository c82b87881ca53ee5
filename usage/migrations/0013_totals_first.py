"""Of what waits, the totals may hold some already: a page that reads nothing else waits for them alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0012_runs_by_cost"),
    ]

    operations = [
        migrations.AddField(
            "waiting",
            "in_totals",
            models.BooleanField(
                db_default=False, help_text="The totals hold its events; their other sums still do not."
            ),
        ),
    ]
