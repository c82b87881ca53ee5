"""Worlds as JSON files, leaving out whatever has its usual value."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from .world import (
    AdminKey,
    AnthropicAccount,
    AnthropicBill,
    AnthropicSettings,
    AnthropicUsage,
    ApiKey,
    OpenAIAccount,
    OpenAIBill,
    OpenAISettings,
    OpenAIUsage,
    Project,
    User,
    Workspace,
    World,
)

_MEMBERS: dict[type, dict[str, type]] = {
    OpenAIAccount: {
        "keys": AdminKey,
        "projects": Project,
        "api_keys": ApiKey,
        "users": User,
        "usage": OpenAIUsage,
        "bills": OpenAIBill,
    },
    AnthropicAccount: {
        "keys": AdminKey,
        "workspaces": Workspace,
        "api_keys": ApiKey,
        "users": User,
        "usage": AnthropicUsage,
        "bills": AnthropicBill,
    },
}
_SETTINGS: dict[type, type] = {OpenAIAccount: OpenAISettings, AnthropicAccount: AnthropicSettings}


def plain(record: Any) -> dict[str, Any]:
    """A flat record as a dict without its defaults."""
    return {
        column.name: getattr(record, column.name)
        for column in fields(record)
        if column.default is MISSING or getattr(record, column.name) != column.default
    }


def record(kind: type, values: dict[str, Any]) -> Any:
    """The opposite of plain: lists become tuples, as frozen records want them."""
    return kind(**{name: _frozen(value) for name, value in values.items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _account_to_plain(account: OpenAIAccount | AnthropicAccount) -> dict[str, Any]:
    kept: dict[str, Any] = {"id": account.id, "name": account.name, "settings": plain(account.settings)}
    for name in _MEMBERS[type(account)]:
        kept[name] = [plain(item) for item in getattr(account, name)]
    return kept


def _account_from_plain(kind: type, values: dict[str, Any]) -> Any:
    members = {name: [record(item, entry) for entry in values.get(name, [])] for name, item in _MEMBERS[kind].items()}
    settings = record(_SETTINGS[kind], values.get("settings", {}))
    return kind(id=values["id"], name=values["name"], settings=settings, **members)


def world_to_plain(world: World) -> dict[str, Any]:
    return {
        "now": world.now,
        "openai": [_account_to_plain(account) for account in world.openai_accounts],
        "anthropic": [_account_to_plain(account) for account in world.anthropic_accounts],
    }


def world_from_plain(values: dict[str, Any]) -> World:
    return World(
        openai_accounts=[_account_from_plain(OpenAIAccount, item) for item in values.get("openai", [])],
        anthropic_accounts=[_account_from_plain(AnthropicAccount, item) for item in values.get("anthropic", [])],
        now=values.get("now"),
    )


def save(world: World, path: Path | str) -> None:
    Path(path).write_text(json.dumps(world_to_plain(world), separators=(",", ":")), encoding="utf-8")


def load(path: Path | str) -> World:
    return world_from_plain(json.loads(Path(path).read_text(encoding="utf-8")))


def fact_kinds(account: OpenAIAccount | AnthropicAccount) -> dict[str, type]:
    """Which record each list of this account holds."""
    return _MEMBERS[type(account)]
