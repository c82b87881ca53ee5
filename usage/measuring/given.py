"""What a statement is given as JSON, as rows of SQL."""

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
    """The columns of a row that is given as JSON."""
    fields = [field for field in model._meta.concrete_fields if field.column not in COMMON]
    return {str(field.column): TYPES[field.get_internal_type()] for field in fields}


GIVEN = types_of(Event) | {"kind_id": "int"}
SHORT = {name: f"c{place}" for place, name in enumerate(GIVEN)}  # in JSON, of which every letter takes time


def by_name(sql: str, *words: str) -> str:
    """With what stands for $1, $2 and so on in their places."""
    for place, word in enumerate(words, 1):
        sql = sql.replace(f"${place}", word)
    return sql


def events(rows: str, kinds: str) -> str:
    """Events given as JSON. Each names its kind by the place in an array, and no day of the zone where it is UTC's."""
    found = SHORT | {
        "kind_id": f"({kinds})[{SHORT['kind_id']}]",
        "zone_day": f"coalesce({SHORT['zone_day']}, {SHORT['day']})",
    }
    columns = ", ".join(f"{sql} AS {name}" for name, sql in found.items())
    types = ", ".join(f"{SHORT[name]} {kind}" for name, kind in GIVEN.items())
    return f"(SELECT {columns} FROM json_to_recordset({rows}) AS short ({types})) AS given"  # noqa: S608  # names of ours


def kinds(rows: str) -> str:
    """Kinds given as JSON."""
    types = ", ".join(f"{name} {kind}" for name, kind in types_of(CallKind).items())
    return f"json_to_recordset({rows}) AS given ({types})"
