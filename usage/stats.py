"""Any figure by any dimension over time: one question, answered from the rollup that is narrow enough."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.contrib.postgres.aggregates import BoolOr, JSONBAgg
from django.db.models import (
    Aggregate,
    BigIntegerField,
    Case,
    F,
    Func,
    JSONField,
    Q,
    Sum,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, JSONObject, TruncDay, TruncMonth, TruncWeek

from accounts.models import Organization
from accounts.owned import OwnedQuerySet
from tokentra.lib.periods import Period
from usage.figures import DIMENSIONS, EVERYWHERE, NARROW, TIMES, ZERO, Figures, Question, added, ordering, turned
from usage.models import DayDimension, DayRollup, HourRollup
from usage.rows import TOKEN_CLASSES, Tokens
from usage.unpriced import PARTLY

KINDS = 200  # of queries that a process remembers: pages ask some twenty, programs any combination of keys
COLUMNS = {"user": "user_ref", "connection": "connection_id"}

HOURLY = Q(ledger="usage") | Q(ledger="measured", counted=True)
CONDITIONS: dict[str, tuple[Q, Q]] = {  # whose money, whose tokens
    "counted": (Q(counted=True), Q(tokens_counted=True)),
    "hourly": (HOURLY, HOURLY),
    "billed": (Q(ledger="billed"), Q(ledger="billed")),
    "computed": (Q(ledger="usage"), Q(ledger="usage")),
    "measured": (Q(ledger="measured"), Q(ledger="measured")),
}


ALL_TOKENS = Func(
    *TOKEN_CLASSES, template="(%(expressions)s)", arg_joiner=" + ", output_field=BigIntegerField()
)  # ten sums inside one another take Django ten times as long to write


class SumUnits(Aggregate):
    """Counts by name, added up by name; the function comes with the rollups."""

    function = "usage_sum_units"
    output_field = JSONField()


@dataclass(frozen=True)
class Headlines:
    """What two periods are compared by; requests are those that are known."""

    cost: Decimal
    tokens: int
    requests: int

    @classmethod
    def total(cls, sums: Iterable[tuple[Decimal, int, int]]) -> "Headlines":
        cost, tokens, requests = ZERO, 0, 0
        for each in sums:
            cost, tokens, requests = cost + each[0], tokens + each[1], requests + each[2]
        return cls(cost, tokens, requests)


class Unanswerable(ValueError):
    """No rollup holds this combination; the text says which ones do."""


def totals(organization: Organization, question: Question) -> Figures:
    return next(groups(organization, replace(question, group_by=(), order="")), Figures())


def side_by_side(organization: Organization, question: Question, spans: Sequence[Period]) -> list[Headlines]:
    """Cost, tokens and requests of several stretches in one query; `question.period` holds them all."""
    source = _source(question)
    by_time = list(_asked(organization, question, source, _headlines(source, question.answered_by)))
    return [Headlines.total(row[1:] for row in by_time if _is_within(span, row[0])) for span in spans]


def groups(
    organization: Organization,
    question: Question,
    *,
    after: Sequence[Any] = (),
    limit: int | None = None,
    backwards: bool = False,
    stream: bool = False,
) -> Iterator[Figures]:
    """The groups in order, those behind the position `after` only (see `position`).

    `backwards` turns the whole order around, which finds the page before a position; `stream` holds a few at a time.
    """
    order = [turned(name) if backwards else name for name in ordering(question)]
    rows = _grouped(organization, question).order_by(*(_order(name) for name in order))
    if after:
        rows = rows.filter(_behind(order, after))
    if limit is not None:
        rows = rows[:limit]
    for row in rows.iterator() if stream else rows:
        yield _figures(row, question)


def costs(
    organization: Organization, question: Question, *, keep: Collection[str] | None = None
) -> Iterator[tuple[Any, ...]]:
    """Each group's keys and its cost, nothing else: what a chart of many groups needs.

    With `keep`, all other values of the last key are one group, whose key is None.
    """
    source = _source(question)
    money = CONDITIONS[question.answered_by][0] & Q(currency="USD")
    keys = source.keys(question.group_by)
    if keep is not None:
        column = source.columns[question.group_by[-1]]
        keys[f"by_{question.group_by[-1]}"] = Case(When(**{f"{column}__in": keep}, then=F(column)))
    found = (
        _asked(organization, question, source, source.all()).filter(money).values(**keys).annotate(cost=Sum("amount"))
    )
    for row in found.values_list(*keys, "cost"):
        yield (*(_plain(name, value) for name, value in zip(question.group_by, row, strict=False)), row[-1])


def count(organization: Organization, question: Question) -> int:
    """How many groups there are."""
    return _grouped(organization, question).count()


def _grouped(organization: Organization, question: Question) -> OwnedQuerySet[Any]:
    source = _source(question)
    return _asked(
        organization, question, source, _sums(source, question.group_by, question.answered_by, question.order)
    )


class Source(NamedTuple):
    """A rollup: its table, the one dimension it is read by ("" where it holds them all), and its grain."""

    rows: Any
    dimension: str
    time: str

    @property
    def columns(self) -> dict[str, str]:
        named = {**dict.fromkeys(EVERYWHERE), self.dimension: "value"} if self.dimension else dict.fromkeys(DIMENSIONS)
        return {name: column or COLUMNS.get(name, name) for name, column in named.items()}

    def keys(self, names: Iterable[str]) -> dict[str, Combinable]:
        return {f"by_{name}": _key(name, self) for name in names}

    def all(self) -> OwnedQuerySet[Any]:
        rows = self.rows.objects.filter(dimension=self.dimension) if self.dimension else self.rows.objects
        return cast("OwnedQuerySet[Any]", rows.order_by())


def _source(question: Question) -> Source:
    dimensions = question.dimensions
    narrow = len(dimensions) <= 1 and not {"batch", "line_item"} & set(dimensions)
    name = dimensions[0] if dimensions else "model"
    if question.by_hour:
        if not narrow:
            raise Unanswerable(
                "By hour there is one of " + ", ".join(NARROW) + " at a time, beside provider and connection."
            )
        return Source(HourRollup, name, "hour")
    return Source(DayDimension, name, "day") if narrow else Source(DayRollup, "", "day")


# What is added up, of nobody yet. Django takes longer to put such a query together than Postgres to answer it, so
# each kind is put together once; `_asked` says of whom, when, and which.


@lru_cache(maxsize=KINDS)
def _sums(source: Source, group_by: tuple[str, ...], ledger: str, order: str) -> OwnedQuerySet[Any]:
    money, counts = CONDITIONS[ledger]
    dollars = money & Q(currency="USD")
    measures: dict[str, Combinable] = {
        **{f"sum_{name}": Sum(name, filter=counts) for name in (*TOKEN_CLASSES, "reasoning")},
        "cost": Sum("amount", filter=dollars),
        "sum_requests": Sum("requests", filter=counts),
        "has_counts": BoolOr(counts),
        "has_unknown": BoolOr(Q(requests_known=False), filter=counts),
        "unpriced": Sum("unpriced_tokens", filter=money),
        "partly": Sum("requests", filter=money & Q(basis=PARTLY)),
        "billed": Sum("amount", filter=dollars & Q(ledger="billed")),
        "computed": Sum("amount", filter=dollars & Q(ledger="usage")),
        "measured": Sum("amount", filter=dollars & Q(ledger="measured")),
        "others": JSONBAgg(_other_currency(), filter=money & ~Q(currency="USD")),
        "sum_units": SumUnits("units", filter=counts & ~Q(units={})),
    }
    ordered = _column(order.removeprefix("-"))
    if ordered == "tokens":
        measures["tokens"] = Sum(ALL_TOKENS, filter=counts)
    if ordered in measures:  # where there is nothing to add up stands among the zeros
        measures |= {ordered: Coalesce(measures[ordered], Value(ZERO if ordered == "cost" else 0))}
    keys = source.keys(group_by) or {"whole": Value(1)}
    return cast("OwnedQuerySet[Any]", source.all().filter(money | counts).values(**keys).annotate(**measures))


@lru_cache(maxsize=KINDS)
def _headlines(source: Source, ledger: str) -> OwnedQuerySet[Any]:
    money, counts = CONDITIONS[ledger]
    by_time = source.all().filter(money | counts).values_list(source.time)
    return cast(
        "OwnedQuerySet[Any]",
        by_time.annotate(
            cost=_sum("amount", money & Q(currency="USD")),
            tokens=_sum(ALL_TOKENS, counts),
            sum_requests=_sum("requests", counts),
        ),
    )


def _asked(
    organization: Organization, question: Question, source: Source, rows: OwnedQuerySet[Any]
) -> OwnedQuerySet[Any]:
    span = question.period
    start, end = (span.start, span.end) if source.time == "hour" else (span.first_day, span.end_day)
    wanted: dict[str, Any] = {f"{source.time}__gte": start, f"{source.time}__lt": end}
    for name, values in question.filters.items():
        chosen = [value == "true" for value in values] if name == "batch" else values
        wanted[f"{source.columns[name]}__in"] = chosen
    return rows.owned_by(organization).filter(**wanted)


def _is_within(span: Period, at: date | datetime) -> bool:
    return span.start <= at < span.end if isinstance(at, datetime) else span.first_day <= at < span.end_day


def _key(name: str, source: Source) -> Combinable:
    if name in TIMES:
        if name == source.time:
            return F(name)
        return {"day": TruncDay, "week": TruncWeek, "month": TruncMonth}[name](source.time)
    return F(source.columns[name])


def _sum(what: str | Combinable, condition: Q) -> Sum:
    return Sum(what, filter=condition, default=ZERO if what == "amount" else 0)


def _other_currency() -> JSONObject:
    return JSONObject(currency="currency", amount=Cast("amount", TextField()))


def _column(name: str) -> str:
    if name in ("cost", "tokens"):
        return name
    return f"sum_{name}" if name == "requests" or name in TOKEN_CLASSES else f"by_{name}"


def _order(name: str) -> str:
    return f"-{_column(name[1:])}" if name.startswith("-") else _column(name)


def _behind(order: Sequence[str], after: Sequence[Any]) -> Q:
    """Strictly after a position: the first key differs, or it is equal and the second one does, and so on."""
    behind, equal = Q(pk__in=()), Q()
    for name, value in zip(order, after, strict=True):
        column = _column(name.removeprefix("-"))
        behind |= equal & Q(**{f"{column}__{'lt' if name.startswith('-') else 'gt'}": value})
        equal &= Q(**{column: value})
    return behind


def _figures(row: dict[str, Any], question: Question) -> Figures:
    """What the database says of nothing is NULL."""
    others: dict[str, Decimal] = {}
    for line in row["others"] or ():
        others = added(others, {line["currency"]: Decimal(line["amount"])})
    says_nothing = not row["has_counts"] or (row["has_unknown"] and not row["sum_requests"])
    return Figures(
        keys={name: _plain(name, row[f"by_{name}"]) for name in question.group_by},
        cost=row["cost"] or ZERO,
        other_currencies=others,
        tokens=Tokens(*(row[f"sum_{name}"] or 0 for name in (*TOKEN_CLASSES, "reasoning"))),
        requests=None if says_nothing else row["sum_requests"],
        requests_partly=bool(row["has_unknown"]),
        units={name: Decimal(str(count)) for name, count in (row["sum_units"] or {}).items()},
        unpriced_tokens=row["unpriced"] or 0,
        partly_priced=row["partly"] or 0,
        billed=row["billed"] or ZERO,
        computed=row["computed"] or ZERO,
        measured=row["measured"] or ZERO,
    )


def _plain(name: str, value: Any) -> Any:
    """Days, weeks and months as dates; ids as text."""
    if name in TIMES and name != "hour" and isinstance(value, datetime):
        return value.date()
    return str(value) if isinstance(value, UUID) else value
