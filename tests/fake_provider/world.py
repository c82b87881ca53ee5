"""What the fake providers know: accounts, who is in them, what was used and what was billed.

Facts are frozen, and lists of facts may be changed at any time, also while the server runs. Times are
unix seconds in UTC, amounts are the decimal text that goes on the wire (OpenAI dollars, Anthropic cents).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from .truth import AnthropicTruth, OpenAITruth

HOUR = 3_600
DAY = 86_400

Fact = TypeVar("Fact", bound="OpenAIUsage | OpenAIBill | AnthropicUsage | AnthropicBill")


def moment(day: date | str, hour: int = 0) -> int:
    """The unix second at which this hour of this UTC day begins."""
    year, month, number = (int(part) for part in str(day)[:10].split("-"))
    return int(datetime(year, month, number, tzinfo=UTC).timestamp()) + hour * HOUR


def day_of(at: int) -> date:
    return datetime.fromtimestamp(at, UTC).date()


@dataclass(frozen=True, slots=True)
class AdminKey:
    """A secret that a customer may paste; `kind` says what it really is.

    OpenAI: admin, project, service_account, user. Anthropic: admin, enterprise (scopes), workspace,
    unbound (an api03 key of no workspace), oauth (scopes).
    """

    value: str
    kind: str = "admin"
    scopes: tuple[str, ...] = ("api.usage.read", "api.management.read")
    deleted: bool = False
    id: str = "key_admin"
    name: str | None = "Cost reader"
    created_at: int = 1_767_225_600


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    email: str
    role: str = "user"
    added_at: int = 1_767_225_600


@dataclass(frozen=True, slots=True)
class Project:
    id: str
    name: str | None
    created_at: int = 1_767_225_600
    archived_at: int | None = None


@dataclass(frozen=True, slots=True)
class Workspace:
    id: str
    name: str
    created_at: int = 1_767_225_600
    archived_at: int | None = None
    is_default: bool = False
    display_color: str = "#6C5BB9"
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that spends; `home` is its project or its workspace, None for a key of the organization."""

    id: str
    name: str
    home: str | None
    owner: str | None = None
    created_at: int = 1_767_225_600
    last_used_at: int | None = None
    status: str = "active"


@dataclass(frozen=True, slots=True)
class OpenAIUsage:
    """What one key did in one hour; token classes are disjoint, `units` counts what the endpoint counts."""

    at: int
    endpoint: str = "completions"
    model: str | None = None
    project_id: str | None = None
    api_key_id: str | None = None
    user_id: str | None = None
    service_tier: str | None = "default"
    batch: bool = False
    api_source: str = "unlabeled"
    size: str | None = None
    source: str | None = None
    vector_store_id: str | None = None
    context_level: str | None = None
    requests: int = 0
    text_in: int = 0
    audio_in: int = 0
    image_in: int = 0
    cached_text: int = 0
    cached_audio: int = 0
    cached_image: int = 0
    cache_write_30m: int = 0
    cache_write_12h: int = 0
    cache_write_unsplit: int = 0
    text_out: int = 0
    audio_out: int = 0
    image_out: int = 0
    units: int = 0


@dataclass(frozen=True, slots=True)
class OpenAIBill:
    """One line of one UTC day; `amount` is the exact text in dollars, in quotes when `quoted`."""

    at: int
    amount: str | None
    line_item: str | None
    project_id: str | None = None
    api_key_id: str | None = None
    user_id: str | None = None
    quantity: str | None = None
    quantity_unit: str | None = None
    currency: str = "usd"
    quoted: bool = True
    api_source: str = "unlabeled"


@dataclass(frozen=True, slots=True)
class AnthropicUsage:
    """What one key did in one hour; `workspace_id` is the real id, also of the default workspace."""

    at: int
    model: str | None = None
    workspace_id: str | None = None
    api_key_id: str | None = None
    service_tier: str | None = "standard"
    context_window: str | None = "0-200k"
    inference_geo: str | None = "global"
    speed: str | None = "standard"
    product: str | None = "messages_api"
    user_id: str | None = None
    service_account_id: str | None = None
    requests: int = 0
    uncached_input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    web_searches: int = 0


