"""The true totals of an account, added up from its facts without any of the serving code."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .world import AnthropicBill, AnthropicUsage, OpenAIBill, OpenAIUsage

Day = date | str

TOKEN_CLASSES = (
    "input",
    "cacheRead",
    "cacheWrite5m",
    "cacheWrite1h",
    "output",
    "audioIn",
    "audioOut",
    "imageIn",
    "imageOut",
)


def _seconds(day: Day) -> int:
    return int(datetime.fromisoformat(str(day)[:10]).replace(tzinfo=UTC).timestamp())


def _value(fact: Any, dimension: str) -> Any:
    """A field of the fact, or the `day` or `hour` (unix seconds) that it falls in."""
    if dimension == "day":
        return datetime.fromtimestamp(fact.at, UTC).date().isoformat()
    if dimension == "hour":
        return fact.at - fact.at % 3_600
    return getattr(fact, dimension)


class OpenAITruth:
    """Windows are half-open: `from_day` counts, `to_day` does not."""

    usage: list[OpenAIUsage]
    bills: list[OpenAIBill]

    def total_billed(self, from_day: Day, to_day: Day, currency: str = "usd") -> Decimal:
        """Dollars (or the currency asked for) on the bill."""
        return sum(self.billed_by((), from_day, to_day, currency).values(), Decimal(0))

    def billed_by(
        self, dimensions: tuple[str, ...], from_day: Day, to_day: Day, currency: str = "usd"
    ) -> dict[tuple[Any, ...], Decimal]:
        """Billed dollars for each value of the named fields (`day` included)."""
        totals: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        start, end = _seconds(from_day), _seconds(to_day)
        for bill in self.bills:
            if bill.amount is None or bill.currency.lower() != currency.lower():
                continue
            if start <= bill.at < end:
                totals[tuple(_value(bill, name) for name in dimensions)] += Decimal(bill.amount)
        return dict(totals)

    def used_by(
        self, dimensions: tuple[str, ...], from_day: Day, to_day: Day, *, endpoint: str = "completions"
    ) -> dict[tuple[Any, ...], dict[str, int]]:
        """Disjoint token classes plus `requests` and `units` for each value of the named fields."""
        totals: dict[tuple[Any, ...], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        start, end = _seconds(from_day), _seconds(to_day)
        for fact in self.usage:
            if fact.endpoint != endpoint or not start <= fact.at < end:
                continue
            row = totals[tuple(_value(fact, name) for name in dimensions)]
            row["input"] += fact.text_in
            row["cacheRead"] += fact.cached_text + fact.cached_audio + fact.cached_image
            row["cacheWrite5m"] += fact.cache_write_30m + fact.cache_write_unsplit
            row["cacheWrite1h"] += fact.cache_write_12h
            row["output"] += fact.text_out
            row["audioIn"] += fact.audio_in
            row["audioOut"] += fact.audio_out
            row["imageIn"] += fact.image_in
            row["imageOut"] += fact.image_out
            row["requests"] += fact.requests
            row["units"] += fact.units
        return {key: dict(row) for key, row in totals.items()}

    def tokens(self, from_day: Day, to_day: Day, *, endpoint: str = "completions") -> dict[str, int]:
        """Tokens by disjoint class; cache writes of unknown life count as the short one."""
        row = self.used_by((), from_day, to_day, endpoint=endpoint).get((), {})
        return {name: row.get(name, 0) for name in TOKEN_CLASSES}

    def requests(self, from_day: Day, to_day: Day, *, endpoint: str = "completions") -> int:
        return self.used_by((), from_day, to_day, endpoint=endpoint).get((), {}).get("requests", 0)

    def units(self, from_day: Day, to_day: Day, *, endpoint: str) -> int:
        """Images, characters, seconds, bytes, sessions or calls, whichever the endpoint counts."""
        return self.used_by((), from_day, to_day, endpoint=endpoint).get((), {}).get("units", 0)


class AnthropicTruth:
    """Windows are half-open: `from_day` counts, `to_day` does not. Totals are dollars, facts are cents."""

    usage: list[AnthropicUsage]
    bills: list[AnthropicBill]

    def total_billed(
        self, from_day: Day, to_day: Day, currency: str = "usd", *, at_list_price: bool = False
    ) -> Decimal:
        """Dollars on the bill after discounts, or before them."""
        by_nothing = self.billed_by((), from_day, to_day, currency, at_list_price=at_list_price)
        return sum(by_nothing.values(), Decimal(0))

    def billed_by(
        self,
        dimensions: tuple[str, ...],
        from_day: Day,
        to_day: Day,
        currency: str = "usd",
        *,
        at_list_price: bool = False,
    ) -> dict[tuple[Any, ...], Decimal]:
        """Billed dollars for each value of the named fields (`day` and `hour` included)."""
        cents: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        start, end = _seconds(from_day), _seconds(to_day)
        for bill in self.bills:
            if bill.currency.lower() == currency.lower() and start <= bill.at < end:
                price = bill.list_amount if at_list_price and bill.list_amount is not None else bill.amount
                cents[tuple(_value(bill, name) for name in dimensions)] += Decimal(price)
        return {key: amount / 100 for key, amount in cents.items()}

    def legacy_billed(self, from_day: Day, to_day: Day) -> Decimal:
        """Dollars that the old cost report shows: no Priority Tier, nothing of the newer products."""
        old = {None, "messages_api", "message_batches_api", "claude_console", "claude_code"}
        by_kind = self.billed_by(("product", "service_tier"), from_day, to_day)
        return sum(
            (
                amount
                for (product, tier), amount in by_kind.items()
                if product in old and not str(tier).startswith("priority")
            ),
            Decimal(0),
        )

    def used_by(self, dimensions: tuple[str, ...], from_day: Day, to_day: Day) -> dict[tuple[Any, ...], dict[str, int]]:
        """Disjoint token classes plus `requests` and `web_searches` for each value of the named fields."""
        totals: dict[tuple[Any, ...], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        start, end = _seconds(from_day), _seconds(to_day)
        for fact in self.usage:
            if not start <= fact.at < end:
                continue
            row = totals[tuple(_value(fact, name) for name in dimensions)]
            row["input"] += fact.uncached_input
            row["cacheRead"] += fact.cache_read
            row["cacheWrite5m"] += fact.cache_write_5m
            row["cacheWrite1h"] += fact.cache_write_1h
            row["output"] += fact.output
            row["requests"] += fact.requests
            row["web_searches"] += fact.web_searches
        return {key: dict(row) for key, row in totals.items()}

    def tokens(self, from_day: Day, to_day: Day) -> dict[str, int]:
        """Tokens by disjoint class."""
        row = self.used_by((), from_day, to_day).get((), {})
        return {name: row.get(name, 0) for name in TOKEN_CLASSES}

    def requests(self, from_day: Day, to_day: Day) -> int:
        return self.used_by((), from_day, to_day).get((), {}).get("requests", 0)
