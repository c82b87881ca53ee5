"""Anthropic's legacy reports: usage and cost in time buckets, pages counted in buckets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .anthropic_analytics import AnthropicAnalytics
from .anthropic_time import parse_time, show_time
from .ledger import Remembered, added_up, columns, in_order
from .wire import FACTS, Cursors, Parameters, Refused, Request, encode
from .world import DAY, AnthropicAccount, AnthropicBill, AnthropicUsage

RULES = FACTS["anthropic"]

_MEASURES = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "web_searches")
_FILTERS = {
    "api_key_ids": "api_key_id",
    "workspace_ids": "workspace_id",
    "models": "model",
    "service_tiers": "service_tier",
    "context_window": "context_window",
    "inference_geos": "inference_geo",
    "account_ids": "user_id",
    "service_account_ids": "service_account_id",
    "speeds": "speed",
}
_COLUMNS = {"account_id": "user_id"}
_DESCRIBED = ("description", "cost_type", "token_type", "model", "service_tier", "context_window")


@dataclass(frozen=True)
class Window:
    start: int
    end: int
    width: int
    limit: int
    offset: int
    page: int
    fingerprint: str

    def shown(self) -> range:
        return range(self.start, self.end, self.width)[self.offset : self.offset + self.limit]


class AnthropicReports:
    """Answers the two legacy reports for one account, from the same facts as the analytics."""

    def __init__(self, account: AnthropicAccount, analytics: AnthropicAnalytics, cursors: Cursors) -> None:
        self.account = account
        self._analytics = analytics
        self._cursors = cursors
        self._pages: Remembered[bytes] = Remembered()

    def usage(self, request: Request, now: int) -> bytes:
        rules = RULES["usage_report"]
        asked = self._parameters(request, {"group_by", *rules["filters"]})
        width = asked.choice("bucket_width", list(RULES["buckets"]), "1d") or "1d"
        groups = asked.choices("group_by", rules["group_by"])
        if "speed" in groups and RULES["fast_mode_beta"] not in request.headers.get("anthropic-beta", ""):
            raise Refused(400, f"group_by: speed requires the {RULES['fast_mode_beta']} beta header")
        window = self._window(asked, request.path, RULES["buckets"][width], now)
        wanted = [(column, set(asked.many(name))) for name, column in _FILTERS.items() if asked.many(name)]
        ledger = self._analytics.usage_facts
        version = ledger.refresh()

        def rows(start: int) -> list[dict[str, Any]]:
            facts = (
                fact
                for fact in ledger.between(start, start + window.width)
                if self._is_legacy(fact.product) and all(getattr(fact, column) in values for column, values in wanted)
            )
            return self._usage_rows(facts, groups)

        return self._pages.get((window, version), lambda: self._page(window, rows))

    def costs(self, request: Request, now: int) -> bytes:
        rules = RULES["cost_report"]
        asked = self._parameters(request, {"group_by"})
        asked.choice("bucket_width", ["1d"])
        groups = asked.choices("group_by", rules["group_by"])
        for name in ("starting_at", "ending_at"):
            text = asked.one(name)
            if text and parse_time(name, text) % DAY:
                raise Refused(400, f"{name}: must be midnight UTC")
        window = self._window(asked, request.path, {**rules, "seconds": DAY}, now)
        ledger = self._analytics.bill_facts
        version = ledger.refresh()

        def rows(start: int) -> list[dict[str, Any]]:
            bills = (
                bill
                for bill in ledger.between(start, start + DAY)
                if self._is_legacy(bill.product) and not (bill.service_tier or "").startswith("priority")
            )
            return self._cost_rows(bills, groups)

        return self._pages.get((window, version), lambda: self._page(window, rows))

    def _parameters(self, request: Request, lists: set[str]) -> Parameters:
        asked = Parameters(request.pairs, lists=lists, brackets="required")
        if self.account.settings.strict_parameters:
            asked.refuse_unknown(lists | {"starting_at", "ending_at", "bucket_width", "limit", "page", "beta"})
        return asked

    def _window(self, asked: Parameters, path: str, rules: dict[str, int], now: int) -> Window:
        starting, ending = asked.one("starting_at"), asked.one("ending_at")
        if starting is None:
            raise Refused(400, "starting_at: Field required")
        width = rules["seconds"]
        start = parse_time("starting_at", starting)
        start -= start % width
        following = now - now % width + width
        end = min(parse_time("ending_at", ending), following) if ending else following
        if end - start < width:
            raise Refused(
                400,
                "Invalid date range: ending date must be after starting date",
                headers={"x-should-retry": "false"},
            )
        limit = asked.number("limit", default=rules["default"], least=1, most=rules["max"]) or 1
        fingerprint = asked.fingerprint(self.account.id, path)
        offset, page = 0, 1
        if token := asked.one("page"):
            state = self._cursors.read(token, fingerprint)
            offset, page, end = state["offset"], state["page"], state["end"]
        # Only buckets that end before ending_at are returned.
        return Window(start, end - end % width, width, limit, offset, page, fingerprint)

    def _page(self, window: Window, rows: Any) -> bytes:
        buckets = [
            {
                "starting_at": show_time(start),
                "ending_at": show_time(start + window.width),
                "results": rows(start),
            }
            for start in window.shown()
        ]
        reached = window.offset + window.limit
        following = None
        if reached < len(range(window.start, window.end, window.width)):
            following = self._cursors.mint(
                {"query": window.fingerprint, "offset": reached, "end": window.end, "page": window.page + 1}
            )
        return encode({"data": buckets, "has_more": following is not None, "next_page": following})

    def _is_legacy(self, product: str | None) -> bool:
        return product is None or product in RULES["legacy_products"]

    def _workspace(self, workspace: str | None) -> str | None:
        """Legacy reports show the default workspace as null."""
        return None if workspace == self.account.default_workspace else workspace

    def _usage_rows(self, facts: Iterable[AnthropicUsage], groups: list[str]) -> list[dict[str, Any]]:
        sums = added_up(facts, [_COLUMNS.get(name, name) for name in groups], _MEASURES)
        rows = []
        for key in sorted(sums, key=in_order):
            fresh, read, short, long, output, searches = sums[key]
            labels = dict.fromkeys(RULES["usage_report"]["group_by"]) | dict(zip(groups, key, strict=True))
            if "speed" not in groups:
                del labels["speed"]
            labels["workspace_id"] = self._workspace(labels["workspace_id"])
            rows.append(
                {
                    "uncached_input_tokens": fresh,
                    "cache_read_input_tokens": read,
                    "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
                    "output_tokens": output,
                    "server_tool_use": {"web_search_requests": searches},
                    **labels,
                }
            )
        return rows

    def _cost_rows(self, bills: Iterable[AnthropicBill], groups: list[str]) -> list[dict[str, Any]]:
        names = [
            *(["workspace_id"] if "workspace_id" in groups else []),
            *([*_DESCRIBED, "inference_geo"] if "description" in groups else []),
            "currency",
        ]
        key_of = columns(names)
        families: dict[tuple[Any, ...], list[AnthropicBill]] = {}
        for bill in bills:
            families.setdefault(key_of(bill), []).append(bill)
        rows = []
        for key in sorted(families, key=in_order):
            family = families[key]
            single = family[0].amount if len(family) == 1 else None
            labels = dict.fromkeys(("workspace_id", *_DESCRIBED, "inference_geo"))
            labels |= dict(zip(names, key, strict=True))
            labels["workspace_id"] = self._workspace(labels["workspace_id"])
            amount = single or f"{sum(Decimal(bill.amount) for bill in family):f}"
            rows.append({"amount": amount, **labels})
        return rows
