"""All values of one dimension with what they cost: sorted, searched, a page at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import F, Q, QuerySet

from accounts.models import Organization
from usage import cursors
from usage.cursors import Foreign
from usage.models import Label
from usage.names import NAMED
from usage.spenders import sums
from usage.spenders.spans import Span
from usage.spenders.sums import Sums

# What a list may be sorted by, as the column that the database knows.
SORTS = {
    "name": "value",
    "cost": "sum_cost",
    "calls": "sum_calls",
    "errors": "sum_errors",
    "average": "average",
    "latency": "latency",
    "last": "sum_last_at",
}
DEFAULT = "-cost"


@dataclass(frozen=True)
class Asked:
    """One list; a leading "-" in `sort` turns the order around. Equals stand in the order of their names."""

    dimension: str
    span: Span
    search: str = ""
    sort: str = DEFAULT

    @property
    def column(self) -> str:
        return SORTS[self.sort.removeprefix("-")]

    @property
    def is_descending(self) -> bool:
        return self.sort.startswith("-")

    @property
    def words(self) -> tuple[str, ...]:
        """What a cursor belongs to."""
        period = self.span.period
        return (self.dimension, self.span.zone.key, f"{period.start}", f"{period.end}", self.search, self.sort)


@dataclass(frozen=True)
class Page:
    found: list[Sums]
    before: str = ""  # cursors, "" where there is nothing
    after: str = ""


def is_sort(text: str) -> bool:
    return text.removeprefix("-") in SORTS


def page(organization: Organization, asked: Asked, *, after: str = "", before: str = "", size: int = 50) -> Page:
    """Behind one cursor or in front of another. Raises Foreign for a cursor of another list."""
    back = bool(before) and not after
    position = _typed(asked, cursors.opened(asked.words, before if back else after))
    rows = list(_ordered(organization, asked, position, back=back)[: size + 1])
    more, shown = len(rows) > size, rows[:size]
    if back:
        shown.reverse()
    is_before, is_after = (more, True) if back else (bool(position), more)
    return Page(
        [sums.sums_of(row["value"], row) for row in shown],
        _cursor(asked, shown[0]) if is_before and shown else "",
        _cursor(asked, shown[-1]) if is_after and shown else "",
    )


def every(organization: Organization, asked: Asked) -> Iterator[Sums]:
    """All of it, a few held at a time."""
    for row in _ordered(organization, asked, []).iterator():
        yield sums.sums_of(row["value"], row)


def count(organization: Organization, asked: Asked) -> int:
    found = sums.rows(organization, asked.dimension, asked.span)
    return _chosen(found, organization, asked).values("value").distinct().count()


def _chosen(rows: "QuerySet[Any]", organization: Organization, asked: Asked) -> "QuerySet[Any]":
    if not asked.search:
        return rows
    found = Q(value__icontains=asked.search)
    if asked.dimension in NAMED:
        named = Label.objects.owned_by(organization).filter(dimension=asked.dimension, name__icontains=asked.search)
        found |= Q(value__in=named.values("value"))
    return rows.filter(found)


def _ordered(
    organization: Organization, asked: Asked, position: list[Any], *, back: bool = False
) -> "QuerySet[Any, Any]":
    of = sums.added_up(organization, asked.dimension, asked.span, "value")
    grouped: QuerySet[Any, Any] = _chosen(of, organization, asked)
    if asked.column in sums.DERIVED:
        grouped = grouped.annotate(**{asked.column: sums.DERIVED[asked.column]})
    is_descending = asked.is_descending != back
    first = F(asked.column).desc() if is_descending else F(asked.column).asc()
    ordered = grouped.order_by(first, "-value" if back else "value")
    if not position:
        return ordered
    key, name = position
    step = "lt" if is_descending else "gt"
    if asked.column == "value":
        return ordered.filter(**{f"value__{step}": name})
    equal = Q(**{asked.column: key, f"value__{'lt' if back else 'gt'}": name})
    return ordered.filter(Q(**{f"{asked.column}__{step}": key}) | equal)


def _cursor(asked: Asked, row: dict[str, Any]) -> str:
    return cursors.sealed(asked.words, [row[asked.column], row["value"]])


def _typed(asked: Asked, position: list[str]) -> list[Any]:
    if not position:
        return []
    try:
        key, name = position
        if asked.column == "value":
            return ["", name]
        if asked.column == "sum_last_at":
            return [datetime.fromisoformat(key), name]
        return [Decimal(key) if asked.column in ("sum_cost", "average") else int(key), name]
    except (ValueError, InvalidOperation) as error:
        raise Foreign("This cursor belongs to another list. Ask again without one.") from error
