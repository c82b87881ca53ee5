"""Anthropic's analytics API: sparse rows of usage and cost, ranked or by time, pages counted in rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from .anthropic_dimensions import Key, actor, chosen, grouper
from .anthropic_time import parse_time, show_time
from .ledger import Ledger, Remembered, in_order
from .wire import FACTS, Cursors, Parameters, Refused, Request, encode
from .world import DAY, HOUR, AnthropicAccount, AnthropicBill, AnthropicUsage, moment

RULES = FACTS["anthropic"]["analytics"]
WIDTHS = {"1m": 60, "1h": HOUR, "1d": DAY}

Row = dict[str, Any]


@dataclass(frozen=True)
class Range:
    start: int
    end: int
    width: int | None

    def bucket(self, at: int) -> int:
        return at - at % self.width if self.width else self.start


class Entry(NamedTuple):
    """One combination of bucket and dimension values, before it is dressed as rows."""

    rank: Any
    key: Key
    usage: Row | None = None
    bills: list[AnthropicBill] | None = None
    requests: int = 0


class AnthropicAnalytics:
    """Answers the two analytics endpoints for one account."""

    def __init__(self, account: AnthropicAccount, cursors: Cursors) -> None:
        self.account = account
        self._cursors = cursors
        self.usage_facts: Ledger[AnthropicUsage] = Ledger(lambda: account.usage)
        self.bill_facts: Ledger[AnthropicBill] = Ledger(lambda: account.bills)
        self._tables: Remembered[list[Entry]] = Remembered(16)

    def answer(self, request: Request, kind: str, now: int) -> bytes:
        asked = self._parameters(request)
        fan_out = RULES["fan_out"] if kind == "cost" else []
        groups = asked.choices("group_by", RULES["group_by"] + fan_out)
        plain = [name for name in groups if name not in fan_out]
        if len(plain) > RULES["max_dimensions"]:
            raise Refused(400, f"group_by: at most {RULES['max_dimensions']} dimensions are supported")
        limit = asked.number("limit", default=RULES["default"], least=1, most=RULES["max"]) or 1
        fingerprint = asked.fingerprint(self.account.id, request.path)
        token = asked.one("page")
        state = self._cursors.read(token, fingerprint) if token else {"offset": 0, "page": 1}
        span = self._range(asked, now, state)
        metrics = RULES["order_by"][kind]
        metric = asked.choice("order_by", metrics, metrics[0]) or metrics[0]
        descending = asked.choice("order", ["asc", "desc"], "desc") == "desc"
        keep = chosen(asked)

        def table() -> list[Entry]:
            make = self._usage if kind == "usage" else self._costs
            return _ordered(make(span, plain, keep, metric), metric == "time" and bool(span.width), descending)

        versions = (self.usage_facts.refresh(), self.bill_facts.refresh())
        entries = self._tables.get((kind, fingerprint, span, versions), table)
        reached = state["offset"] + limit
        following = None
        if reached < len(entries):
            place = {"query": fingerprint, "offset": reached, "page": state["page"] + 1, "end": span.end}
            following = self._cursors.mint(place)
        fan = [name for name in fan_out if name in groups]
        shown = entries[state["offset"] : reached]
        return encode(
            {
                "data": [row for entry in shown for row in self._rows(entry, span, plain, fan)],
                "has_more": following is not None,
                "next_page": following,
                "data_refreshed_at": show_time(now - self.account.settings.refreshed_seconds_ago),
            }
        )

    def _parameters(self, request: Request) -> Parameters:
        lists = {"group_by", *RULES["filters"]}
        asked = Parameters(request.pairs, lists=lists, brackets="required")
        if self.account.settings.strict_parameters:
            single = {"starting_at", "ending_at", "time_bucket_width", "order_by", "order", "limit", "page"}
            asked.refuse_unknown(lists | single | {"beta", "exclude_deleted_users"})
        return asked

    def _range(self, asked: Parameters, now: int, state: dict[str, int]) -> Range:
        starting, ending = asked.one("starting_at"), asked.one("ending_at")
        name = asked.choice("time_bucket_width", list(WIDTHS))
        width = WIDTHS[name] if name else None
        if starting is None:
            raise Refused(400, "starting_at: Field required")
        if width and ending is None:
            raise Refused(400, "ending_at: Field required when time_bucket_width is set")
        longest = RULES["max_range_days"] * DAY
        start = parse_time("starting_at", starting)
        end = parse_time("ending_at", ending) if ending else state.get("end") or min(now, start + longest)
        earliest = max(moment(RULES["not_before"]), now - RULES["max_age_days"] * DAY)
        if start < earliest:
            raise Refused(400, f"starting_at: must not be before {show_time(earliest)}")
        if end <= start:
            raise Refused(400, "Invalid date range: ending date must be after starting date")
        if end - start > longest:
            raise Refused(400, f"Invalid date range: at most {RULES['max_range_days']} days may be requested")
        if width == WIDTHS["1m"] and end - start > DAY:
            raise Refused(400, "Invalid date range: at most 24 hours may be requested with 1m buckets")
        if width is None:
            return Range(start - start % HOUR, end - end % HOUR, None)
        return Range(start, end, width)

    def _usage(self, span: Range, groups: list[str], keep: Callable[[Any], bool], metric: str) -> list[Entry]:
        entries = []
        for key, facts in _families(self.usage_facts, span, groups, keep).items():
            usage = _used(facts)
            entries.append(Entry(usage.get(metric, usage["total_tokens"]), key, usage=usage))
        return entries

    def _costs(self, span: Range, groups: list[str], keep: Callable[[Any], bool], metric: str) -> list[Entry]:
        used = _families(self.usage_facts, span, groups, keep)
        billed = _families(self.bill_facts, span, [*groups, "currency"], keep)
        entries = []
        for (*values, _currency), bills in billed.items():
            key = tuple(values)
            requests = sum(fact.requests for fact in used.get(key, ())) + sum(bill.spans for bill in bills)
            rank = sum((Decimal(_price(bill, listed=metric == "list_amount")) for bill in bills), Decimal(0))
            entries.append(Entry(rank, key, bills=bills, requests=requests))
        return entries

    def _rows(self, entry: Entry, span: Range, groups: list[str], fan: list[str]) -> list[Row]:
        start = entry.key[0]
        values = dict(zip(groups, entry.key[1:], strict=True))
        if values.get("actor") is not None:
            values["actor"] = actor(values["actor"], {person.id: person for person in self.account.users})
        if not self.account.settings.sparse_groups:
            names = RULES["group_by"] if entry.bills is None else RULES["group_by"] + RULES["fan_out"]
            values = dict.fromkeys(names) | values
        row = {
            "starting_at": show_time(start),
            "ending_at": show_time(start + span.width if span.width else span.end),
            "group": values,
        }
        if entry.bills is None:
            return [row | {"usage": entry.usage}]
        return _fanned(row, entry.bills, fan, entry.requests)


def _families(ledger: Ledger[Any], span: Range, groups: list[str], keep: Callable[[Any], bool]) -> dict[Key, list[Any]]:
    """Facts that belong into one row, by bucket and dimension values."""
    key_of = grouper(groups)
    families: dict[Key, list[Any]] = {}
    for fact in ledger.between(span.start, span.end):
        if keep(fact):
            families.setdefault((span.bucket(fact.at), *key_of(fact)), []).append(fact)
    return families


def _used(facts: list[AnthropicUsage]) -> Row:
    fresh = sum(fact.uncached_input for fact in facts)
    read = sum(fact.cache_read for fact in facts)
    short = sum(fact.cache_write_5m for fact in facts)
    long = sum(fact.cache_write_1h for fact in facts)
    output = sum(fact.output for fact in facts)
    return {
        "uncached_input_tokens": fresh,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
        "output_tokens": output,
        "total_tokens": fresh + read + short + long + output,
        "requests": sum(fact.requests for fact in facts),
        "server_tool_use": {"web_search_requests": sum(fact.web_searches for fact in facts)},
    }


def _price(bill: AnthropicBill, *, listed: bool) -> str:
    return bill.list_amount if listed and bill.list_amount is not None else bill.amount


def _added(bills: list[AnthropicBill], *, listed: bool) -> str:
    """A single amount in its own spelling, or the sum."""
    prices = [_price(bill, listed=listed) for bill in bills]
    return prices[0] if len(prices) == 1 else f"{sum(map(Decimal, prices)):f}"


def _cost(bills: list[AnthropicBill], requests: int | None) -> Row:
    return {
        "amount": _added(bills, listed=False),
        "list_amount": _added(bills, listed=True),
        "currency": bills[0].currency,
        "requests": requests,
    }


def _fanned(row: Row, bills: list[AnthropicBill], fan: list[str], requests: int) -> list[Row]:
    """One row, or one per cost and token type; without cost_type, only tokens have token types."""
    if not fan:
        return [row | {"cost": _cost(bills, requests)}]
    parts: dict[tuple[str, str | None], list[AnthropicBill]] = {}
    for bill in bills:
        if "token_type" not in fan:
            parts.setdefault((bill.cost_type, None), []).append(bill)
        elif bill.cost_type == "tokens" or "cost_type" in fan:
            parts.setdefault((bill.cost_type, bill.token_type), []).append(bill)
    return [
        row
        | {
            "group": row["group"] | {"cost_type": part[0], "token_type": part[1]},
            "cost": _cost(parts[part], None),
        }
        for part in sorted(parts, key=in_order)
    ]


def _ordered(entries: list[Entry], by_time: bool, descending: bool) -> list[Entry]:
    """Ranked by the metric, or by bucket in the asked direction and the metric downwards within one."""
    entries.sort(key=lambda entry: in_order(entry.key[1:]))
    entries.sort(key=lambda entry: entry.rank, reverse=by_time or descending)
    if by_time:
        entries.sort(key=lambda entry: entry.key[0], reverse=descending)
    return entries
