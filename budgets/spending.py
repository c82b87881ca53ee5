"""What scopes spent in spans of time: one statement for each table that is asked, however many budgets there are.

What counts is read from the rollups of the dashboard, so that it is counted by the same rule and never twice
(decisions.md 5). A bill's day is the day of the same date in the organization's zone; what has an hour counts from
where it began. Of zones that are not whole hours from UTC, calls are read by the quarter of an hour.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from budgets import scopes
from budgets.rules.periods import DAY, Span
from budgets.scopes import PROVIDER, Where
from budgets.spent import NOTHING, Spent, read
from usage.measuring.hashes import hash_of, series_of
from usage.rows import TOKEN_CLASSES
from usage.unpriced import TOKENLESS


@dataclass(frozen=True)
class Ask:
    """What is asked: a scope in a span; `each` asks for every value of a dimension, of at least so much."""

    ledger: str
    scope: Mapping[str, Sequence[str]]
    span: Span
    each: str = ""
    least: Decimal | None = None
    is_tokens: bool = False

    @property
    def where(self) -> Where:
        return scopes.where(self.ledger, {*self.scope, *([self.each] if self.each else [])})

    def reaches(self, found: "Spent") -> bool:
        return self.least is None or (found.tokens if self.is_tokens else found.amount) >= self.least

    @property
    def is_between_hours(self) -> bool:
        return bool(self.span.start.minute or self.span.end.minute)


TOKENS = " + ".join(f"r.{name}" for name in TOKEN_CLASSES)
COUNTED_SUMS = f"""
    coalesce(sum(r.amount) FILTER (WHERE r.counted AND r.currency = 'USD'), 0),
    coalesce(sum(r.amount) FILTER (WHERE r.counted AND r.currency = 'USD' AND r.ledger = 'billed'), 0),
    coalesce(sum(r.amount) FILTER (WHERE r.counted AND r.currency = 'USD' AND r.ledger = 'usage'), 0),
    coalesce(sum(r.amount) FILTER (WHERE r.counted AND r.currency = 'USD' AND r.ledger = 'measured'), 0),
    coalesce(sum({TOKENS}) FILTER (WHERE r.tokens_counted), 0),
    coalesce(sum(r.unpriced_tokens) FILTER (WHERE r.counted), 0),
    greatest(coalesce(sum(r.requests) FILTER (WHERE r.counted AND r.basis = '{TOKENLESS}'), 0), 0),
    coalesce(array_agg(DISTINCT r.currency) FILTER (WHERE r.counted AND r.currency <> 'USD' AND r.amount <> 0), '{{}}')
"""
MEASURED_SUMS = """
    coalesce(sum(r.amount) FILTER (WHERE r.currency = 'USD'), 0), 0, 0,
    coalesce(sum(r.amount) FILTER (WHERE r.currency = 'USD'), 0),
    coalesce(sum(r.tokens_in + r.tokens_out), 0),
    coalesce(sum(r.unpriced_tokens), 0),
    coalesce(sum(r.unpriced_calls), 0),
    coalesce(array_agg(DISTINCT r.currency) FILTER (WHERE r.currency <> 'USD' AND r.amount <> 0), '{}')
