"""Finds out whose Anthropic key this is, which of the two interfaces it may read, and what ids are called."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from providers.connectors import anthropic_analytics, anthropic_refusals, anthropic_reports, reading
from providers.connectors.base import Account, ConnectorError, Outcome
from providers.connectors.calling import Api
from providers.connectors.probing import Probes

ME, API_KEYS, USERS = "/v1/organizations/me", "/v1/organizations/api_keys", "/v1/organizations/users"
LABELS = {"usage": "Usage", "cost": "Costs"}
ANALYTICS, REPORTS = "analytics", "reports"
CONSOLE = "Console admin key"

Names = Mapping[str, Mapping[str, tuple[str, str]]]
Probe = Callable[..., frozenset[str]]
Tried = Mapping[str, frozenset[str] | ConnectorError]


def identify(api: Api, key: str, *, now: datetime) -> Account:
    """Probe account, usage, costs and lists. ConnectorError when neither usage nor costs can be read."""
    kind = anthropic_refusals.kind_of(key)
    probes = Probes()
    me = _me(api, probes, kind)
    capability, seen = _generation(api, probes, now)
    spaces = _listed(
        probes,
        kind,
        "workspaces",
        "Workspaces",
        partial(anthropic_reports.workspaces, api, with_default=False),
        fine=_count_of_workspaces,
    )
    for name, label, path in (("api_keys", "Keys", API_KEYS), ("users", "People", USERS)):
        _listed(probes, kind, name, label, partial(_first, api, path))
    return Account(
        id=reading.text(me, "id"),
        name=reading.text(me, "name"),
        projects=frozenset(reading.text(space, "id") for space in spaces or () if space.get("id")),
        seen=seen,
        projects_found=None if spaces is None else len(spaces),
        key_kind=kind,
        checks=tuple(probes.checks),
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


def _me(api: Api, probes: Probes, kind: str) -> dict[str, Any]:
    try:
        me = api.get(ME)
    except ConnectorError as reason:
        if reason.outcome is Outcome.INVALID_CREDENTIALS and kind == CONSOLE:
            raise
        probes.refused("organization", "Organization", _in_its_place(reason, kind))
        return {}
    probes.works("organization", "Organization", f"Connected to {reading.text(me, 'name')}")
    return me


def _listed(
    probes: Probes,
    kind: str,
    name: str,
    label: str,
    ask: Callable[[], list[dict[str, Any]]],
    *,
    fine: Callable[[list[dict[str, Any]]], str] | None = None,
) -> list[dict[str, Any]] | None:
    def asked() -> list[dict[str, Any]]:
        try:
            return ask()
        except ConnectorError as reason:
            raise _in_its_place(reason, kind) from None

    return probes.ask(name, label, asked, fine=fine)


def _in_its_place(reason: ConnectorError, kind: str) -> ConnectorError:
    """Only keys of the Console may read lists: a refusal of another kind is nothing that somebody could mend."""
    if kind == CONSOLE or not reason.permanent:
        return reason
    return ConnectorError(Outcome.NOT_AVAILABLE, "This kind of key reads usage and costs only.")


def _first(api: Api, path: str) -> list[dict[str, Any]]:
    """One entry is enough to see whether a list may be read."""
    return list(islice(api.listed(path, [("limit", "1")], send="after_id"), 1))


def _count_of_workspaces(spaces: list[dict[str, Any]]) -> str:
    found = "1 workspace found" if len(spaces) == 1 else f"{len(spaces)} workspaces found"
    return f"{found}, besides the default one"


def _generation(api: Api, probes: Probes, now: datetime) -> tuple[str, frozenset[str]]:
    """Which interface answers, analytics if it does, else the older reports; and the workspaces in its figures."""
    tried, capability = _ask(api, anthropic_analytics.probe, now), ANALYTICS
    # what is only not answered is not refused: then the reports would not tell more
    if all(isinstance(found, ConnectorError) and found.permanent for found in tried.values()):
        tried, capability = _ask(api, anthropic_reports.probe, now), REPORTS
    failures = [found for found in tried.values() if isinstance(found, ConnectorError)]
    if len(failures) == len(tried):
        raise min(failures, key=lambda failure: failure.permanent)
    seen = frozenset[str]()
    for endpoint, found in tried.items():
        if isinstance(found, ConnectorError):
            probes.refused(endpoint, LABELS[endpoint], found, required=True)
        else:
            probes.works(endpoint, LABELS[endpoint], f"{LABELS[endpoint]} can be read", required=True)
            seen |= found
    return capability, seen


def _ask(api: Api, probe: Probe, now: datetime) -> Tried:
    found: dict[str, frozenset[str] | ConnectorError] = {}
    for endpoint in LABELS:
        try:
            found[endpoint] = probe(api, endpoint, now=now)
        except ConnectorError as reason:
            found[endpoint] = reason
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
