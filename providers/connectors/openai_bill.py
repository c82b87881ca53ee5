"""Reads OpenAI's costs: dollars by day, line item, project and key, and what a line item's text tells."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from providers.connectors import reading
from usage.rows import Ledger, UsageRow

LINE = re.compile(
    r"^(?:(?P<tier>[a-z ]+) \| )?(?P<head>.+?), "
    r"(?P<kind>cached input|cache writes?|input|output|audio"
    r"|(?:cached_)?input_tokens|output_tokens|cache_write_tokens)"
    r"(?:, (?P<extra>.+))?$"
)
MODALITY = re.compile(r" (?:audio|text|image)$")
TOKEN_UNITS = frozenset({"", "tokens", "1000_tokens"})


@dataclass(frozen=True, slots=True)
class LineItem:
    """`model` is "" for what is no model's: searches, storage, whatever else the bill may hold."""

    model: str = ""
    tier: str = ""
    context: str = ""
    is_tokens: bool = False


def parse(text: str, *, unit: str = "") -> LineItem:
    """What a line item says about itself; one of an unknown form is nobody's model and stays whole."""
    found = LINE.match(text)
    if found is None:
        return LineItem()
    is_tokens = found["kind"] != "audio" and unit in TOKEN_UNITS
    model = MODALITY.sub("", found["head"])
    return LineItem(model, (found["tier"] or "").strip(), found["extra"] or "", is_tokens)


def row(result: dict[str, Any], *, start: datetime, seconds: int, with_key: bool) -> UsageRow:
    """One line of one day. Raises BadRow."""
    money = result.get("amount")
    if money is not None and not isinstance(money, dict):
        raise reading.BadRow("amount is not an object")
    line, unit = reading.text(result, "line_item"), reading.text(result, "quantity_unit")
    number = reading.quantity(result, "quantity")
    item = parse(line, unit=unit)
    return UsageRow(
        ledger=Ledger.BILLED,
        endpoint="costs",
        start=start,
        seconds=seconds,
        provider="openai",
        model=item.model,
        project=reading.text(result, "project_id"),
        api_key=reading.text(result, "api_key_id") if with_key else "",
        service_tier=item.tier,
        batch=item.tier == "batch",
        context_window=item.context,
        line_item=line,
        kind="tokens" if item.is_tokens else "unit",
        units=((unit or "quantity", number),) if number is not None else (),
        amount=reading.amount((money or {}).get("value")),
        currency=reading.currency((money or {}).get("currency")),
    )
