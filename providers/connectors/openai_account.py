"""Finds out whose OpenAI admin key this is, what it may read, and what the account's ids are called."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import quote

from providers.connectors import openai_usage, reading
from providers.connectors.base import Account, ConnectorError, Outcome
from providers.connectors.calling import Api
from providers.connectors.probing import Probes
from providers.connectors.shapes import shape_of

COSTS, USAGE = "/v1/organization/costs", "/v1/organization/usage/"
PROJECTS, USERS = "/v1/organization/projects", "/v1/organization/users"
ADMIN_KEYS = "/v1/organization/admin_api_keys"
LOOK_BACK = timedelta(days=30)

# The first of these that a probe ran into is what a person has to hear about.
GRAVEST = (
    Outcome.INVALID_CREDENTIALS,
    Outcome.WRONG_KEY_KIND,
    Outcome.RATE_LIMITED,
    Outcome.PROVIDER_DOWN,
    Outcome.UNEXPECTED,
)

Names = Mapping[str, Mapping[str, tuple[str, str]]]


def identify(api: Api, key: str, *, last_four: str, now: datetime) -> Account:
    """Probe every endpoint. Raises ConnectorError when neither costs nor usage can be read."""
    midnight = reading.day_after(now) - timedelta(days=1)
    since = str(int((midnight - timedelta(days=1)).timestamp()))
    probes, seen = Probes(), set[str]()

    def probe(endpoint: str, label: str, path: str, *, required: bool = False) -> list[Any]:
        found = probes.ask(endpoint, label, lambda: _one(api, path, since), required=required)
        seen.update(_projects_in(found or []))
        return found or []

    costs = probe("costs", "Costs", COSTS, required=True)
    first, *others = openai_usage.REPORTS
    probe(first.name, first.label, USAGE + first.path, required=True)
    if not any(check.ok for check in probes.checks):
        raise min(probes.failures, key=_gravity)
    projects = probes.ask("projects", "Projects", lambda: _all(api, PROJECTS), fine=_count_of_projects)
    for report in others:
        probe(report.name, report.label, USAGE + report.path)
    probes.ask("users", "People", lambda: _first(api, USERS))
    probes.ask("admin_api_keys", "Admin keys", lambda: _first(api, ADMIN_KEYS))
    if projects:
        keys = _keys_of(projects[0])
        probes.ask("project_api_keys", "Keys", lambda: _first(api, keys))
    if costs and not _organization(costs)[0] and not probes.is_over:
        costs = _recent_costs(api, midnight)
    account_id, name = _organization(costs)
    shape = shape_of(key)
    return Account(
        id=account_id,
        name=name or _oldest(projects or []) or f"OpenAI, key ending in {last_four}",
        projects=frozenset(reading.text(project, "id") for project in projects or () if project.get("id")),
        seen=frozenset(seen),
        projects_found=None if projects is None else len(projects),
        key_kind=shape.kind if shape else "key",
        checks=tuple(probes.checks),
        capabilities=frozenset(check.endpoint for check in probes.checks if check.ok),
    )


def names(api: Api) -> Names:
    """Names of projects, keys and users, as far as the key may read them."""
    found: dict[str, dict[str, tuple[str, str]]] = {"project": {}, "api_key": {}, "user": {}}
    projects: list[Any] = []
    for project in _as_allowed(api.listed(PROJECTS, [("limit", "100"), ("include_archived", "true")], send="after")):
        detail = "archived" if project.get("status") == "archived" else ""
        found["project"][reading.text(project, "id")] = (reading.text(project, "name"), detail)
        projects.append(project)
    for user in _as_allowed(api.listed(USERS, [("limit", "100")], send="after")):
        found["user"][reading.text(user, "id")] = (
            reading.text(user, "name") or reading.text(user, "email"),
            reading.text(user, "email"),
        )
    for key in _as_allowed(api.listed(ADMIN_KEYS, [("limit", "100")], send="after")):
        found["api_key"][reading.text(key, "id")] = (
            reading.text(key, "name"),
            reading.text(key, "redacted_value"),
        )
    for project in sorted(projects, key=lambda each: each.get("status") == "archived"):
        for key in _as_allowed(api.listed(_keys_of(project), [("limit", "100")], send="after")):
            found["api_key"][reading.text(key, "id")] = (
                reading.text(key, "name"),
                reading.text(key, "redacted_value"),
            )
    return {dimension: {value: name for value, name in named.items() if value} for dimension, named in found.items()}


def _keys_of(project: dict[str, Any]) -> str:
    return f"{PROJECTS}/{quote(reading.text(project, 'id'), safe='')}/api_keys"


def _one(api: Api, path: str, since: str) -> list[Any]:
    """One day's bucket, by project; a page without its data is no success."""
    page = api.get(path, [("start_time", since), ("limit", "1"), ("group_by", "project_id")])
    if not isinstance(page.get("data"), list):
        raise api.unexpected("a page without its data", outcome=Outcome.PROVIDER_DOWN)
    return list(page["data"])


def _all(api: Api, path: str) -> list[Any]:
    return list(api.listed(path, [("limit", "100")], send="after"))


def _first(api: Api, path: str) -> list[Any]:
    """One entry is enough to see whether a list may be read."""
    return list(islice(api.listed(path, [("limit", "1")], send="after"), 1))


def _count_of_projects(projects: list[Any]) -> str:
    return "1 project found" if len(projects) == 1 else f"{len(projects)} projects found"


def _recent_costs(api: Api, midnight: datetime) -> list[Any]:
    """Yesterday had no bill: look for the account's id and name in the last month."""
    since = str(int((midnight - LOOK_BACK).timestamp()))
    try:
        page = api.get(COSTS, [("start_time", since), ("limit", "31")])
    except ConnectorError:
        return []
    data = page.get("data")
    return data if isinstance(data, list) else []


def _organization(buckets: Iterable[Any]) -> tuple[str, str]:
    for result in _results(buckets):
        if isinstance(result.get("organization_id"), str):
            return result["organization_id"], reading.text(result, "organization_name")
    return "", ""


def _projects_in(buckets: Iterable[Any]) -> Iterator[str]:
    """The projects that figures are of."""
    return (result["project_id"] for result in _results(buckets) if isinstance(result.get("project_id"), str))


def _results(buckets: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for bucket in buckets:
        results = bucket.get("results") if isinstance(bucket, dict) else None
        if isinstance(results, list):
            yield from (result for result in results if isinstance(result, dict))


def _oldest(projects: list[Any]) -> str:
    named = [project for project in projects if project.get("name") and isinstance(project.get("created_at"), int)]
    return reading.text(min(named, key=lambda each: int(each["created_at"])), "name") if named else ""


def _as_allowed(ask: Iterator[Any]) -> Iterator[Any]:
    """What may be read; a missing permission or an endpoint that is not there ends the list quietly."""
    try:
        yield from ask
    except ConnectorError as reason:
        if reason.outcome not in (Outcome.MISSING_SCOPE, Outcome.NOT_AVAILABLE):
            raise


def _gravity(reason: ConnectorError) -> int:
    return GRAVEST.index(reason.outcome) if reason.outcome in GRAVEST else len(GRAVEST)
