"""What events are added up to: each rollup with its groups and sums, as SQL over the rows of statements.py."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from usage.measured import OUTGOING, RARE, RARE_TOKENS, TAG
from usage.measuring.dimensions import BY_NAME, DIMENSIONS, Dimension
from usage.measuring.hashes import hash_in_sql, series_in_sql, series_of
from usage.measuring.rollups import Columns, Part, Rollup, expanded, quoted, themselves
from usage.models import COUNTS
from usage.rows import TOKEN_CLASSES
from usage.unpriced import PARTLY, TOKENLESS

TOKENS_IN, TOKENS_OUT = (
    " + ".join(f"coalesce({name}, 0)" for name in TOKEN_CLASSES if (name in OUTGOING) is goes_out)
    for goes_out in (False, True)
)
RARE_SUM = " + ".join(f"coalesce({name}, 0) * {weight}" for name, weight in zip(RARE, RARE_TOKENS.weights, strict=True))
UNITS = "coalesce(usage_sum_units(units) FILTER (WHERE units IS NOT NULL), '{}')"
UNITS_AGAIN = "coalesce(usage_sum_units(units) FILTER (WHERE units <> '{}'), '{}')"
UNPRICED_TOKENS = "coalesce(usage_total(tokens_in + tokens_out) FILTER (WHERE is_unpriced), 0)"
FEW_OF_ALL: Columns = {  # of the calls of a day and value, mostly none; null then, which takes no room
    "errors": "count(*) FILTER (WHERE is_error)",
    "streamed": "count(*) FILTER (WHERE is_streamed)",
    "unpriced_calls": "count(*) FILTER (WHERE is_unpriced)",
    "unpriced_tokens": UNPRICED_TOKENS,
    "partly_priced": "count(*) FILTER (WHERE is_partly)",
    "tokens_cached": "usage_total(cache_read)",
    "rare_tokens": "usage_total(rare_tokens)",
    "untold": "count(*) FILTER (WHERE latency_ms IS NULL)",
}
MEASURES: Columns = {
    "calls": "count(*)",
    "amount": "usage_total(money)",
    "tokens_in": "usage_total(tokens_in)",
    "tokens_out": "usage_total(tokens_out)",
    "units": UNITS,
    "latency_ms": "coalesce(usage_total(latency_ms), 0)",
    "first_at": "min(occurred_at)",
    "last_at": "max(occurred_at)",
    "spread": "usage_total(spread)",
} | {name: f"nullif({sql}, 0)" for name, sql in FEW_OF_ALL.items()}
MEASURES_AGAIN = {name: f"usage_total({name})" for name in MEASURES} | {
    "units": UNITS_AGAIN,
    "first_at": "min(first_at)",
    "last_at": "max(last_at)",
}
MADE_OF_COUNTED: Columns = {  # what is known of them where classes of tokens are added up, as for what counts
    "calls": "usage_total(requests)",
    "tokens_in": f"usage_total({TOKENS_IN})",
    "tokens_out": f"usage_total({TOKENS_OUT})",
    "tokens_cached": "nullif(usage_total(cache_read), 0)",
    "rare_tokens": f"nullif(usage_total({RARE_SUM}), 0)",
    "unpriced_tokens": "nullif(usage_total(unpriced_tokens), 0)",
}
SPARSE = frozenset((*FEW_OF_ALL, "spread"))
MOST_SUMMED = 8 * 10**17  # a page can still add up eleven classes of so many tokens
STOPPING = frozenset((*COUNTS, "tokens_in", "tokens_cached", "tokens_out", "unpriced_tokens", "latency_ms"))
UNCROSSED = ("spread", "first_at", "last_at")  # no page asks for them of two dimensions together
HOUR = "date_bin('1 hour', occurred_at, TIMESTAMPTZ '2000-01-01 00:00+00')"
GRAIN = "date_bin($2, occurred_at, TIMESTAMPTZ '2000-01-01 00:00+00')"

# The pages of what counts read the same tables for every ledger; measured events have no connection there, and
# which person made a call is told by the pages of what was measured.

OWNED: Columns = {"organization_id": "$1"}
COUNTED: Columns = OWNED | {
    "connection_id": "'00000000-0000-0000-0000-000000000000'::uuid",
    "provider": "provider",
    "ledger": "'measured'::text",
    "currency": "currency",
    "basis": "basis",
}
COUNTED_PARTS: Columns = {
    "model": "model",
    "project": "coalesce(project, '')",
    "api_key": "coalesce(key_id::text, '')",
    "service_tier": "coalesce(service_tier, '')",
}
COUNTED_SUMS: Columns = {
    **{name: f"coalesce(usage_total({name}), 0)" for name in COUNTS},
    "amount": "usage_total(money)",
    "requests": "count(*)",
    "unpriced_tokens": UNPRICED_TOKENS,
    "units": UNITS,
    "counted": "bool_and(counts)",
    "tokens_counted": "bool_and(counts)",
    "requests_known": "true",
}
COUNTED_AGAIN = {name: f"usage_total({name})" for name in COUNTED_SUMS} | {
    "units": UNITS_AGAIN,
    **{name: f"bool_and({name})" for name in ("counted", "tokens_counted", "requests_known")},
}
UNTOLD = "is_unpriced AND tokens_in + tokens_out = 0"
BASIS = f"CASE WHEN is_partly THEN '{PARTLY}' WHEN {UNTOLD} THEN '{TOKENLESS}' ELSE basis END"
COUNTABLE = Part(
    {"provider": "provider", "currency": "paid_in", "basis": BASIS, "day": "day", "hour": HOUR} | COUNTED_PARTS,
    COUNTED_SUMS,
    "leaves",
)

# The pages of what was measured. Dimensions with few values are added up together first.

FEW = [each for each in DIMENSIONS if not each.is_many]
MANY = [each for each in DIMENSIONS if each.is_many]
FEWER = Part(
    {"currency": "paid_in", "zone_day": "zone_day", "at_hour": GRAIN} | {f"of_{each.name}": each.sql for each in FEW},
    MEASURES,
    "leaves",
)
FEWER_BY_DAY = Part({name: name for name in FEWER.groups if name != "at_hour"}, MEASURES_AGAIN, "fewer")
ONE: Columns = {"dimension": "dimension", "value": "value"}
CROSSED = ONE | {"series": series_in_sql("dimension", "other"), "by": "other", "by_value": "by_value"}


def crossed(sums: Columns) -> Columns:
    return sums | {name: f"{sums[name]} FILTER (WHERE other = '')" for name in UNCROSSED}


@dataclass(frozen=True)
class Source:
    """Rows of which some dimensions are added up; `column` says where a dimension's value stands in them.

    `of_days` is the same without hours, where it was made already.
    """

    name: str
    dimensions: Sequence[Dimension]
    sums: Columns
    currency: str
    hour: str
    column: Callable[[str], str]
    of_days: str = ""

    @property
    def groups(self) -> Columns:
        return OWNED | {"currency": self.currency}

    def by_day(self, *names: str) -> list[Part]:
        """Of these dimensions, each alone and with every other one that it is crossed with."""
        return [
            Part(
                self.groups | self.one(each, other) | {"by": quoted(other), "by_value": value, "day": "zone_day"},
                self.sums | dict.fromkeys(UNCROSSED if other else (), "NULL"),
                f"{self.of_days or self.name} WHERE {self.column(each.name)} IS NOT NULL AND {value} IS NOT NULL",
            )
            for each in self.dimensions
            if each.name in names
            for other in ("", *each.crossed_with)
            for value in [self.column(other) if other else "''"]
        ]

    def by_hour(self) -> list[Part]:
        return [
            Part(
                self.groups | self.one(each) | {"hour": self.hour},
                self.sums,
                f"{self.name} WHERE {self.column(each.name)} IS NOT NULL",
            )
            for each in self.dimensions
            if each.by_hour
        ]

    def one(self, dimension: Dimension, other: str = "") -> Columns:
        series = f"'{series_of(dimension.name, other)}'::bigint"
        return {"series": series, "dimension": quoted(dimension.name), "value": self.column(dimension.name)}


SOURCES = (
    Source("fewer", FEW, MEASURES_AGAIN, "currency", "at_hour", "of_{}".format, "fewer_by_day"),
    Source("leaves", MANY, MEASURES, "paid_in", GRAIN, lambda name: BY_NAME[name].sql),
)
TAGGED = Part(
    OWNED | {"currency": "paid_in"} | CROSSED | {"day": "zone_day"},
    crossed(MEASURES),
    f"tagged CROSS JOIN LATERAL (VALUES ('', ''), ('model', {BY_NAME['model'].sql})) AS by (other, by_value)",
)
RUNS = Part(
    OWNED | {"run": "run"},
    {
        "agent": "coalesce(min(agent), '')",
        "customer": "coalesce(min(customer), '')",
        "feature": "coalesce(min(feature), '')",
        "started_at": "min(occurred_at)",
        "last_at": "max(occurred_at)",
        "ended_at": "max(occurred_at + coalesce(latency_ms, 0) * interval '1 ms')",
        "calls": "count(*)",
        "errors": FEW_OF_ALL["errors"],
        "amount": "coalesce(usage_total(money) FILTER (WHERE paid_in = 'USD'), 0)",
        "unpriced_calls": FEW_OF_ALL["unpriced_calls"],
        "partly_priced": f"nullif({FEW_OF_ALL['partly_priced']}, 0)",
        "other_calls": "nullif(count(*) FILTER (WHERE paid_in <> 'USD'), 0)",
        "tokens_in": "usage_total(tokens_in)",
        "tokens_out": "usage_total(tokens_out)",
        "days": "CASE WHEN min(zone_day) = max(zone_day) THEN ARRAY[min(zone_day)] "
        "ELSE (SELECT array_agg(DISTINCT day ORDER BY day) FROM unnest(array_agg(zone_day)) AS each (day)) END",
    },
    "leaves WHERE run IS NOT NULL",
)
HOUR_OF_DAY = (
    "hour >= %(day)s::date::timestamp AT TIME ZONE 'UTC' AND hour < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'"
)
BY_VALUE = {"value_hash": hash_in_sql("{value}")}
BY_VALUES = BY_VALUE | {
    "by_hash": hash_in_sql("({by_value} || CASE {currency} WHEN 'USD' THEN '' ELSE chr(31) || {currency} END)")
}
OURS = "connection_id = '00000000-0000-0000-0000-000000000000'::uuid AND ledger = 'measured'"
DAYS_OF_VALUES = "usage_measuredday", "organization_id, series, day, value_hash, by_hash"


def counted(source: str) -> dict[str, Rollup]:
    """What the pages of what counts read, from rows of COUNTABLE."""
    by_part = expanded(
        source, "dimension, value", [*((quoted(part), part) for part in COUNTED_PARTS), ("'user'", "''")]
    )
    return {
        "hours": Rollup(
            "usage_hourrollup",
            "organization_id, dimension, hour, id",
            (Part(COUNTED | ONE | {"hour": "hour"}, COUNTED_AGAIN | {"seconds": "3600"}, by_part),),
            f"{OURS} AND {HOUR_OF_DAY}",
        ),
        "days": Rollup(
            "usage_daydimension",
            "organization_id, dimension, day, id",
            (Part(COUNTED | ONE | {"day": "day"}, COUNTED_AGAIN, by_part),),
            f"{OURS} AND day = %(day)s",
        ),
        "crossed_days": Rollup(
            "usage_dayrollup",
            "organization_id, day, id",
            (
                Part(
                    COUNTED
                    | {"day": "day"}
                    | themselves(COUNTED_PARTS)
                    | {"user_ref": "''", "batch": "false", "line_item": "''"},
                    COUNTED_AGAIN,
                    source,
                ),
            ),
            f"{OURS} AND day = %(day)s",
        ),
    }


ROLLUPS = {
    **counted("countable"),
    "all_days": Rollup(
        *DAYS_OF_VALUES,
        tuple(part for source in SOURCES for part in source.by_day("all")),
        "day = %(day)s AND dimension = 'all'",
        SPARSE,
        BY_VALUES,
    ),
    "measured_days": Rollup(
        *DAYS_OF_VALUES,
        tuple(part for source in SOURCES for part in source.by_day(*(name for name in BY_NAME if name != "all"))),
        f"day = %(day)s AND dimension <> 'all' AND dimension NOT LIKE '{TAG}%%'",
        SPARSE,
        BY_VALUES,
    ),
    "tag_days": Rollup(
        *DAYS_OF_VALUES,
        (TAGGED,),
        f"day = %(day)s AND dimension IN (SELECT '{TAG}' || name FROM unnest(%(tags)s::text[]) AS name)",  # noqa: S608  # a word of ours
        SPARSE,
        BY_VALUES,
    ),
    "measured_hours": Rollup(
        "usage_measuredhour",
        "organization_id, series, hour, value_hash, currency",
        tuple(part for source in SOURCES for part in source.by_hour()),
        HOUR_OF_DAY,
        SPARSE,
        BY_VALUE,
    ),
    "runs": Rollup(
        "usage_run",
        "organization_id, id",
        (RUNS,),
        "id = ANY(%(ids)s::uuid[])",
        sparse=frozenset({"partly_priced", "other_calls"}),
        returning="coalesce(old.days, '{}') AS was, coalesce(new.days, '{}') AS days",
    ),
}
# All that the dashboard reads: so few that whoever reads nothing else waits the least. All of it is made of the same
# groups, so that each event is looked at once.
TOTALED = Part(
    COUNTABLE.groups | {"zone_day": "zone_day"},
    COUNTED_SUMS | {name: sql for name, sql in MEASURES.items() if name not in MADE_OF_COUNTED},
    "leaves",
)
TOTALED_DAYS = Source(
    "totaled", [BY_NAME["all"]], MEASURES_AGAIN | MADE_OF_COUNTED, "currency", "hour", lambda name: "''"
).by_day("all")
TOTALS = counted("totaled") | {"all_days": replace(ROLLUPS["all_days"], parts=tuple(TOTALED_DAYS))}
