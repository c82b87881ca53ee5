"""Finds out whose Anthropic key this is, which of the two interfaces it may read, and what ids are called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from providers.connectors import anthropic_analytics, anthropic_refusals, anthropic_reports, reading
from providers.connectors.base import Account, Check, ConnectorError, Outcome
from providers.connectors.calling import Api

ME, API_KEYS, USERS = "/v1/organizations/me", "/v1/organizations/api_keys", "/v1/organizations/users"
LABELS = {"usage": "Usage", "cost": "Costs"}
ANALYTICS, REPORTS = "analytics", "reports"

Names = Mapping[str, Mapping[str, tuple[str, str]]]
Probe = Callable[..., None]


@dataclass
class _Checks:
    """What each probe found, in the order of asking."""

    kind: str
    listed: list[Check] = field(default_factory=list)
    failures: list[ConnectorError] = field(default_factory=list)

    def fine(self, endpoint: str, label: str, message: str, *, required: bool) -> None:
        self.listed.append(Check(endpoint, label, True, message, required=required))

    def failed(self, endpoint: str, label: str, reason: ConnectorError, *, required: bool) -> None:
        message, outcome = reason.message, reason.outcome
        if not required and self.kind != "Console admin key" and reason.permanent:
            message, outcome = "This kind of key reads usage and costs only.", Outcome.NOT_AVAILABLE
        self.listed.append(Check(endpoint, label, False, message, outcome, required))
        self.failures.append(reason)


def identify(api: Api, key: str, *, now: datetime) -> Account:
    """Probe account, workspaces, usage and costs. ConnectorError when neither of the last two can be read."""
    checks = _Checks(anthropic_refusals.kind_of(key))
    me = _me(api, checks)
    spaces = _workspaces(api, checks)
    capability = _generation(api, checks, now)
    name = reading.text(me, "name")
    return Account(
        id=reading.text(me, "id"),
        name=name,
        projects=frozenset(reading.text(space, "id") for space in spaces or () if space.get("id")),
        projects_found=None if spaces is None else len(spaces),
        key_kind=checks.kind,
        checks=tuple(checks.listed),
        capabilities=frozenset({capability}),
    )


def names(api: Api) -> Names:
    """Names of workspaces, keys and members, as far as the key may read them."""
    spaces = _allowed(lambda: anthropic_reports.workspaces(api, with_default=True, with_archived=True))
    keys = _allowed(lambda: list(api.listed(API_KEYS, [("limit", "1000")], send="after_id")))
    users = _allowed(lambda: list(api.listed(USERS, [("limit", "1000")], send="after_id")))
    return {
        "project": _named(spaces, lambda each: "archived" if each.get("archived_at") else ""),
        "api_key": _named(keys, lambda each: reading.text(each, "partial_key_hint")),
        "user": _named(users, lambda each: reading.text(each, "email")),
    }


def _me(api: Api, checks: _Checks) -> dict[str, Any]:
    try:
        me = api.get(ME)
    except ConnectorError as reason:
        if reason.outcome is Outcome.INVALID_CREDENTIALS and checks.kind == "Console admin key":
            raise
        checks.failed("organization", "Organization", reason, required=False)
        return {}
    checks.fine("organization", "Organization", f"Connected to {reading.text(me, 'name')}", required=False)
    return me


def _workspaces(api: Api, checks: _Checks) -> list[dict[str, Any]] | None:
    try:
        spaces = anthropic_reports.workspaces(api, with_default=False)
    except ConnectorError as reason:
        checks.failed("workspaces", "Workspaces", reason, required=False)
        return None
    found = "1 workspace found" if len(spaces) == 1 else f"{len(spaces)} workspaces found"
    checks.fine("workspaces", "Workspaces", f"{found}, besides the default one", required=False)
    return spaces


def _generation(api: Api, checks: _Checks, now: datetime) -> str:
    """Which interface answers: analytics if it does, else the older reports. Notes the checks of that one."""
    analytics = _ask(api, anthropic_analytics.probe, now)
    if any(failure is None for failure in analytics.values()):
        chosen, capability = analytics, ANALYTICS
    elif any(failure and not failure.permanent for failure in analytics.values()):
        chosen, capability = (
            analytics,
            ANALYTICS,
        )  # not refused, only not answered: the reports would not tell more
    else:
        chosen, capability = _ask(api, anthropic_reports.probe, now), REPORTS
    if all(chosen.values()):
        raise min((failure for failure in chosen.values() if failure), key=lambda failure: failure.permanent)
    for endpoint, failure in chosen.items():
        if failure is None:
            checks.fine(endpoint, LABELS[endpoint], f"{LABELS[endpoint]} can be read", required=True)
        else:
            checks.failed(endpoint, LABELS[endpoint], failure, required=True)
    return capability


def _ask(api: Api, probe: Probe, now: datetime) -> dict[str, ConnectorError | None]:
    found: dict[str, ConnectorError | None] = {}
    for endpoint in ("usage", "cost"):
        try:
            probe(api, endpoint, now=now)
        except ConnectorError as reason:
            found[endpoint] = reason
        else:
            found[endpoint] = None
    return found


def _allowed(ask: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    try:
        return ask()
    except ConnectorError as reason:
        if not reason.permanent:
            raise
        return []


def _named(found: list[dict[str, Any]], detail: Callable[[dict[str, Any]], str]) -> dict[str, tuple[str, str]]:
    return {reading.text(each, "id"): (reading.text(each, "name"), detail(each)) for each in found if each.get("id")}
