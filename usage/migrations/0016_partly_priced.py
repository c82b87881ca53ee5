"""Sums and runs count the calls whose price leaves units of theirs out.

What was added up before says of none that it does: its calls are found by `manage.py reprice`. No row is rewritten.
"""

from django.db import migrations, models

COUNT = models.BigIntegerField(help_text="Calls with a price that leaves units of theirs out.", null=True)


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0015_no_units_cost_nothing"),
    ]

    operations = [migrations.AddField(of, "partly_priced", COUNT) for of in ("measuredday", "measuredhour", "run")]
