"""OpenAI's usage and cost pages: time buckets that cover the whole window, idle ones included."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .ledger import Ledger, Remembered, added_up, columns, in_order
from .wire import FACTS, Cursors, Exact, Parameters, Refused, Request, encode
from .world import OpenAIAccount, OpenAIBill, OpenAIUsage, moment

RULES = FACTS["openai"]

_TOKENS = (
    "requests",
    "text_in",
    "audio_in",
    "image_in",
    "cached_text",
    "cached_audio",
    "cached_image",
    "cache_write_30m",
    "cache_write_12h",
    "cache_write_unsplit",
    "text_out",
    "audio_out",
    "image_out",
)
_UNITS: dict[str, tuple[str, str, bool]] = {
    # endpoint: name of the result, name of the counted unit, whether model requests are counted beside it
    "images": ("images", "images", True),
    "audio_speeches": ("audio_speeches", "characters", True),
    "audio_transcriptions": ("audio_transcriptions", "seconds", True),
    "vector_stores": ("vector_stores", "usage_bytes", False),
    "code_interpreter_sessions": ("code_interpreter_sessions", "num_sessions", False),
    "file_search_calls": ("file_searches", "num_requests", False),
    "web_search_calls": ("web_searches", "num_requests", True),
}
_FILTERS = {
    "project_ids": "project_id",
    "user_ids": "user_id",
    "api_key_ids": "api_key_id",
    "models": "model",
    "sizes": "size",
    "sources": "source",
    "context_levels": "context_level",
    "vector_store_ids": "vector_store_id",
    "line_items": "line_item",
}


@dataclass(frozen=True)
class Window:
    start: int
    end: int
    width: int
    limit: int
    offset: int
    fingerprint: str
    page: int

    @property
    def buckets(self) -> range:
        return range(self.start, self.end, self.width)

    @property
    def shown(self) -> range:
        return self.buckets[self.offset : self.offset + self.limit]

    def next_page(self, cursors: Cursors) -> str | None:
        reached = self.offset + self.limit
        if reached >= len(self.buckets):
            return None
        return cursors.mint(
            {
                "query": self.fingerprint,
                "offset": reached,
                "start": self.start,
                "end": self.end,
                "page": self.page + 1,
            }
        )


class OpenAIBuckets:
    """Answers usage and cost queries of one account."""

    def __init__(self, account: OpenAIAccount, cursors: Cursors) -> None:
        self.account = account
        self._cursors = cursors
        self._usage: Ledger[OpenAIUsage] = Ledger(lambda: account.usage)
        self._bills: Ledger[OpenAIBill] = Ledger(lambda: account.bills)
        self._pages: Remembered[bytes] = Remembered()

    def usage(self, request: Request, endpoint: str, now: int) -> bytes:
        rules = RULES["usage"][endpoint]
        asked = self._parameters(request, rules)
        width = asked.choice("bucket_width", list(RULES["buckets"]), "1d")
        window = self._window(asked, RULES["buckets"][width], now, request.path)
        dimensions = asked.choices("group_by", rules["group_by"])
        batch = asked.flag("batch") if "batch" in rules["filters"] else None
        keep = self._filter(asked)

        def page() -> bytes:
            def rows(start: int, end: int) -> list[dict[str, Any]]:
                facts = (
                    fact
                    for fact in self._usage.between(start, end)
                    if fact.endpoint == endpoint and (batch is None or fact.batch == batch) and keep(fact)
                )
                return self._usage_rows(endpoint, facts, dimensions, rules["group_by"], start)

            return self._page(window, rows)

        version = self._usage.refresh()
        return self._pages.get((request.path, window, version, repr(self.account.settings)), page)

    def costs(self, request: Request, now: int) -> bytes:
        rules = RULES["costs"]
        asked = self._parameters(request, rules)
        asked.choice("bucket_width", ["1d"])
        cap = self.account.settings.cost_page_cap
        window = self._window(asked, {**rules, "seconds": 86_400}, now, request.path, cap=cap)
        dimensions = asked.choices("group_by", rules["group_by"])
        self._refuse_cost_groups(asked, dimensions)
        keep = self._filter(asked)

        def page() -> bytes:
            return self._page(
                window,
                lambda start, end: self._cost_rows(
                    [bill for bill in self._bills.between(start, end) if keep(bill)], dimensions
                ),
            )

        version = self._bills.refresh()
        state = (version, repr(self.account.settings), self.account.name, tuple(self.account.projects))
        return self._pages.get((request.path, window, *state), page)

    def _parameters(self, request: Request, rules: dict[str, Any]) -> Parameters:
        lists = {"group_by", *rules["filters"]} - {"batch"}
        asked = Parameters(request.pairs, lists=lists, brackets="optional")
        if self.account.settings.strict_parameters:
            asked.refuse_unknown({"start_time", "end_time", "bucket_width", "limit", "page", *lists, *rules["filters"]})
        return asked

    def _window(
        self, asked: Parameters, rules: dict[str, int], now: int, path: str, *, cap: int | None = None
    ) -> Window:
        start = asked.number("start_time", default=None, least=0)
        if start is None:
            raise Refused(
                400,
                "Missing required parameter: 'start_time'.",
                param="start_time",
                code="missing_required_parameter",
            )
        end = asked.number("end_time", default=None, least=0)
        if end is not None and end <= start:
            raise Refused(400, "'end_time' must be after 'start_time'.", param="end_time", code="invalid_value")
        limit = asked.number("limit", default=rules["default"], least=1, most=rules["max"]) or 1
        width = rules["seconds"]
        first = start - start % width
        last = min(now + 1 if end is None else end, now - now % width + width)
        fingerprint = asked.fingerprint(self.account.id, path)
        offset, page = 0, 1
        if token := asked.one("page"):
            state = self._cursors.read(token, fingerprint)
            offset, first, last, page = state["offset"], state["start"], state["end"], state["page"]
        return Window(first, last, width, min(limit, cap or limit), offset, fingerprint, page)

    def _filter(self, asked: Parameters) -> Callable[[Any], bool]:
        wanted = [(column, set(asked.many(name))) for name, column in _FILTERS.items() if asked.many(name)]
        return lambda fact: all(getattr(fact, column) in values for column, values in wanted)

    def _page(self, window: Window, rows: Callable[[int, int], list[dict[str, Any]]]) -> bytes:
        buckets = [
            {
                "object": "bucket",
                "start_time": start,
                "end_time": start + window.width,
                "results": rows(start, start + window.width),
            }
            for start in window.shown
        ]
        following = window.next_page(self._cursors)
        return encode({"object": "page", "data": buckets, "has_more": following is not None, "next_page": following})

    def _usage_rows(
        self,
        endpoint: str,
        facts: Iterable[OpenAIUsage],
        dimensions: list[str],
        possible: list[str],
        start: int,
    ) -> list[dict[str, Any]]:
        measures = ("requests", "units") if endpoint in _UNITS else _TOKENS
        sums = added_up(facts, dimensions, measures)
        before = self.account.settings.terse_before
        is_terse = before is not None and start < moment(before)
        results = []
        for key in sorted(sums, key=in_order):
            numbers = dict(zip(measures, sums[key], strict=True))
            labels = dict.fromkeys(possible) | dict(zip(dimensions, key, strict=True))
            row = _counted(endpoint, numbers) | labels
            results.append(_terse(row) if is_terse else row)
        return results

    def _cost_rows(self, bills: list[OpenAIBill], dimensions: list[str]) -> list[dict[str, Any]]:
        groups: dict[tuple[Any, ...], list[OpenAIBill]] = {}
        key_of = columns([*dimensions, "currency"])
        for bill in bills:
            groups.setdefault(key_of(bill), []).append(bill)
        names = {project.id: project.name for project in self.account.projects}
        results = []
        for key in sorted(groups, key=in_order):
            group = groups[key]
            labels = dict(zip(dimensions, key, strict=False))
            row = {
                "object": "organization.costs.result",
                "amount": _amount(group),
                **dict.fromkeys(RULES["costs"]["group_by"]),
                **labels,
                "quantity": None,
                "quantity_unit": None,
            }
            if "line_item" in labels:
                row |= _quantity(group)
            if self.account.settings.live_names:
                row["organization_id"] = self.account.id
                row["organization_name"] = self.account.name
                row["project_name"] = names.get(labels.get("project_id") or "")
            results.append(row)
        return results

    def _refuse_cost_groups(self, asked: Parameters, dimensions: list[str]) -> None:
        start = int(asked.one("start_time") or 0)
        if "api_key_id" in dimensions and start < RULES["costs"]["api_key_id_not_before"]:
            raise Refused(
                400,
                "group_by=api_key_id is not available for this time range: choose a later start_time.",
                param="start_time",
                code="invalid_request_error",
            )
        is_pair = "user_id" in dimensions and ("project_id" in dimensions or asked.many("project_ids"))
        if is_pair and self.account.settings.user_with_project_refused:
            raise Refused(
                400,
                "user_id cannot be combined with project_id for this organization and time range.",
                param="group_by",
                code="invalid_request_error",
            )


def _counted(endpoint: str, numbers: dict[str, int]) -> dict[str, Any]:
    """The measured members of one result, in OpenAI's overlapping classes."""
    if endpoint in _UNITS:
        name, unit, with_requests = _UNITS[endpoint]
        row: dict[str, Any] = {"object": f"organization.usage.{name}.result", unit: numbers["units"]}
        return row | ({"num_model_requests": numbers["requests"]} if with_requests else {})
    row = {"object": f"organization.usage.{endpoint}.result"}
    if endpoint not in ("completions", "decisions"):
        return row | {"input_tokens": numbers["text_in"], "num_model_requests": numbers["requests"]}
    cached = numbers["cached_text"] + numbers["cached_audio"] + numbers["cached_image"]
    written = numbers["cache_write_30m"] + numbers["cache_write_12h"] + numbers["cache_write_unsplit"]
    fresh = numbers["text_in"] + numbers["audio_in"] + numbers["image_in"]
    row |= {
        "input_tokens": fresh + cached + written,
        "output_tokens": numbers["text_out"] + numbers["audio_out"] + numbers["image_out"],
        "num_model_requests": numbers["requests"],
        "input_cached_tokens": cached,
        "input_cache_write_tokens": written,
        "input_uncached_tokens": fresh,
        "input_text_tokens": numbers["text_in"],
        "output_text_tokens": numbers["text_out"],
        "input_cached_text_tokens": numbers["cached_text"],
        "input_audio_tokens": numbers["audio_in"],
        "input_cached_audio_tokens": numbers["cached_audio"],
        "output_audio_tokens": numbers["audio_out"],
        "input_image_tokens": numbers["image_in"],
        "input_cached_image_tokens": numbers["cached_image"],
        "output_image_tokens": numbers["image_out"],
    }
    # A row with any writes of unknown life reports no split at all: half a split would mislead.
    if not numbers["cache_write_unsplit"]:
        row["input_cache_write_30m_tokens"] = numbers["cache_write_30m"]
        row["input_cache_write_12h_tokens"] = numbers["cache_write_12h"]
    return row


def _terse(row: dict[str, Any]) -> dict[str, Any]:
    """The row as old buckets come: optional members that would be zero are missing."""
    required = ("object", "input_tokens", "output_tokens", "num_model_requests")
    return {name: value for name, value in row.items() if name in required or isinstance(value, bool) or value != 0}


def _amount(group: list[OpenAIBill]) -> dict[str, Any] | None:
    known = [bill for bill in group if bill.amount is not None]
    if not known:
        return None
    text = known[0].amount if len(known) == 1 else f"{sum(Decimal(bill.amount or 0) for bill in known):f}"
    quoted = any(bill.quoted for bill in known)
    return {"value": text if quoted else Exact(text or "0"), "currency": group[0].currency}


def _quantity(group: list[OpenAIBill]) -> dict[str, Any]:
    units = {bill.quantity_unit for bill in group}
    counted = [Decimal(bill.quantity) for bill in group if bill.quantity is not None]
    if len(units) > 1 or not counted:
        return {"quantity": None, "quantity_unit": None}
    return {"quantity": Exact(f"{sum(counted):f}"), "quantity_unit": group[0].quantity_unit}
