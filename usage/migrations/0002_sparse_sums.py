"""Sums of measured events: null in place of zero where most are zero, and less where two dimensions are crossed."""

from typing import Any

from django.db import migrations, models

SPARSE = ("errors", "streamed", "unpriced_calls", "unpriced_tokens", "tokens_cached", "rare_tokens", "spread")
UNCROSSED = ("spread", "first_at", "last_at")
COUNT = models.BigIntegerField(null=True)
FIELDS: dict[str, "models.Field[Any, Any]"] = {
    "errors": COUNT,
    "streamed": COUNT,
    "unpriced_calls": COUNT,
    "unpriced_tokens": COUNT,
    "tokens_cached": models.BigIntegerField(help_text="The part of it that was read from a cache.", null=True),
    "rare_tokens": models.DecimalField(
        decimal_places=0, help_text="Those of the classes in RARE, packed.", max_digits=180, null=True
    ),
    "untold": models.BigIntegerField(help_text="The calls that did not tell their latency.", null=True),
    "latency_ms": models.BigIntegerField(help_text="That of the others, added up."),
    "spread": models.DecimalField(
        decimal_places=0,
        help_text="The same in buckets of usage.latency, packed.",
        max_digits=288,
        null=True,
    ),
    "first_at": models.DateTimeField(null=True),
    "last_at": models.DateTimeField(null=True),
}


def thinned(table: str, kind: str, uncrossed: tuple[str, ...] = ()) -> migrations.RunSQL:
    """In one rewriting of the table, which no policy hides rows from."""
    sparse = {name: f"nullif({name}, 0)" for name in SPARSE} | {"untold": "nullif(calls - untold, 0)"}
    whole = {name: f"coalesce({name}, 0)" for name in SPARSE} | {"untold": "calls - coalesce(untold, 0)"}
    for name in uncrossed:
        sparse[name] = f"CASE WHEN by = '' THEN {sparse.get(name, name)} END"
        whole.setdefault(name, f"coalesce({name}, day::timestamp AT TIME ZONE 'UTC')")
    nullable = {*sparse, "first_at", "last_at"}
    return migrations.RunSQL(
        [
            f"ALTER TABLE {table} RENAME told TO untold",
            f"ALTER TABLE {table} {altered('DROP NOT NULL', nullable)}, {typed(sparse)}",
        ],
        [
            f"ALTER TABLE {table} {typed(whole)}, {altered('SET NOT NULL', nullable)}",
            f"ALTER TABLE {table} RENAME untold TO told",
        ],
        state_operations=[
            migrations.RenameField(kind, "told", "untold"),
            *(migrations.AlterField(kind, name, field) for name, field in FIELDS.items()),
        ],
    )


def altered(how: str, names: set[str]) -> str:
    return ", ".join(f"ALTER COLUMN {name} {how}" for name in sorted(names))


def typed(columns: dict[str, str]) -> str:
    types = dict.fromkeys(UNCROSSED, "timestamptz") | {"rare_tokens": "numeric(180, 0)", "spread": "numeric(288, 0)"}
    return ", ".join(
        f"ALTER COLUMN {name} TYPE {types.get(name, 'bigint')} USING {sql}" for name, sql in columns.items()
    )


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0001_initial"),
    ]

    operations = [
        thinned("usage_measuredday", "measuredday", UNCROSSED),
        thinned("usage_measuredhour", "measuredhour"),
    ]
