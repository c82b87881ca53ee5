"""Where no row has units, as in most groups, there is nothing to total: calling for it took a third of adding up."""

from django.db import migrations

TOTALED = """
CREATE OR REPLACE AGGREGATE usage_sum_units(jsonb) (
    SFUNC = array_append, STYPE = jsonb[], FINALFUNC = usage_total_units, COMBINEFUNC = array_cat{}, PARALLEL = SAFE
)
"""
OF_SOME, OF_ANY = TOTALED.format(""), TOTALED.format(", INITCOND = '{}'")


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0014_units_at_once"),
    ]

    operations = [
        migrations.RunSQL(OF_SOME, OF_ANY),
    ]
