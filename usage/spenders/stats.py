"""/api/usage/stats for what only events know: customers, features, teams, agents and alike, from their days."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import StrIndex, Substr, TruncMonth, TruncWeek
from django.http import QueryDict

from accounts.models import Organization
from tokentra.lib.periods import Period, period
from usage import asking, cursors
from usage.asking import Mistakes, is_filter
from usage.cursors import Foreign
from usage.measured import TAG, MeasuredDay, SummedTag
from usage.measuring.dimensions import BY_NAME, dimension_of
from usage.spenders import spans, sums
from usage.spenders.sums import Sums
from usage.spenders.words import WORDS
from usage.wire import moment, number, plain, tokens

ONLY_MEASURED = ("customer", "feature", "team", "agent", "tool", "prompt", "environment", "cost_center")
KNOWN = tuple(name for name in WORDS if name in BY_NAME)
TIMES = ("day", "week", "month")
ALLOWED = {*asking.STATS, "zone"}
TRUNCATED: dict[str, Any] = {"day": F("day"), "week": TruncWeek("day"), "month": TruncMonth("day")}


@dataclass(frozen=True)
class Asked:
    """At most two dimensions, which are `crossed` as their sums are kept."""

    period: Period
    zone: str
    group_by: tuple[str, ...]
    crossed: tuple[str, str]
    metrics: tuple[str, ...]
    limit: int
    cursor: str
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def words(self) -> list[str]:
        """What a cursor belongs to."""
        chosen = [f"{name}={sorted(values)}" for name, values in sorted(self.filters.items())]
        return ["stats", f"{self.period.start}", f"{self.period.end}", *self.group_by, "|", *chosen]


def is_asked(query: QueryDict) -> bool:
    """Whether a question names something that no bill and no provider knows."""
    groups = ",".join(query.getlist("groupBy")).replace(" ", "").split(",")
    filtered = [name[7:-1] for name in query if is_filter(name)]
    said = {*groups, *filtered}
    return not {*ONLY_MEASURED}.isdisjoint(said) or any(name.startswith(TAG) for name in said) or "zone" in query


def read(query: QueryDict, organization: Organization, now: datetime) -> Asked:
    """A question in full, or a 422 that names every field that is wrong."""
    wrong = Mistakes()
    for name, values in query.lists():
        if name not in ALLOWED and not is_filter(name):
            wrong.add(name, "There is no such parameter.")
        if any("\x00" in value for value in values):
            wrong.add(name, "Leave out the NUL character.")
    wrong.refuse_if_any()
    if query.get("ledger", "measured") != "measured":
        wrong.add("ledger", "Only measured calls name customers, features and alike. Ask with ledger=measured.")
    zone = organization.timezone
    if query.get("zone", "organization" if zone == "UTC" else "") != "organization":
        wrong.add("zone", f"These figures are kept by the days of your organization ({zone}). Add zone=organization.")
    known = (*KNOWN, *(tag.dimension for tag in SummedTag.objects.owned_by(organization).order_by("name")))
    group_by = asking.words(query, "groupBy", (*TIMES, *known), wrong)
    filters = filtered(query, known, wrong)
    dimensions = [name for name in known if name in {*group_by, *filters}]
    metrics = asking.words(query, "metric", asking.METRICS, wrong) or asking.METRICS
    is_given = "from" in query or "to" in query
    chosen = asking.span(query, now, wrong) if is_given else period("30d", spans.wall(zone, now))
    for name, at in (("from", chosen.start), ("to", chosen.end)):
        if at.time() != time.min:
            wrong.add(name, "Ask for whole days, as 2026-01-31.")
    crossed = kept_as(dimensions, wrong)
    limit = asking.number(query, wrong)
    wrong.refuse_if_any()
    return Asked(chosen, zone, group_by, crossed, metrics, limit, query.get("cursor", ""), filters)


def filtered(query: QueryDict, known: tuple[str, ...], wrong: Mistakes) -> dict[str, tuple[str, ...]]:
    found = {}
    for name in query:
        if is_filter(name):
            if name[7:-1] in known:
                found[name[7:-1]] = tuple(query.getlist(name))
            else:
                wrong.add(name, f"Filter what is measured by one of {', '.join(known)}.")
    return found


def kept_as(dimensions: list[str], wrong: Mistakes) -> tuple[str, str]:
    """A dimension alone, or two in the order in which their sums are kept."""
    if len(dimensions) < 2:
        return (dimensions[0] if dimensions else "all", "")
    if len(dimensions) == 2:
        for one, other in (dimensions, dimensions[::-1]):
            if other in dimension_of(one).crossed_with:
                return one, other
    crossed = [each for each in BY_NAME.values() if each.crossed_with]
    pairs = ", ".join(f"{each.name} with {' or '.join(each.crossed_with)}" for each in crossed) + ", a tag with model"
    wrong.add("groupBy", f"What is measured is kept by one dimension, or by two of these: {pairs}.")
    return "all", ""


def answer(organization: Organization, asked: Asked, now: datetime) -> dict[str, Any]:
    """Inside the organization's scope. Raises a 422 for a cursor of another question."""
    rows = chosen(organization, asked)
    keys = {key_of(place): keyed(asked, name) for place, name in enumerate(asked.group_by)}
    found: QuerySet[Any, Any] = (rows.values(**keys) if keys else rows.values("dimension")).annotate(
        **sums.measures(classes=True)
    )
    found = found.order_by(*keys)
    if position := opened(asked):
        found = found.filter(behind([*keys], position))
    page = list(found[: asked.limit + 1])
    whole: dict[str, Any] = rows.aggregate(**sums.measures(classes=True))
    totals = sums.sums_of("", whole)
    shown, more = page[: asked.limit], len(page) > asked.limit
    return {
        "items": [said(asked, row) | measures(asked, sums.sums_of("", row)) for row in shown],
        "totals": measures(asked, totals),
        "basis": {"billed": 0.0, "computed": 0.0, "measured": 1.0 if totals.cost else 0.0},
        "unpricedTokens": totals.unpriced_tokens,
        "freshUntil": moment(now),
        "zone": asked.zone,
        "nextCursor": cursors.sealed(asked.words, [shown[-1][key] for key in keys]) if more else None,
    }


