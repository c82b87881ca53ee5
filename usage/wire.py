"""What the usage API answers, key by key."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from usage.asking import Asked, sealed
from usage.figures import Figures, position, written
from usage.rows import TOKEN_CLASSES, Tokens

CAMEL = {
    name: name.split("_")[0] + "".join(part[:1].upper() + part[1:] for part in name.split("_")[1:])
    for name in (*TOKEN_CLASSES, "reasoning")
}
encode = msgspec.json.Encoder(decimal_format="number").encode  # Python's own has floats for what is no whole number


def answer(asked: Asked, page: list[Figures], totals: Figures, fresh_until: datetime | None) -> dict[str, Any]:
    """`page` has one group more than the limit when there is a next page."""
    shown = page[: asked.limit]
    more = len(page) > asked.limit
    return {
        "items": [item(asked, figures) for figures in shown],
        "totals": measures(asked.metrics, totals),
        "basis": basis(totals),
        "unpricedTokens": totals.unpriced_tokens,
        "freshUntil": moment(fresh_until),
        "nextCursor": sealed(asked.question, position(asked.question, shown[-1])) if more else None,
    }


def item(asked: Asked, figures: Figures) -> dict[str, Any]:
    keys = {name: value if isinstance(value, bool) else written(value) for name, value in figures.keys.items()}
    return keys | measures(asked.metrics, figures)


def measures(metrics: tuple[str, ...], figures: Figures) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "cost" in metrics:
        others = figures.other_currencies.items()
        found["cost"] = plain(figures.cost)
        found["otherCurrencies"] = [{"currency": name, "amount": plain(amount)} for name, amount in others]
    if "tokens" in metrics:
        found["tokens"] = tokens(figures.tokens)
    if "requests" in metrics:
        found["requests"] = figures.requests
    return found | {"units": {name: number(count) for name, count in figures.units.items()}}


def tokens(counts: Tokens) -> dict[str, int]:
    return {camel: counts.get(name) for name, camel in CAMEL.items()}


def basis(totals: Figures) -> dict[str, float]:
    """Shares of the cost by where it comes from; they add up to 1 unless nothing was spent."""
    parts = {"billed": totals.billed, "computed": totals.computed, "measured": totals.measured}
    whole = sum(abs(amount) for amount in parts.values())
    return {name: round(float(abs(amount) / whole), 6) if whole else 0.0 for name, amount in parts.items()}


def plain(amount: Decimal) -> str:
    """Every digit that is there, without an exponent; at least the cents."""
    whole, _, places = f"{amount:f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


def number(count: Decimal) -> int | Decimal:
    return int(count) if count == count.to_integral_value() else count


def moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
