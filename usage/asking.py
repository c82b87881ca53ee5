"""Reads what a program asks of the usage API; every mistake is named by its field."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import QueryDict

from tokentra.lib.periods import HOUR, BadPeriod, Grain, Period, between, floor, parse_moment, period
from tokentra.lib.problems import Problem
from usage import cursors
from usage.figures import DIMENSIONS, LEDGERS, TIMES, Question, ordering, written

METRICS = ("cost", "tokens", "requests")
STATS = {"from", "to", "groupBy", "metric", "ledger", "limit", "cursor"}
EXPORT = {"from", "to", "groupBy", "ledger", "format", "sort"}
LIMIT, MOST = 100, 1_000
EARLIEST, LATEST = datetime(2015, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
LONGEST_BY_HOUR = timedelta(days=93)


@dataclass(frozen=True)
class Asked:
    question: Question
    metrics: tuple[str, ...]
    limit: int
    after: list[Any]
    format: str


class Mistakes:
    """Collects what is wrong, so that one answer names all of it."""

    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = defaultdict(list)

    def add(self, field: str, sentence: str) -> None:
        self.fields[field].append(sentence)

    def refuse_if_any(self) -> None:
        if self.fields:
            named = ", ".join(sorted(self.fields))
            message = f"Correct these fields and send it again: {named}."
            raise Problem(422, "invalid_field", message, fields=self.fields)


def read(query: QueryDict, allowed: Iterable[str], now: datetime) -> Asked:
    """A question in full, or a 422 that names every field that is wrong."""
    wrong = Mistakes()
    for name in query:
        if name not in allowed and not is_filter(name):
            wrong.add(name, "There is no such parameter.")
    for name, values in query.lists():
        if any("\x00" in value for value in values):
            wrong.add(name, "Leave out the NUL character.")
    wrong.refuse_if_any()
    group_by = words(query, "groupBy", (*TIMES, *DIMENSIONS), wrong)
    asked = Question(
        period=span(query, now, wrong),
        group_by=group_by,
        filters=filters(query, wrong),
        ledger=one_of(query, "ledger", tuple(LEDGERS), "counted", wrong),
        order=order(query, group_by, wrong),
    )
    check_grain(asked, wrong)
    limit = number(query, wrong)
    metrics = words(query, "metric", METRICS, wrong) or METRICS
    format = one_of(query, "format", ("csv", "json", "focus"), "csv", wrong)
    wrong.refuse_if_any()
    return Asked(asked, metrics, limit, opened(query.get("cursor", ""), asked, wrong), format)


def span(query: QueryDict, now: datetime, wrong: Mistakes) -> Period:
    start, end, fallback = query.get("from", ""), query.get("to", ""), period("30d", now)
    if not start and not end:
        return fallback
    if not start or not end:
        wrong.add("to" if start else "from", "Give both ends of the range, or neither for the last 30 days.")
        return fallback
    return between_ends(query, wrong) or fallback


def between_ends(query: QueryDict, wrong: Mistakes) -> Period | None:
    """From one end to the other; None where it cannot be, with each end that is wrong among the mistakes."""
    start, end = instant(query, "from", wrong), instant(query, "to", wrong)
    if start is None or end is None:
        return None
    try:
        return between(start, end)
    except BadPeriod as problem:
        wrong.add("from" if start > end else "to", str(problem))
        return None


def instant(query: QueryDict, name: str, wrong: Mistakes) -> datetime | None:
    try:
        at = parse_moment(query.get(name, ""))
        if not EARLIEST <= at <= LATEST:
            raise BadPeriod("Choose a range between 2015 and 2100.")
    except BadPeriod as problem:
        wrong.add(name, str(problem))
        return None
    return at


def check_grain(asked: Question, wrong: Mistakes) -> None:
    crossed = [name for name in asked.dimensions if name in ("batch", "line_item")]
    if asked.by_hour and (crossed or len(asked.dimensions) > 1):
        sentence = (
            "By hour, group or filter by one of model, project, api_key, user and service_tier, "
            "beside provider and connection. Ask by day for more."
        )
        wrong.add("groupBy", sentence)
    if asked.by_hour and asked.period.end - asked.period.start > LONGEST_BY_HOUR:
        wrong.add("to", "Ask by hour for at most 93 days.")
    for name, at in (("from", asked.period.start), ("to", asked.period.end)):
        if at != (hour := floor(at, Grain.HOUR)):
            wrong.add(name, f"Figures are kept by the UTC hour: give {written(hour)} or {written(hour + HOUR)}.")


def is_filter(name: str) -> bool:
    return name.startswith("filter[") and name.endswith("]")


def filters(query: QueryDict, wrong: Mistakes) -> dict[str, tuple[str, ...]]:
    found = {}
    for name in query:
        if not is_filter(name):
            continue
        dimension = name[7:-1]
        if dimension not in DIMENSIONS:
            wrong.add(name, f"Filter by one of {', '.join(DIMENSIONS)}.")
            continue
        values = tuple(query.getlist(name))
        if dimension == "connection" and not all(is_uuid(value) for value in values):
            wrong.add(name, "Give the id of a connection.")
        elif dimension == "batch" and not {*values} <= {"true", "false"}:
            wrong.add(name, "Give true or false.")
        else:
            found[dimension] = values
    return found


def words(query: QueryDict, name: str, known: tuple[str, ...], wrong: Mistakes) -> tuple[str, ...]:
    """A list in one parameter, by commas, or in several; each word once, in the order given."""
    given = [word.strip() for value in query.getlist(name) for word in value.split(",") if word.strip()]
    unknown = [word for word in given if word not in known]
    if unknown:
        wrong.add(name, f"Choose among {', '.join(known)}; {', '.join(unknown)[:100]} is none of them.")
    if len({word for word in given if word in TIMES}) > 1:
        wrong.add(name, "Choose one of hour, day, week and month.")
    return tuple(dict.fromkeys(word for word in given if word in known))


def one_of(query: QueryDict, name: str, known: tuple[str, ...], default: str, wrong: Mistakes) -> str:
    value = query.get(name, default)
    if value not in known:
        wrong.add(name, f"Choose one of {', '.join(known)}.")
        return default
    return value


def order(query: QueryDict, group_by: tuple[str, ...], wrong: Mistakes) -> str:
    value = query.get("sort", "")
    if value and value.removeprefix("-") not in (*METRICS, *group_by):
        wrong.add("sort", "Sort by a column of the answer; a leading - turns the order around.")
        return ""
    return value


def number(query: QueryDict, wrong: Mistakes) -> int:
    text = query.get("limit", str(LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= MOST):
        wrong.add("limit", f"Give a whole number from 1 to {MOST}.")
        return LIMIT
    return int(text)


def sealed(asked: Question, position: list[Any]) -> str:
    """A cursor: the position in the answer to this question and no other."""
    plain = [value if isinstance(value, bool | int) else written(value) for value in position]
    return cursors.sealed(_question(asked), plain)


def opened(cursor: str, asked: Question, wrong: Mistakes) -> list[Any]:
    try:
        plain = cursors.opened(_question(asked), cursor)
    except cursors.Foreign as foreign:
        wrong.add("cursor", str(foreign))
        wrong.refuse_if_any()
        raise
    return [_typed(name, value) for name, value in zip(ordering(asked), plain, strict=bool(plain))]


def _typed(name: str, value: Any) -> Any:
    from decimal import Decimal

    name = name.removeprefix("-")
    if name == "hour":
        return datetime.fromisoformat(value)
    if name in TIMES:
        day = date.fromisoformat(value)
        return day if name == "day" else datetime(day.year, day.month, day.day, tzinfo=UTC)
    if name == "cost":
        return Decimal(value)
    if name in METRICS:
        return int(value)
    if name == "connection":
        return UUID(value)
    return bool(value) if name == "batch" else str(value)


def _question(asked: Question) -> list[str]:
    return [
        asked.period.start.isoformat(),
        asked.period.end.isoformat(),
        *asked.group_by,
        "|",
        *(f"{name}={sorted(values)}" for name, values in sorted(asked.filters.items())),
        "|",
        asked.ledger,
        asked.order,
    ]


def is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
