"""Measured sums are found by numbers: of each row the hashes of its texts are kept, and its key compares those."""

from django.db import migrations, models


def half(text: str) -> str:
    """As usage.measuring.hashes says it."""
    return f"CASE WHEN {text} = '' THEN 0 ELSE ('x' || left(md5({text}), 16))::bit(64)::bigint END"


FIELDS = {
    "series": models.BigIntegerField(help_text="The hash of its dimension, and of what that is crossed with."),
    "value_hash": models.BigIntegerField(),
    "by_hash": models.BigIntegerField(help_text="The hash of by_value, and of a currency that is not USD."),
}
TABLES = {
    "measuredday": (
        ("organization_id", "dimension", "by", "day", "value", "by_value", "currency"),
        ("organization_id", "series", "day", "value_hash", "by_hash"),
        {
            "series": half("(dimension || chr(31) || by)"),
            "value_hash": half("value"),
            "by_hash": half("(by_value || CASE currency WHEN 'USD' THEN '' ELSE chr(31) || currency END)"),
        },
    ),
    "measuredhour": (
        ("organization_id", "dimension", "hour", "value", "currency"),
        ("organization_id", "series", "hour", "value_hash", "currency"),
        {"series": half("(dimension || chr(31))"), "value_hash": half("value")},
    ),
}


def found_by_numbers(kind: str) -> migrations.RunSQL:
    """In one rewriting of the table, which no policy hides rows from."""
    table = f"usage_{kind}"
    before, after, hashes = TABLES[kind]
    added = ", ".join(f"ADD {name} bigint NOT NULL GENERATED ALWAYS AS ({sql}) STORED" for name, sql in hashes.items())
    return migrations.RunSQL(
        [
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, {added}",
            f"ALTER TABLE {table} {', '.join(f'ALTER {name} DROP EXPRESSION' for name in hashes)}",
            f"ALTER TABLE {table} ADD PRIMARY KEY ({', '.join(after)})",
        ],
        [
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, {', '.join(f'DROP {name}' for name in hashes)}",
            f"ALTER TABLE {table} ADD PRIMARY KEY ({', '.join(before)})",
        ],
        state_operations=[
            *(migrations.AddField(kind, name, FIELDS[name]) for name in hashes),
            migrations.AlterField(
                kind,
                "pk",
                models.CompositePrimaryKey(*after, blank=True, editable=False, primary_key=True, serialize=False),
            ),
        ],
    )


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0004_totals"),
    ]

    operations = [found_by_numbers(kind) for kind in TABLES]
