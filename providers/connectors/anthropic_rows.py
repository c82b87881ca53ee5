"""Reads Anthropic's rows of both interfaces: disjoint tokens, and cents that become dollars. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from providers.connectors import reading
from providers.connectors.reading import BadRow
from usage.rows import Ledger, Tokens, UsageRow

CENTS = -2  # decimal places from what is sent to dollars
KEPT_BESIDE = ("inference_geo", "product", "speed")


def usage(
    counted: Mapping[str, Any],
    group: Mapping[str, Any],
    *,
    start: datetime,
    seconds: int,
    workspace: str | None = None,
) -> UsageRow:
    """One group of one hour. `workspace` stands in where the provider leaves out its default one."""
    writes, tools = _nested(counted, "cache_creation"), _nested(counted, "server_tool_use")
    searches = reading.count(tools, "web_search_requests")
    return UsageRow(
        ledger=Ledger.USAGE,
        endpoint="usage",
        start=start,
        seconds=seconds,
        provider="anthropic",
        **_dimensions(group, workspace),
        user=reading.text(group, "account_id") or reading.text(group, "service_account_id"),
        tokens=Tokens(
            input=reading.count(counted, "uncached_input_tokens"),
            cache_read=reading.count(counted, "cache_read_input_tokens"),
            cache_write_5m=reading.count(writes, "ephemeral_5m_input_tokens"),
            cache_write_1h=reading.count(writes, "ephemeral_1h_input_tokens"),
            output=reading.count(counted, "output_tokens"),
        ),
        units=(("web_search", Decimal(searches)),) if searches else (),
        requests=reading.optional_count(counted, "requests"),
    )


def bill(
    cost: Mapping[str, Any],
    group: Mapping[str, Any],
    *,
    start: datetime,
    seconds: int,
    workspace: str | None = None,
) -> UsageRow:
    """One cost component, after discounts and before credits; nobody pays the list price beside it."""
    if "amount" not in cost:
        raise BadRow("it has no amount")
    cost_type, token_type = reading.text(group, "cost_type"), reading.text(group, "token_type")
    described = reading.text(group, "description")
    is_tokens = cost_type == "tokens" or (not cost_type and bool(token_type or group.get("model")))
    return UsageRow(
        ledger=Ledger.BILLED,
        endpoint="cost",
        start=start,
        seconds=seconds,
        provider="anthropic",
        **_dimensions(group, workspace),
        line_item=described or ", ".join(part for part in (cost_type, token_type) if part),
        kind="tokens" if is_tokens else "unit",
        amount=reading.amount(cost["amount"], shift=CENTS),
        currency=reading.currency(cost.get("currency")),
    )


def workspaces(groups: Iterable[Any]) -> Iterator[str]:
    """Those that are named; the older reports leave out the default one."""
    named = (group.get("workspace_id") for group in groups if isinstance(group, dict))
    return (each for each in named if isinstance(each, str) and each)


def _dimensions(group: Mapping[str, Any], workspace: str | None) -> dict[str, Any]:
    tier = reading.text(group, "service_tier")
    return {
        "model": reading.text(group, "model"),
        "project": reading.text(group, "workspace_id") or workspace or "",
        "api_key": reading.text(group, "api_key_id"),
        "service_tier": tier,
        "batch": tier == "batch",
        "context_window": reading.text(group, "context_window"),
        "extra": tuple((name, reading.text(group, name)) for name in KEPT_BESIDE if group.get(name)),
    }


def _nested(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = holder.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRow(f"{name} is not an object")
    return value
