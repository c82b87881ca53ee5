"""Sums for groups of few rows: the first one is the sum until a second comes, and a bigint stays one.

What the database brings makes room for a long sum in each group, which costs more than the adding where most groups
hold one event.
"""

from django.db import migrations

OF = {"bigint": "int8pl", "numeric": "numeric_add"}


def totals() -> migrations.RunSQL:
    """Null of nothing but nulls, as the database's own; raises what adding two of them does."""
    return migrations.RunSQL(
        [
            f"CREATE AGGREGATE usage_total({kind}) (SFUNC = {add}, STYPE = {kind}, COMBINEFUNC = {add}, PARALLEL = SAFE)"
            for kind, add in OF.items()
        ],
        [f"DROP AGGREGATE usage_total({kind})" for kind in OF],
    )


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0003_call_kinds"),
    ]

    operations = [
        totals(),
    ]
