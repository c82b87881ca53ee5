"""Finds out whose OpenAI admin key this is, what it may read, and what the account's ids are called."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from providers.connectors import reading
from providers.connectors.base import Account, Check, ConnectorError, Outcome
from providers.connectors.calling import Api
from providers.connectors.shapes import shape_of

COSTS, COMPLETIONS = "/v1/organization/costs", "/v1/organization/usage/completions"
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
    """Probe costs, usage and projects. Raises ConnectorError when neither costs nor usage can be read."""
    midnight = reading.day_after(now) - timedelta(days=1)
    since = str(int((midnight - timedelta(days=1)).timestamp()))
    checks: list[Check] = []
    failures: list[ConnectorError] = []

    def probe(endpoint: str, label: str, ask: Iterable[Any], *, required: bool, fine: str) -> list[Any]:
        try:
            found = list(ask)
        except ConnectorError as reason:
            if reason.outcome in (Outcome.INVALID_CREDENTIALS, Outcome.WRONG_KEY_KIND):
                raise
            checks.append(Check(endpoint, label, False, reason.message, reason.outcome, required))
            failures.append(reason)
            return []
        checks.append(Check(endpoint, label, True, fine.format(len(found)), required=required))
        return found

    costs = probe("costs", "Costs", _one(api, COSTS, since), required=True, fine="Costs can be read")
    probe("usage.completions", "Usage", _one(api, COMPLETIONS, since), required=True, fine="Usage can be read")
    if len(failures) == 2:
        raise min(failures, key=_gravity)
    projects = probe(
        "projects",
        "Projects",
        api.listed(PROJECTS, [("limit", "100")], send="after"),
        required=False,
        fine="{} projects found",
    )
    if costs and not _organization(costs)[0]:
        costs = _recent_costs(api, midnight)
    account_id, name = _organization(costs)
    listed = checks[-1].ok
    shape = shape_of(key)
    return Account(
        id=account_id,
        name=name or _oldest(projects) or f"OpenAI, key ending in {last_four}",
        projects=frozenset(reading.text(project, "id") for project in projects if project.get("id")),
        projects_found=len(projects) if listed else None,
        key_kind=shape.kind if shape else "key",
        checks=tuple(checks),
        capabilities=frozenset(check.endpoint for check in checks if check.ok),
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
        path = f"{PROJECTS}/{reading.text(project, 'id')}/api_keys"
        for key in _as_allowed(api.listed(path, [("limit", "100")], send="after")):
            found["api_key"][reading.text(key, "id")] = (
                reading.text(key, "name"),
                reading.text(key, "redacted_value"),
            )
    return {dimension: {value: name for value, name in named.items() if value} for dimension, named in found.items()}


def _one(api: Api, path: str, since: str) -> Iterator[Any]:
    """The buckets of one small page; one without its data is no success."""
    page = api.get(path, [("start_time", since), ("limit", "1")])
    if not isinstance(page.get("data"), list):
        raise api.unexpected("a page without its data", outcome=Outcome.PROVIDER_DOWN)
    yield from page["data"]


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
    for bucket in buckets:
        results = bucket.get("results") if isinstance(bucket, dict) else None
        for result in results if isinstance(results, list) else []:
            if isinstance(result, dict) and isinstance(result.get("organization_id"), str):
                return result["organization_id"], reading.text(result, "organization_name")
    return "", ""


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
