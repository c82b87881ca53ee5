"""Values of summed tags are told apart, up to a thousand for each tag and UTC day; later ones are added up as one."""

from collections.abc import Collection, Iterable
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from psycopg import ClientCursor as Cursor

from tokentra.lib.tenancy import name_within
from usage.measuring import statements

MOST_VALUES = 1_000
MOST_REMEMBERED = 50_000
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0));"
TELL_APART = """
INSERT INTO usage_tagvalue (organization_id, name, day, value)
SELECT %(organization)s, name, day, value FROM (
    SELECT *, row_number() OVER (PARTITION BY name, day) + (
        SELECT count(*) FROM usage_tagvalue held
        WHERE held.organization_id = %(organization)s AND held.name = given.name AND held.day = given.day
    ) AS place
    FROM unnest(%(names)s::text[], %(days)s::date[], %(values)s::text[]) AS given (name, day, value)
    WHERE NOT EXISTS (
        SELECT FROM usage_tagvalue v WHERE v.organization_id = %(organization)s
        AND v.name = given.name AND v.day = given.day AND v.value = given.value
    )
) AS numbered WHERE place <= %(most)s
RETURNING name, day, value"""

Value = tuple[str, date, str]  # tag, UTC day, value


def tell_apart(
    own: Cursor[Any], organization_id: UUID, values: Collection[Value], *, most: int = MOST_VALUES
) -> set[Value]:
    """See that these values are told apart, as far as there is room on their days; answers which are.

    When any is new, one writer of the organization at a time goes on from here to its commit.
    """
    unknown = unknown_of(organization_id, values)
    apart = told_of(organization_id, values)
    if not unknown:
        return apart
    params = [organization_id, *columns(unknown)]
    new = statements.by_key(own, "EXECUTE tt_new_values (%s, %s, %s::date[], %s)", params)
    told = set(admit(own, organization_id, new, most=most)) if new else set()
    left = {value[:2] for value in new if value not in told}
    found = set(unknown) - set(new) | told
    transaction.on_commit(partial(remember, organization_id, found, left))
    return apart | found


def known(organization_id: UUID, values: Collection[Value]) -> set[Value] | None:
    """Which of them are told apart; None where this process cannot say it of all."""
    return None if unknown_of(organization_id, values) else told_of(organization_id, values)


def unknown_of(organization_id: UUID, values: Collection[Value]) -> list[Value]:
    return [
        each for each in values
        if (organization_id, *each) not in _apart and (organization_id, *each[:2]) not in _full
    ]  # fmt: skip


def told_of(organization_id: UUID, values: Collection[Value]) -> set[Value]:
    return {each for each in values if (organization_id, *each) in _apart}


def admit(own: Any, organization_id: UUID, new: Collection[Value], *, most: int = MOST_VALUES) -> list[Value]:
    """Of these values, the ones that were new and found room."""
    names, days, values = columns(new)
    params = {"organization": organization_id, "names": names, "days": days, "values": values, "most": most}
    own.execute(LOCK, {"name": name_within(organization_id, "tag values")})
    own.execute(TELL_APART, params)
    found: list[Value] = own.fetchall()
    return found


def columns(values: Iterable[Value]) -> tuple[list[str], list[date], list[str]]:
    found = list(values)
    return [name for name, _, _ in found], [day for _, day, _ in found], [value for _, _, value in found]


def remember(organization_id: UUID, apart: Iterable[Value], full: Iterable[tuple[str, date]]) -> None:
    """They stay so; a process need not ask again."""
    if len(_apart) + len(_full) > MOST_REMEMBERED:
        _apart.clear()
        _full.clear()
    _apart.update((organization_id, *each) for each in apart)
    _full.update((organization_id, *each) for each in full)


_apart: set[tuple[UUID, str, date, str]] = set()
_full: set[tuple[UUID, str, date]] = set()
