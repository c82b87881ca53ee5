"""Anthropic's analytics interface: hourly rows of usage and cost. No row means no usage."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.connectors import anthropic_rows, reading
from providers.connectors.base import Page
from providers.connectors.buckets import Problems
from providers.connectors.calling import Api
from providers.connectors.reading import BadRow
from usage.rows import UsageRow

HOUR = 3_600
LIMIT = 1_000  # rows
FLOOR = datetime(2026, 1, 1, tzinfo=UTC)
LONGEST_AGE = timedelta(days=365)
GROUP_BY = ("model", "workspace_id", "api_key_id", "service_tier", "context_window")
"""Five is the most that is allowed. What decides the price comes first, so `context_window` has the place
that `product` could have; the people behind the usage (`actor`) would be a sixth."""
SPLIT_COST_BY = ("cost_type", "token_type")  # these do not count among the five


def read(api: Api, kind: str, start: datetime, end: datetime, *, now: datetime) -> Page:
    """All rows of a window; `kind` is "usage" or "cost"."""
    start = max(start, FLOOR, reading.day_after(now) - LONGEST_AGE)
    if end <= start:
        return Page(())
    rows: list[UsageRow] = []
    problems, raw, fresh_until = Problems(), 0, None
    for page in api.pages(f"/v1/organizations/analytics/{kind}", _params(kind, start, end)):
        raw += 1
        fresh_until = _earlier(fresh_until, page)
        for found in page["data"]:
            try:
                rows.append(_row(kind, found, start, end))
            except BadRow as reason:
                problems.note(f"A row{_of(found)} could not be read: {reason}.", came=found)
    return Page(tuple(rows), problems.all(), raw, fresh_until=fresh_until, left_out=problems.left_out, odd=problems.odd)


def probe(api: Api, kind: str, *, now: datetime) -> frozenset[str]:
    """Yesterday by workspace, to see whether it may be read; the workspaces that it names."""
    today = reading.day_after(now) - timedelta(days=1)
    span = [("starting_at", show(today - timedelta(days=1))), ("ending_at", show(today))]
    by_workspace = [("time_bucket_width", "1d"), ("group_by[]", "workspace_id"), ("limit", "100")]
    page = api.get(f"/v1/organizations/analytics/{kind}", [*span, *by_workspace])
    if not isinstance(page.get("data"), list):
        raise api.unexpected("a page without its data")
    groups = [row.get("group") for row in page["data"] if isinstance(row, dict)]
    return frozenset(anthropic_rows.workspaces(groups))


def show(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _params(kind: str, start: datetime, end: datetime) -> list[tuple[str, str]]:
    groups = GROUP_BY + (SPLIT_COST_BY if kind == "cost" else ())
    return [
        ("starting_at", show(start)),
        ("ending_at", show(end)),
        ("time_bucket_width", "1h"),
        ("order_by", "time"),
        ("order", "asc"),
        ("limit", str(LIMIT)),
        *(("group_by[]", name) for name in groups),
    ]


def _row(kind: str, found: Any, start: datetime, end: datetime) -> UsageRow:
    if not isinstance(found, dict):
        raise BadRow("it is not an object")
    at, measured, group = reading.iso_time(found, "starting_at"), found.get(kind), found.get("group")
    if not start <= at < end:
        raise BadRow("it is of a time that was not asked for")
    if not isinstance(measured, dict) or not isinstance(group, dict):
        raise BadRow(f"it has no {kind}")
    if kind == "usage":
        return anthropic_rows.usage(measured, group, start=at, seconds=HOUR)
    return anthropic_rows.bill(measured, group, start=at, seconds=HOUR)


def _of(found: Any) -> str:
    at = found.get("starting_at") if isinstance(found, dict) else None
    return f" of {at[:16]}" if isinstance(at, str) else ""


def _earlier(known: datetime | None, page: Mapping[str, Any]) -> datetime | None:
    try:
        at = reading.iso_time(page, "data_refreshed_at")
    except BadRow:
        return known
    return at if known is None else min(known, at)