@dataclass(frozen=True, slots=True)
class AnthropicBill:
    """One cost component of one hour, in cents; `spans` counts executions that have no usage beside them."""

    at: int
    amount: str
    cost_type: str = "tokens"
    token_type: str | None = None
    list_amount: str | None = None
    description: str | None = None
    model: str | None = None
    workspace_id: str | None = None
    api_key_id: str | None = None
    service_tier: str | None = "standard"
    context_window: str | None = "0-200k"
    inference_geo: str | None = "global"
    speed: str | None = "standard"
    product: str | None = "messages_api"
    user_id: str | None = None
    service_account_id: str | None = None
    currency: str = "USD"
    spans: int = 0


@dataclass
class Settings:
    """How the provider behaves towards this account beyond its data."""

    latency: float = 0.0
    latency_per_day: float = 0.0  # of the days that are asked for at once
    requests_per_minute: int | None = None
    strict_parameters: bool = True


@dataclass
class OpenAISettings(Settings):
    scope_status: int = 403
    live_names: bool = True
    cost_page_cap: int = 31
    terse_before: str | None = None
    user_with_project_refused: bool = False


@dataclass
class AnthropicSettings(Settings):
    analytics_refused_with: int | None = None
    wrong_key_status: int = 401
    one_at_a_time: bool = False
    refreshed_seconds_ago: int = 300
    sparse_groups: bool = False


def revise(facts: list[Fact], match: dict[str, Any], **changes: Any) -> int:
    """Replace every matching fact by a changed one; returns how many."""
    touched = 0
    for number, fact in enumerate(facts):
        if all(getattr(fact, name) == value for name, value in match.items()):
            facts[number] = replace(fact, **changes)
            touched += 1
    return touched


def remove(facts: list[Fact], **match: Any) -> int:
    """Forget every matching fact; returns how many."""
    kept = [fact for fact in facts if any(getattr(fact, name) != value for name, value in match.items())]
    gone = len(facts) - len(kept)
    facts[:] = kept
    return gone


@dataclass
class OpenAIAccount(OpenAITruth):
    id: str
    name: str
    keys: list[AdminKey] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)
    api_keys: list[ApiKey] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    usage: list[OpenAIUsage] = field(default_factory=list)
    bills: list[OpenAIBill] = field(default_factory=list)
    settings: OpenAISettings = field(default_factory=OpenAISettings)

    @property
    def key(self) -> str:
        """The first admin key, for the common case."""
        return self.keys[0].value


@dataclass
class AnthropicAccount(AnthropicTruth):
    id: str
    name: str
    keys: list[AdminKey] = field(default_factory=list)
    workspaces: list[Workspace] = field(default_factory=list)
    api_keys: list[ApiKey] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    usage: list[AnthropicUsage] = field(default_factory=list)
    bills: list[AnthropicBill] = field(default_factory=list)
    settings: AnthropicSettings = field(default_factory=AnthropicSettings)

    @property
    def key(self) -> str:
        """The first admin key, for the common case."""
        return self.keys[0].value

    @property
    def default_workspace(self) -> str | None:
        return next((space.id for space in self.workspaces if space.is_default), None)


Account = OpenAIAccount | AnthropicAccount


@dataclass
class World:
    """Everything that both providers answer from. `now` None follows the wall clock."""

    openai_accounts: list[OpenAIAccount] = field(default_factory=list)
    anthropic_accounts: list[AnthropicAccount] = field(default_factory=list)
    now: int | None = None

    @property
    def openai(self) -> OpenAIAccount:
        return self.openai_accounts[0]

    @property
    def anthropic(self) -> AnthropicAccount:
        return self.anthropic_accounts[0]

    def clock(self) -> int:
        return int(time.time()) if self.now is None else self.now

    def accounts(self, provider: str) -> list[OpenAIAccount] | list[AnthropicAccount]:
        return {"openai": self.openai_accounts, "anthropic": self.anthropic_accounts}[provider]  # type: ignore[return-value]

    def account(self, provider: str, wanted: str | None = None) -> Account:
        """The account with this id, or the provider's first one."""
        for account in self.accounts(provider):
            if wanted is None or account.id == wanted:
                return account
        raise LookupError(f"no {provider} account {wanted!r}")
