"""Anthropic's older reports: usage by the hour, cost by the day, in buckets that always come."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from providers.connectors import anthropic_rows, reading
from providers.connectors.anthropic_analytics import show
from providers.connectors.base import ConnectorError, Page
from providers.connectors.buckets import Buckets
from providers.connectors.calling import Api
from usage.rows import UsageRow

WORKSPACES = "/v1/organizations/workspaces"
USAGE_BY = (
    "api_key_id",
    "workspace_id",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
    "account_id",
)

Row = Callable[..., UsageRow]


@dataclass(frozen=True, slots=True)
class Report:
    path: str
    group_by: tuple[str, ...]
    width: str
    seconds: int
    limit: int  # buckets
    row: Row


REPORTS = {
    "usage": Report("/v1/organizations/usage_report/messages", USAGE_BY, "1h", 3_600, 168, anthropic_rows.usage),
    "cost": Report(
        "/v1/organizations/cost_report",
        ("workspace_id", "description"),
        "1d",
        86_400,
        31,
        anthropic_rows.bill,
    ),
}


def read(api: Api, kind: str, start: datetime, end: datetime, *, now: datetime) -> Page:
    """All buckets of a window; `kind` is "usage" or "cost"."""
    report = REPORTS[kind]
    buckets = Buckets(start, end, report.seconds)
    params = [
        ("starting_at", show(start)),
        ("ending_at", show(end)),
        ("bucket_width", report.width),
        ("limit", str(report.limit)),
        *(("group_by[]", name) for name in report.group_by),
    ]
    raw = 0
    for page in api.pages(report.path, params):
        raw += 1
        buckets.add(page["data"], start_of=lambda bucket: reading.iso_time(bucket, "starting_at"))
    if buckets.is_empty and buckets.missing(now):
        raise api.unexpected("no days at all, where even idle ones should be")
    buckets.note_missing(now)
    rows = _rows(api, buckets, report.row)
    problems = buckets.problems
    return Page(rows, problems.all(), raw, left_out=problems.left_out, odd=problems.odd)


def probe(api: Api, kind: str, *, now: datetime) -> frozenset[str]:
    """One day by workspace, to see whether it may be read; the workspaces that it names."""
    today = reading.day_after(now) - timedelta(days=1)
    span = [("starting_at", show(today - timedelta(days=1))), ("ending_at", show(today))]
    page = api.get(REPORTS[kind].path, [*span, ("bucket_width", "1d"), ("group_by[]", "workspace_id"), ("limit", "1")])
    if not isinstance(page.get("data"), list):
        raise api.unexpected("a page without its data")
    results = [bucket.get("results") for bucket in page["data"] if isinstance(bucket, dict)]
    return frozenset(anthropic_rows.workspaces(each for some in results if isinstance(some, list) for each in some))


def workspaces(api: Api, *, with_default: bool, with_archived: bool = False) -> list[dict[str, Any]]:
    flags = [("include_default", with_default), ("include_archived", with_archived)]
    params = [("limit", "1000"), *((name, str(value).lower()) for name, value in flags)]
    return list(api.listed(WORKSPACES, params, send="after_id"))


def default_workspace(api: Api) -> str:
    """The id that reports leave out: the one workspace listed only when asked for; "" when it may not be read."""
    try:
        plain = {reading.text(each, "id") for each in workspaces(api, with_default=False)}
        others = [each for each in workspaces(api, with_default=True) if reading.text(each, "id") not in plain]
    except ConnectorError as reason:
        if not reason.permanent:
            raise  # under no name the same rows would be others
        return ""
    return reading.text(others[0], "id") if len(others) == 1 else ""


def _rows(api: Api, buckets: Buckets, row: Row) -> tuple[UsageRow, ...]:
    results = list(buckets.results())
    unnamed = any(result.get("workspace_id") is None for _, result in results)
    workspace = default_workspace(api) if unnamed else ""
    rows: list[UsageRow] = []
    for start, result in results:
        try:
            rows.append(row(result, result, start=start, seconds=buckets.seconds, workspace=workspace))
        except reading.BadRow as reason:
            buckets.bad(start, result, reason)
    return tuple(rows)
