"""What a statement is given, as rows of SQL: events in an array for each column, kinds as JSON."""

from django.db.models import Model

from usage.call_kinds import CallKind
from usage.measured import Event

TYPES = {
    "UUIDField": "uuid",
    "DateTimeField": "timestamptz",
    "DateField": "date",
    "BigIntegerField": "bigint",
    "BooleanField": "boolean",
    "DecimalField": "numeric",
    "TextField": "text",
    "JSONField": "jsonb",
    "ForeignKey": "uuid",
}
COMMON = {"organization_id": "$1", "received_at": "$2"}  # all rows of a request have the same


def types_of(model: type[Model]) -> dict[str, str]:
    """The columns of a row that is given."""
    fields = [field for field in model._meta.concrete_fields if field.column not in COMMON]
    return {str(field.column): TYPES[field.get_internal_type()] for field in fields}


GIVEN = types_of(Event) | {"kind_id": "int"}
ARRAYS = ", ".join(f"{kind}[]" for kind in GIVEN.values())


def by_name(sql: str, *words: str) -> str:
    """With what stands for $1, $2 and so on in their places."""
    for place, word in enumerate(words, 1):
        sql = sql.replace(f"${place}", word)
    return sql


def events(first: int, kinds: str) -> str:
    """Events given as ARRAYS, from a parameter on; null is one of nulls. Each names its kind by the place in another
    array, and no day of the zone where it is UTC's."""
    columns = ", ".join(f"unnest(${place}) AS {name}" for place, name in enumerate(GIVEN, first))
    found = dict.fromkeys(GIVEN, "{}") | {"kind_id": f"({kinds})[{{}}]", "zone_day": "coalesce({}, day)"}
    whole = ", ".join(f"{sql.format(name)} AS {name}" for name, sql in found.items())
    return f"(SELECT {whole} FROM (SELECT {columns}) AS columns) AS given"  # noqa: S608  # names of ours


def kinds(rows: str) -> str:
    """Kinds given as JSON."""
    types = ", ".join(f"{name} {kind}" for name, kind in types_of(CallKind).items())
    return f"json_to_recordset({rows}) AS given ({types})"