"""
# Rows are read once for each window, however many asks look through it, and by their key: a month in an organization's
# years is found without them.
ASKS = """
WITH asks AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(%(asks)s::jsonb) AS a (
    key int, "window" int, start timestamptz, "end" timestamptz, first_day date, end_day date, low timestamptz,
    high timestamptz, series bigint, dimension text, hashes bigint[], "values" text[], by_values text[],
    providers text[], models text[], projects text[], api_keys text[], users text[], service_tiers text[], each text,
    least numeric, is_tokens boolean, no_calls boolean
)), seen AS MATERIALIZED (
    SELECT w."window", r.* FROM (SELECT DISTINCT ON ("window") * FROM asks ORDER BY "window") w
    CROSS JOIN LATERAL ({rows} OFFSET 0) r
)
SELECT a.key, {each} AS value, {day} AS day, {sums}
FROM asks a JOIN seen r ON r."window" = a."window" AND {within}
GROUP BY a.key, a.least, a.is_tokens, 2, 3
HAVING a.least IS NULL OR a.least <= CASE WHEN a.is_tokens THEN {tokens} ELSE {money} END"""


def one_of(column: str, asked: str) -> str:
    return f"(a.{asked} IS NULL OR {column} = ANY(a.{asked}))"


def rows_where(source: str, where: str) -> str:
    return f"SELECT * FROM {source} r WHERE r.organization_id = %(organization)s AND {where}"  # noqa: S608  # ours


@dataclass(frozen=True)
class Table:
    """A rollup: which columns of an ask make a window of its rows, those rows, and which of them the ask wants."""

    window: tuple[str, ...]
    rows: str
    sums: str
    within: str
    each: str
    day: str
    tokens: str
    money: str

    def statement(self, *, by_day: bool) -> str:
        return ASKS.format(
            rows=self.rows,
            sums=self.sums,
            within=self.within,
            each=self.each,
            day=self.day if by_day else "NULL::date",
            tokens=self.tokens,
            money=self.money,
        )

    def with_windows(self, asks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        numbers: dict[str, int] = {}
        return [
            ask | {"window": numbers.setdefault(repr([ask[name] for name in self.window]), len(numbers))}
            for ask in asks
        ]


COUNTED = {
    "sums": COUNTED_SUMS,
    "tokens": f"coalesce(sum({TOKENS}) FILTER (WHERE r.tokens_counted), 0)",
    "money": "coalesce(sum(r.amount) FILTER (WHERE r.counted AND r.currency = 'USD'), 0)",
}
CALLS = {
    "sums": MEASURED_SUMS,
    "tokens": "coalesce(sum(r.tokens_in + r.tokens_out), 0)",
    "money": "coalesce(sum(r.amount) FILTER (WHERE r.currency = 'USD'), 0)",
}
# of the dimension "model" alone
QUARTERS = """(SELECT *, split_part(value, '/', 1) AS provider, substr(value, strpos(value, '/') + 1) AS model
    FROM usage_measuredhour)"""
UTC_DAY = "(r.hour AT TIME ZONE 'UTC')::date"
LOCAL_DAY = "(r.hour AT TIME ZONE %(zone)s)::date"
TABLES = {
    "hours": Table(
        window=("dimension", "low", "high"),
        rows=rows_where(
            "usage_hourrollup",
            "r.dimension = w.dimension AND r.hour >= w.low AND r.hour < w.high AND (r.counted OR r.tokens_counted)",
        ),
        within=f"""NOT (a.no_calls AND r.ledger = 'measured')
            AND {one_of("r.value", "values")} AND {one_of("r.provider", "providers")}
            AND CASE WHEN r.seconds >= 86400 THEN {UTC_DAY} >= a.first_day AND {UTC_DAY} < a.end_day
                ELSE r.hour >= a.start AND r.hour < a."end" END""",
        each="CASE a.each WHEN '' THEN '' WHEN 'provider' THEN r.provider ELSE r.value END",
        day=f"CASE WHEN r.seconds >= 86400 THEN {UTC_DAY} ELSE {LOCAL_DAY} END",
        **COUNTED,
    ),
    # whole days of UTC in the middle of a span, of which it does not matter when in them
    "middle": Table(
        window=("dimension", "first_day", "end_day"),
        rows=rows_where(
            "usage_daydimension",
            """r.dimension = w.dimension AND r.day >= w.first_day AND r.day < w.end_day
                AND (r.counted OR r.tokens_counted)""",
        ),
        within=f"""NOT (a.no_calls AND r.ledger = 'measured')
            AND {one_of("r.value", "values")} AND {one_of("r.provider", "providers")}""",
        each="CASE a.each WHEN '' THEN '' WHEN 'provider' THEN r.provider ELSE r.value END",
        day="r.day",
        **COUNTED,
    ),
    "days": Table(
        window=("first_day", "end_day"),
        rows=rows_where(
            "usage_dayrollup", "r.day >= w.first_day AND r.day < w.end_day AND (r.counted OR r.tokens_counted)"
        ),
        within=f"""{one_of("r.provider", "providers")} AND {one_of("r.model", "models")}
            AND {one_of("r.project", "projects")} AND {one_of("r.api_key", "api_keys")}
            AND {one_of("r.user_ref", "users")} AND {one_of("r.service_tier", "service_tiers")}""",
        each="""CASE a.each WHEN '' THEN '' WHEN 'provider' THEN r.provider WHEN 'model' THEN r.model
            WHEN 'project' THEN r.project WHEN 'api_key' THEN r.api_key WHEN 'user' THEN r.user_ref
            ELSE r.service_tier END""",
        day="r.day",
        **COUNTED,
    ),
    "measured": Table(
        window=("series", "first_day", "end_day", "values"),
        rows=" UNION ALL ".join(
            rows_where(
                "usage_measuredday",
                f"r.series = w.series AND r.day >= w.first_day AND r.day < w.end_day AND {wanted}",
            )
            for wanted in (
                """w."values" IS NULL""",
                # with what was added up as one with them: a name that was made for it has no room of its own
                """w."values" IS NOT NULL AND r.value_hash = ANY(w.hashes)""",
            )
        ),
        within=one_of("r.by_value", "by_values"),
        each="CASE a.each WHEN '' THEN '' WHEN a.dimension THEN r.value ELSE r.by_value END",
        day="r.day",
        **CALLS,
    ),
    # calls that count, by the quarter of an hour: no account covers their provider's day (usage.measuring.turning)
    "quarters": Table(
        window=("start", "end"),
        rows=rows_where(
            QUARTERS,
            f"""r.series = {series_of("model")} AND r.hour >= w.start AND r.hour < w."end" """,
        ),
        within=f"""{one_of("r.provider", "providers")} AND {one_of("r.model", "values")}
            AND NOT EXISTS (SELECT FROM usage_ledgerday l WHERE l.organization_id = %(organization)s
                AND l.day = {UTC_DAY} AND l.provider = r.provider)""",
        each="CASE a.each WHEN '' THEN '' WHEN 'provider' THEN r.provider ELSE r.model END",
        day=LOCAL_DAY,
        **CALLS,
    ),
}


@dataclass
class Answer:
    """What came back for one ask: by value ("" where it asks for no dimension's) and, where asked for, by day."""

    values: dict[str, Spent] = field(default_factory=dict)
    days: dict[tuple[str, date], Spent] = field(default_factory=dict)

    @property
    def total(self) -> Spent:
        return self.values.get("", NOTHING)


def spent(organization_id: UUID, asks: Sequence[Ask], *, by_day: bool = False, zone: str = "UTC") -> list[Answer]:
    """An answer for each ask in their order, inside the organization's scope: at most a query for each table."""
    answers = [Answer() for _ in asks]
    by_table: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for key, ask in enumerate(asks):
        for table, row in rows_of(key, ask, by_hours=by_day and zone != "UTC"):
            by_table[table].append(row)
    with connection.cursor() as cursor:
        for table, rows in by_table.items():
            asked = TABLES[table].with_windows(rows)
            params: dict[str, Any] = {"organization": organization_id, "asks": json.dumps(asked), "zone": zone}
            cursor.execute(TABLES[table].statement(by_day=by_day), params)
            for key, value, day, *sums in cursor.fetchall():
                found = read(sums)
                answer = answers[key]
                answer.values[value] = answer.values.get(value, NOTHING) + found
                if day is not None:
                    answer.days[value, day] = answer.days.get((value, day), NOTHING) + found
    for ask, answer in zip(asks, answers, strict=True):
        if ask.least is not None:
            answer.values = {value: each for value, each in answer.values.items() if ask.reaches(each)}
    return answers


def rows_of(key: int, ask: Ask, *, by_hours: bool) -> Iterable[tuple[str, dict[str, Any]]]:
    """The rows by which an ask is joined with its tables; `by_hours` where days of a zone are asked for."""
    where, span, scope = ask.where, ask.span, ask.scope
    low, high = min(span.start, midnight(span.first_day)), max(span.end, midnight(span.end_day))
    row: dict[str, Any] = {
        "key": key,
        "start": span.start.isoformat(),
        "end": span.end.isoformat(),
        "first_day": span.first_day.isoformat(),
        "end_day": span.end_day.isoformat(),
        "low": low.isoformat(),
        "high": high.isoformat(),
        "series": series_of(where.dimension, where.by),
        "dimension": where.dimension,
        "hashes": [hash_of(value) for value in scope.get(where.dimension, ())],
        "values": scope.get(where.dimension),
        "by_values": scope.get(where.by),
        "providers": scope.get(PROVIDER),
        "each": ask.each,
        "least": None if ask.least is None else str(ask.least),
        "is_tokens": ask.is_tokens,
        "no_calls": False,
    }
    row |= {f"{name}s": scope.get(name) for name in ("model", "project", "api_key", "user", "service_tier")}
    if where.table != "hours":
        yield where.table, row
        return
    row["least"] = None  # of parts, none may reach it
    if where.dimension == "model" and ask.is_between_hours:
        yield "quarters", row
        row = row | {"no_calls": True}
    first, end = whole_days(span)
    if by_hours or end <= first:
        yield "hours", row
        return
    yield "middle", row | {"first_day": first.isoformat(), "end_day": end.isoformat()}
    if low < midnight(first):
        yield "hours", row | {"high": midnight(first).isoformat()}
    if midnight(end) < high:
        yield "hours", row | {"low": midnight(end).isoformat()}


def whole_days(span: Span) -> tuple[date, date]:
    """The UTC days that lie in a span from their first instant to their last one."""
    first = span.start.date() if span.start == midnight(span.start.date()) else span.start.date() + DAY
    return first, span.end.date()


def midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
