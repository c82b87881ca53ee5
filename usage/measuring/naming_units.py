"""Names of units are told apart, up to a hundred on a UTC day; what is counted by later ones is counted as one.

Every sum of a day holds them all: with thousands, no sum could be added to in time.
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django.db import connection
from psycopg import ClientCursor

from tokentra.lib.tenancy import organization_scope
from usage.measured import OTHER
from usage.measuring import storing, telling_apart
from usage.measuring.reading import Read
from usage.measuring.texts import SEPARATOR

MOST_NAMES = 100
UNIT = f"{SEPARATOR}unit"  # no tag is called so


def settle(organization_id: UUID, reads: Sequence[Read], discards: Counter[str]) -> None:
    """Give the events the names by which their units are added up; `discards` counts those that are lost."""
    counting = [read for read in reads if read.units]
    if not counting:
        return
    apart = told_apart(organization_id, {value for read in counting for value in values_of(read)})
    for read in counting:
        kept: dict[str, Decimal] = {}
        for name, value in zip(read.units, values_of(read), strict=True):
            mine = name if value in apart else OTHER
            kept[mine] = kept.get(mine, Decimal(0)) + read.units[name]
            if mine != name:
                discards["too_many_units"] += 1
        read.units = kept


def values_of(read: Read) -> list[telling_apart.Value]:
    return [(UNIT, read.day, name) for name in read.units]


def told_apart(organization_id: UUID, values: set[telling_apart.Value]) -> set[telling_apart.Value]:
    """They stay so, whatever becomes of the events."""
    known = telling_apart.known(organization_id, values)
    if known is not None:
        return known
    with (
        organization_scope(organization_id, up_to_date=False),
        connection.wrap_database_errors,
        ClientCursor(storing.prepared(connection.connection)) as own,
    ):
        return telling_apart.tell_apart(own, organization_id, values, most=MOST_NAMES)
