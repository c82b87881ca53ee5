"""What JSON says of customers, agents, runs and their calls, key by key."""

from decimal import Decimal
from typing import Any

from usage.measured import Event, Run
from usage.spenders.places import Spenders
from usage.spenders.runs import OneRun, RunCount
from usage.spenders.sums import Sums
from usage.spenders.tree import Node
from usage.wire import CAMEL, moment, plain


def spenders(found: Spenders) -> dict[str, Any]:
    """A page of a dimension's values with what they add up to, and what names none."""
    one, many = found.dimension, f"{found.dimension}s"
    rest, share = found.unattributed, found.unattributed_share
    return {
        "items": [
            {one: row.sums.value}
            | measures(row.sums)
            | ({"providers": [key for key, _ in row.providers]} if found.has_models else {})
            | ({"tools": row.tools, **run_count(row.runs)} if one == "agent" else {})
            | {"firstSeen": moment(row.first_at), "lastSeen": moment(row.sums.last_at)}
            for row in found.rows
        ],
        "totals": measures(found.total)
        | {many: found.number, f"averageCostPer{one.capitalize()}": exact(found.average)},
        "unattributed": {
            "cost": plain(rest.cost),
            "calls": rest.calls,
            "share": None if share is None else round(float(share), 6),
        },
        "zone": found.span.zone.key,
        "nextCursor": found.page.after or None,
    }


def run_count(count: RunCount | None) -> dict[str, Any]:
    """Those that began in the range; of very many the first thousand are counted."""
    return {"runs": count.number if count else 0, "moreRuns": bool(count and count.is_more)}


def measures(each: Sums) -> dict[str, Any]:
    return {
        "cost": plain(each.cost),
        "otherCurrencies": [{"currency": name, "amount": plain(amount)} for name, amount in each.others.items()],
        "calls": each.calls,
        "errors": each.errors,
        "averageCost": exact(each.average),
        "averageLatencyMs": each.latency,
        "tokensIn": each.tokens_in,
        "tokensOut": each.tokens_out,
        "unpricedCalls": each.unpriced_calls,
        "unpricedTokens": each.unpriced_tokens,
        "partlyPricedCalls": each.partly_priced,
    }


def exact(amount: Decimal | None) -> str | None:
    """An average, to as many places as amounts are kept in."""
    return None if amount is None else plain(Decimal(f"{amount:.12f}"))


def run_line(run: Run) -> dict[str, Any]:
    return {
        "run": run.run,
        "agent": run.agent or None,
        "customer": run.customer or None,
        "feature": run.feature or None,
        "startedAt": moment(run.started_at),
        "lastAt": moment(run.last_at),
        "durationMs": run.took_ms,
        "calls": run.calls,
        "errors": run.errors,
        "cost": None if run.known is None else plain(run.known),
        "otherCurrencyCalls": run.other_calls or 0,
        "unpricedCalls": run.unpriced_calls,
        "partlyPricedCalls": run.partly_priced or 0,
        "tokensIn": run.tokens_in,
        "tokensOut": run.tokens_out,
    }


def one_run(found: OneRun) -> dict[str, Any]:
    return run_line(found.run) | {
        "events": [call_line(node) for node in found.nodes],
        "complete": not found.missing_note,
    }


def call_line(node: Node[Event]) -> dict[str, Any]:
    call = node.call
    tokens = {camel: getattr(call, name) for name, camel in CAMEL.items() if getattr(call, name)}
    return {
        "id": call.ref or str(call.id),
        "parentId": call.parent,
        "depth": node.depth,
        "occurredAt": moment(call.occurred_at),
        "provider": call.provider,
        "model": call.model,
        "operation": call.operation,
        "tool": call.tool,
        "status": call.status,
        "errorCode": call.error_code,
        "latencyMs": call.latency_ms,
        "tokens": tokens,
        "cost": None if call.amount is None else plain(call.amount),
        "currency": call.paid_in,
        "basis": call.basis,
        "rate": call.rate_ref,
        "counted": not call.is_parent,
        "costWithChildren": plain(node.cost),
    }
