"""What Anthropic's analytics can group and filter by, and how our facts answer to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .ledger import columns
from .wire import FACTS, Parameters
from .world import AnthropicUsage, User

RULES = FACTS["anthropic"]["analytics"]

_FILTERS = {
    "models": "model",
    "workspace_ids": "workspace_id",
    "api_key_ids": "api_key_id",
    "service_tiers": "service_tier",
    "context_windows": "context_window",
    "inference_geos": "inference_geo",
    "speeds": "speed",
    "products": "product",
}
_ABSENT = {"inference_geos": "not_available", "api_key_ids": ""}
_IDENTITY = ("user_id", "service_account_id", "api_key_id")
_IDENTIFIED = ("actor", "actor_type")
_KNOWN = {*AnthropicUsage.__dataclass_fields__, "currency"}

Key = tuple[Any, ...]
Identity = tuple[str | None, str | None, str | None]


def actor(identity: Identity, people: dict[str, User] | None = None) -> dict[str, Any] | None:
    """Whom usage is attributed to: the user, else the service account, else the key."""
    user, service_account, api_key = identity
    if user is not None:
        person = (people or {}).get(user)
        known = {"email_address": person.email, "name": person.name} if person else {}
        return {"type": "user_actor", "user_id": user, "deleted": False, **known}
    if service_account is not None:
        return {"type": "service_account_actor", "service_account_id": service_account}
    return {"type": "api_actor", "api_key_id": api_key} if api_key is not None else None


def grouper(groups: list[str]) -> Callable[[Any], Key]:
    """From a fact to its values of the asked dimensions; an actor stays an identity until it is shown."""
    raw = columns(_columns(groups))
    if not set(groups) - _KNOWN:
        return raw
    return lambda fact: _named(groups, raw(fact))


def chosen(asked: Parameters) -> Callable[[Any], bool]:
    """Whether a fact passes all filters."""
    wanted: list[tuple[str, set[str | None]]] = []
    for name, column in _FILTERS.items():
        if values := asked.many(name):
            wanted.append((column, {None if value == _ABSENT.get(name) else value for value in values}))
    actors, kinds = set(asked.many("actor_ids")), set(asked.many("actor_types"))
    others = set(RULES["filters"]) - set(_FILTERS) - {"actor_ids", "actor_types"}
    # Our facts know no sessions, agents and so on: whoever asks for some of them gets nothing.
    if any(asked.many(name) for name in others):
        return lambda fact: False
    if not wanted and not actors and not kinds:
        return lambda fact: True

    def passes(fact: Any) -> bool:
        if any(getattr(fact, column) not in values for column, values in wanted):
            return False
        who = actor((fact.user_id, fact.service_account_id, fact.api_key_id)) or {}
        return (not actors or bool(actors & set(who.values()))) and (not kinds or who.get("type") in kinds)

    return passes


def _columns(groups: list[str]) -> list[str]:
    """Fact columns behind the asked dimensions; those that our facts do not know have none."""
    known: list[str] = []
    for name in groups:
        if name in _IDENTIFIED:
            known += _IDENTITY
        elif name in _KNOWN:
            known.append(name)
    return known


def _named(groups: list[str], key: Key) -> Key:
    """The asked dimensions out of the columns of _columns."""
    values: list[Any] = []
    rest = list(key)
    for name in groups:
        if name in _IDENTIFIED:
            user, service_account, api_key = rest[:3]
            del rest[:3]
            first = (user, None, None) if user else (None, service_account, None if service_account else api_key)
            who = actor(first)
            values.append(first if who and name == "actor" else who and who["type"])
        elif name in _KNOWN:
            values.append(rest.pop(0))
        else:
            values.append(None)
    return tuple(values)