def chosen(organization: Organization, asked: Asked) -> "QuerySet[Any]":
    one, other = asked.crossed
    rows = MeasuredDay.objects.owned_by(organization).of(one, other)
    rows = rows.filter(day__gte=asked.period.first_day, day__lt=asked.period.end_day)
    for name, values in asked.filters.items():
        column = "value" if name == one else "by_value"
        wanted = Q(**{f"{column}__in": values})
        if name == "model":  # with its provider before it, or alone
            rows = rows.alias(model=Substr(column, StrIndex(column, Value("/")) + 1))
            wanted |= Q(model__in=values)
        rows = rows.filter(wanted)
    return rows


def key_of(place: int) -> str:
    """Its name in the query: that of a tag may hold what no column's can."""
    return f"key_{place}"


def keyed(asked: Asked, name: str) -> Any:
    if name in TIMES:
        return TRUNCATED[name]
    return F("value") if name == asked.crossed[0] else F("by_value")


def opened(asked: Asked) -> list[Any]:
    try:
        texts = cursors.opened(asked.words, asked.cursor)
        if not texts:
            return []
        return [
            date.fromisoformat(text[:10]) if name in TIMES else text
            for name, text in zip(asked.group_by, texts, strict=True)
        ]
    except ValueError as foreign:  # Foreign is one
        wrong = Mistakes()
        wrong.add("cursor", str(foreign) if isinstance(foreign, Foreign) else "Ask again without this cursor.")
        wrong.refuse_if_any()
        raise


def behind(keys: list[str], position: list[Any]) -> Q:
    behind, equal = Q(pk__in=()), Q()
    for key, value in zip(keys, position, strict=True):
        behind |= equal & Q(**{f"{key}__gt": value})
        equal &= Q(**{key: value})
    return behind


def said(asked: Asked, row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place, name in enumerate(asked.group_by):
        value = row[key_of(place)]
        if name in TIMES:
            found[name] = (value.date() if isinstance(value, datetime) else value).isoformat()
        elif name == "model":
            found["provider"], _, found["model"] = value.partition("/")
        else:
            found[name] = value
    return found


def measures(asked: Asked, each: Sums) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "cost" in asked.metrics:
        others = each.others.items()
        found["cost"] = plain(each.cost)
        found["otherCurrencies"] = [{"currency": name, "amount": plain(amount)} for name, amount in others]
    if "tokens" in asked.metrics:
        found["tokens"] = tokens(each.classes)
    if "requests" in asked.metrics:
        found["requests"] = each.calls
    return found | {"units": {name: number(count) for name, count in sorted(each.units.items())}}
