"""The waist of the product: every source of usage hands over `UsageRow`s, all else reads only these."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

# The bits that mark a UUID as of version 8: made by its application, here from a hash.
VERSION_8 = (8 << 76) | (0b10 << 62)
VERSION_8_MASK = ~((0b1111 << 76) | (0b11 << 62))

Number = TypeVar("Number", int, Decimal)


class Ledger(StrEnum):
    BILLED = "billed"
    USAGE = "usage"  # the provider's usage priced by the book; the API calls it "computed"
    MEASURED = "measured"


class Basis(StrEnum):
    """Where a row's amount comes from."""

    BILLED = "billed"
    COMPUTED = "computed"
    REPORTED = "reported"
    ESTIMATED = "estimated"
    UNPRICED = "unpriced"


TOKEN_CLASSES = (
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_30m",
    "cache_write_1h",
    "cache_write_12h",
    "output",
    "audio_in",
    "audio_out",
    "image_in",
    "image_out",
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Counts of disjoint classes; `reasoning` is the labelled part of `output`, not a class of its own."""

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_30m: int = 0
    cache_write_1h: int = 0
    cache_write_12h: int = 0
    output: int = 0
    audio_in: int = 0
    audio_out: int = 0
    image_in: int = 0
    image_out: int = 0
    reasoning: int = 0

    @property
    def classes(self) -> tuple[int, ...]:
        """The eleven counts in the order of TOKEN_CLASSES."""
        return (
            self.input,
            self.cache_read,
            self.cache_write_5m,
            self.cache_write_30m,
            self.cache_write_1h,
            self.cache_write_12h,
            self.output,
            self.audio_in,
            self.audio_out,
            self.image_in,
            self.image_out,
        )

    @property
    def total(self) -> int:
        return sum(self.classes)

    @property
    def incoming(self) -> int:
        """All that went in, cached or not."""
        return self.total - self.output - self.audio_out - self.image_out

    def get(self, name: str) -> int:
        """One count by its name in TOKEN_CLASSES, or "reasoning"; AttributeError for anything else."""
        return int(getattr(self, name))

    def __add__(self, other: "Tokens") -> "Tokens":
        pairs = zip((*self.classes, self.reasoning), (*other.classes, other.reasoning), strict=True)
        return Tokens(*(mine + theirs for mine, theirs in pairs))


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One bucket of one provider's usage, or one line of its bill; "" is a dimension that is not given."""

    ledger: Ledger
    endpoint: str  # which of the provider's endpoints said so: "usage.completions", "costs"
    start: datetime  # UTC
    seconds: int  # length of the bucket: 3600 or 86400
    provider: str
    model: str = ""  # as the provider names it
    project: str = ""
    api_key: str = ""
    user: str = ""
    service_tier: str = ""
    batch: bool = False
    context_window: str = ""
    line_item: str = ""  # text of the bill as sent; "" for usage
    kind: str = "tokens"  # or "unit"; a bill line of kind "tokens" has a counterpart in the usage
    tokens: Tokens = Tokens()
    units: tuple[tuple[str, Decimal], ...] = ()  # ("web_search", Decimal(3)), …
    requests: int | None = None  # None: the provider does not say
    amount: Decimal | None = None  # bill: exactly as sent, in currency units; usage: None
    currency: str = "USD"
    extra: tuple[tuple[str, str], ...] = ()  # what else the provider splits by; part of the identity

    def __post_init__(self) -> None:
        if self.start.utcoffset() != timedelta(0):
            raise ValueError("UsageRow.start must be in UTC")
        if self.seconds <= 0:
            raise ValueError("UsageRow.seconds must be positive")
        if self.amount is not None and not self.amount.is_finite():
            raise ValueError("UsageRow.amount must be finite")
        if self.kind not in ("tokens", "unit"):
            raise ValueError('UsageRow.kind must be "tokens" or "unit"')

    @property
    def day(self) -> date:
        """The UTC day that the bucket starts on."""
        return self.start.astimezone(UTC).date()

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    def identity(self) -> bytes:
        """Everything that tells this row from another of the same connection: all dimensions, no amounts."""
        return json.dumps(
            [
                self.ledger,
                self.endpoint,
                int(self.start.timestamp()),
                self.seconds,
                self.provider,
                self.model,
                self.project,
                self.api_key,
                self.user,
                self.service_tier,
                self.batch,
                self.context_window,
                self.line_item,
                self.kind,
                self.currency,
                sorted(self.extra),
            ],
            separators=(",", ":"),
        ).encode()

    def key(self, connection_id: UUID | None = None) -> UUID:
        """A stable id of the identity; with a connection, one that no other connection's row can have."""
        prefix = connection_id.bytes if connection_id else b""
        digest = int.from_bytes(hashlib.sha256(prefix + self.identity()).digest()[:16])
        return UUID(int=digest & VERSION_8_MASK | VERSION_8)

    def plus(self, other: "UsageRow") -> "UsageRow":
        """The sum of two rows of one identity. An unknown amount or request count adds nothing."""
        units = dict(self.units)
        for name, count in other.units:
            units[name] = units.get(name, Decimal(0)) + count
        return replace(
            self,
            tokens=self.tokens + other.tokens,
            units=tuple(sorted(units.items())),
            requests=_known_sum(self.requests, other.requests),
            amount=_known_sum(self.amount, other.amount),
        )


def _known_sum(one: Number | None, other: Number | None) -> Number | None:
    if one is None:
        return other
    return one if other is None else one + other
