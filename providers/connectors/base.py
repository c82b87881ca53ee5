"""What a provider's connector is: one class, one form, and words for what can go wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from django import forms

from tokentra.lib.http import Client
from tokentra.lib.masking import mask
from tokentra.lib.secret import Secret
from usage.rows import Ledger, UsageRow

Credentials = Mapping[str, Secret]


class Outcome(StrEnum):
    """How one call to a provider ended."""

    OK = "ok"
    INVALID_CREDENTIALS = "invalid_credentials"
    WRONG_KEY_KIND = "wrong_key_kind"
    MISSING_SCOPE = "missing_scope"
    NOT_AVAILABLE = "not_available"
    RATE_LIMITED = "rate_limited"
    PROVIDER_DOWN = "provider_down"
    BAD_REQUEST = "bad_request"
    UNEXPECTED = "unexpected"


PASSING = frozenset({Outcome.RATE_LIMITED, Outcome.PROVIDER_DOWN, Outcome.UNEXPECTED})


class ConnectorError(Exception):
    """A call that gave nothing to store. `message` is ours and may be shown; `detail` is theirs, masked."""

    def __init__(
        self,
        outcome: Outcome,
        message: str,
        *,
        detail: str = "",
        retry_after: timedelta | None = None,
        earliest: date | None = None,
        puzzling: bool = False,
    ) -> None:
        super().__init__(message)
        self.outcome, self.message, self.detail = outcome, message, mask(detail)[:500]
        self.retry_after, self.earliest = retry_after, earliest
        self.is_puzzling = puzzling or outcome is Outcome.UNEXPECTED  # something came that nobody understood

    @property
    def permanent(self) -> bool:
        """Asking the same again with the same key cannot help."""
        return self.outcome not in PASSING


@dataclass(frozen=True, slots=True)
class Check:
    """What the live probe of one endpoint found."""

    endpoint: str
    label: str
    ok: bool
    message: str
    outcome: Outcome = Outcome.OK
    required: bool = True


@dataclass(frozen=True, slots=True)
class Account:
    """Who a key belongs to. `id` is "" while the provider has not said; then a shared project is proof.

    `projects` is the provider's list of them, `seen` what figures name; no project of another account is in either.
    """

    id: str
    name: str
    projects: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()
    projects_found: int | None = None
    key_kind: str = ""
    checks: tuple[Check, ...] = ()
    capabilities: frozenset[str] = frozenset()  # what endpoints_for needs to know about this key


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing to read, in which windows and how often (days and times from provider-apis §1.5).

    `via` names the provider's interface behind it where it has more than one. Rows carry `name` alone, so
    that a window read again by another interface replaces what the first one gave.
    """

    name: str
    label: str
    ledger: Ledger
    window_days: int
    hot_days: int
    hot_every: timedelta
    deep_days: int
    deep_every: timedelta
    history_days: int = 90
    essential: bool = True
    via: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """All of a window. `problems` lists what could not be read and makes it incomplete; the rows are good."""

    rows: tuple[UsageRow, ...]
    problems: tuple[str, ...] = ()
    raw_pages: int = 0
    account_id: str = ""  # who answered, when the answer says so
    fresh_until: datetime | None = None
    left_out: int = 0  # rows and buckets that came and are not in it
    odd: Any = field(default=None, repr=False)  # the first of them, as it came


@dataclass(frozen=True, slots=True)
class WrongKind:
    """A key that can never work, known by its shape alone."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Card:
    """What a provider really offers, in words for its card and its connect page."""

    models: str
    gives: str
    freshness: str
    who: str
    steps: tuple[str, ...]
    key_page: str
    calls: tuple[str, ...]
    note: str = ""


class Connector(Protocol):
    """Reads one provider. Stateless: everything that it needs is handed in."""

    key: str
    label: str
    form: type[forms.Form]
    card: Card
    host: str

    def endpoints_for(self, capabilities: frozenset[str]) -> tuple[Endpoint, ...]:
        """What to read with a key of these capabilities; with none given, what is wanted at best."""

    def recognise(self, credentials: Credentials) -> WrongKind | None:
        """A kind of key that can never work, by shape; every doubt is left to the live probe."""

    def identify(self, http: Client, credentials: Credentials, *, now: datetime) -> Account:
        """Ask whose key it is and probe each endpoint. Raises ConnectorError when nothing can be read."""

    def read(
        self,
        http: Client,
        credentials: Credentials,
        endpoint: Endpoint,
        start: datetime,
        end: datetime,
        *,
        now: datetime,
    ) -> Page:
        """Every page of a window. Raises ConnectorError when the window cannot be read whole."""

    def names(self, http: Client, credentials: Credentials) -> Mapping[str, Mapping[str, tuple[str, str]]]:
        """Names for ids: dimension, then id, then name and detail. Whatever may not be read is left out."""
