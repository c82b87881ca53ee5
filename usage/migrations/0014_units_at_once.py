"""Units of many rows are added up at once: row by row, each took as long as all names before it."""

from django.db import migrations

TOTAL_UNITS = """
CREATE FUNCTION usage_total_units(each_row jsonb[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(jsonb_object_agg(name, trim_scale(total)::text), '{}') FROM (
        SELECT name, sum(count::numeric) AS total
        FROM unnest(each_row) AS of (units) CROSS JOIN LATERAL jsonb_each_text(units) AS each_unit (name, count)
        GROUP BY name HAVING sum(count::numeric) <> 0
    ) AS sums
$$
"""
AT_ONCE = """
CREATE OR REPLACE AGGREGATE usage_sum_units(jsonb) (
    SFUNC = array_append, STYPE = jsonb[], FINALFUNC = usage_total_units, COMBINEFUNC = array_cat, INITCOND = '{}',
    PARALLEL = SAFE
)
"""
ROW_BY_ROW = """
CREATE OR REPLACE AGGREGATE usage_sum_units(jsonb) (
    SFUNC = usage_add_units, STYPE = jsonb, COMBINEFUNC = usage_add_units, INITCOND = '{}', PARALLEL = SAFE
)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0013_totals_first"),
    ]

    operations = [
        migrations.RunSQL([TOTAL_UNITS, AT_ONCE], [ROW_BY_ROW, "DROP FUNCTION usage_total_units"]),
    ]
