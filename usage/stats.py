"""Any figure by any dimension over time: one question, answered from the rollup that is narrow enough."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, Q, Sum
from django.db.models.functions import Abs

from accounts.models import Organization
from accounts.owned import OwnedQuerySet
from tokentra.lib.periods import Period
from usage import querying
from usage.figures import TIMES, ZERO, Figures, Question, ordering, turned
from usage.rows import TOKEN_CLASSES, Tokens

MONEY = ("cost", "others", "unpriced", "partly", "tokenless")  # what was paid, and what that leaves out


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


class Ranked(NamedTuple):
    """A group among those with the most of something; `provider` is the last of those that it has."""

    keys: tuple[Any, ...]
    amount: Any
    provider: str


def totals(organization: Organization, question: Question) -> Figures:
    return next(groups(organization, replace(question, group_by=(), order="")), Figures())


def side_by_side(organization: Organization, question: Question, spans: Sequence[Period]) -> list[Headlines]:
    """Cost, tokens and requests of several stretches in one query; `question.period` holds them all."""
    source = querying.source_of(question)
    by_time = list(querying.asked_of(organization, question, source, querying.headlines(source, question.answered_by)))
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
    rows = _grouped(organization, question).order_by(*(querying.order_of(name) for name in order))
    if after:
        rows = rows.filter(_behind(order, after))
    if limit is not None:
        rows = rows[:limit]
    for row in rows.iterator() if stream else rows:
        yield _figures(row, question)


def folded(organization: Organization, question: Question, keep: Mapping[str, Collection[str]]) -> Iterator[Figures]:
    """What groups by these values of each key cost, and what that leaves out. Its other values are one, None."""
    source = querying.source_of(question)
    keys = {f"by_{name}": source.kept(name, keep[name]) for name in question.group_by}
    rows = querying.grouped(source, keys, question.answered_by, only=MONEY)
    for row in querying.asked_of(organization, question, source, rows):
        yield Figures(
            keys={name: row[f"by_{name}"] for name in question.group_by},
            cost=row["cost"] or ZERO,
            other_currencies=_others(row),
            unpriced_tokens=row["unpriced"] or 0,
            partly_priced=row["partly"] or 0,
            tokenless=_tokenless(row),
        )


def moved(
    organization: Organization, question: Question, spans: tuple[Period, Period], *, most: int
) -> list[tuple[tuple[Any, ...], Decimal, Decimal]]:
    """The groups whose cost differs the most between two stretches of whole days, with what it was in each.

    `question.period` holds both.
    """
    source = querying.source_of(question)
    dollars = querying.CONDITIONS[question.answered_by][0] & Q(currency="USD")
    now, then = (Sum("amount", filter=Q(day__gte=span.first_day, day__lt=span.end_day), default=ZERO) for span in spans)
    keys = source.keys(question.group_by)
    rows = source.all().filter(dollars).values(**keys).annotate(now=now, then=then, by=F("now") - F("then"))
    found = querying.asked_of(organization, question, source, rows).exclude(by=0).order_by(Abs("by").desc(), *keys)
    return [(tuple(row[:-2]), *row[-2:]) for row in found.values_list(*keys, "now", "then")[:most]]


def ranked(organization: Organization, *questions: Question, most: int) -> list[tuple[list[Ranked], int]]:
    """To each question the first groups in its order by a measure, without those that have nothing of it, and how many
    there are. One query for all, which have one number of keys.
    """
    asked = []
    for place, question in enumerate(questions):
        source = querying.source_of(question)
        ranks = querying.ranks(source, question.group_by, question.answered_by, question.order, place)
        asked.append(querying.asked_of(organization, question, source, ranks)[:most])
    rows = asked[0].union(*asked[1:], all=True) if asked[1:] else asked[0]
    found: list[tuple[list[Ranked], int]] = [([], 0) for _ in questions]
    for *keys, amount, place, number, provider in rows:
        group = Ranked(tuple(map(_plain, questions[place].group_by, keys)), amount, provider)
        found[place] = [*found[place][0], group], number
    return found


def costs(
    organization: Organization, question: Question, *, keep: Collection[str] | None = None
) -> Iterator[tuple[Any, ...]]:
    """Each group's keys and its cost, nothing else: what a chart of many groups needs.

    With `keep`, all other values of the last key are one group, whose key is None.
    """
    source = querying.source_of(question)
    money = querying.CONDITIONS[question.answered_by][0] & Q(currency="USD")
    keys = source.keys(question.group_by)
    if keep is not None:
        keys[f"by_{question.group_by[-1]}"] = source.kept(question.group_by[-1], keep)
    found = (
        querying.asked_of(organization, question, source, source.all())
        .filter(money)
        .values(**keys)
        .annotate(cost=Sum("amount"))
    )
    for row in found.values_list(*keys, "cost"):
        yield (*(_plain(name, value) for name, value in zip(question.group_by, row, strict=False)), row[-1])


def count(organization: Organization, question: Question) -> int:
    """How many groups there are."""
    return _grouped(organization, question).count()


def _grouped(organization: Organization, question: Question) -> OwnedQuerySet[Any]:
    source = querying.source_of(question)
    return querying.asked_of(
        organization, question, source, querying.sums(source, question.group_by, question.answered_by, question.order)
    )


def _is_within(span: Period, at: date | datetime) -> bool:
    return span.start <= at < span.end if isinstance(at, datetime) else span.first_day <= at < span.end_day


def _behind(order: Sequence[str], after: Sequence[Any]) -> Q:
    """Strictly after a position: the first key differs, or it is equal and the second one does, and so on."""
    behind, equal = Q(pk__in=()), Q()
    for name, value in zip(order, after, strict=True):
        column = querying.column_of(name.removeprefix("-"))
        behind |= equal & Q(**{f"{column}__{'lt' if name.startswith('-') else 'gt'}": value})
        equal &= Q(**{column: value})
    return behind


def _figures(row: dict[str, Any], question: Question) -> Figures:
    """What the database says of nothing is NULL."""
    says_nothing = not row["has_counts"] or (row["has_unknown"] and not row["sum_requests"])
    return Figures(
        keys={name: _plain(name, row[f"by_{name}"]) for name in question.group_by},
        cost=row["cost"] or ZERO,
        other_currencies=_others(row),
        tokens=Tokens(*(row[f"sum_{name}"] or 0 for name in (*TOKEN_CLASSES, "reasoning"))),
        requests=None if says_nothing else row["sum_requests"],
        requests_partly=bool(row["has_unknown"]),
        silent=tuple(row.get("silent") or ()),
        units={name: Decimal(str(count)) for name, count in (row["sum_units"] or {}).items()},
        unpriced_tokens=row["unpriced"] or 0,
        partly_priced=row["partly"] or 0,
        tokenless=_tokenless(row),
        billed=row["billed"] or ZERO,
        computed=row["computed"] or ZERO,
        measured=row["measured"] or ZERO,
    )


def _tokenless(row: dict[str, Any]) -> int:
    """Of calls that were added up before there was such a basis, more can have been taken back than are here."""
    return max(row["tokenless"] or 0, 0)


def _others(row: dict[str, Any]) -> dict[str, Decimal]:
    """By currency, in the order of their codes."""
    found: dict[str, Decimal] = {}
    for line in row["others"] or ():
        found[line["currency"]] = found.get(line["currency"], ZERO) + Decimal(line["amount"])
    return dict(sorted(found.items()))


def _plain(name: str, value: Any) -> Any:
    """Days, weeks and months as dates; ids as text."""
    if name in TIMES and name != "hour" and isinstance(value, datetime):
        return value.date()
    return str(value) if isinstance(value, UUID) else value
