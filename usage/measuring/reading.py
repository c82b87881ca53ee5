"""Reads events one by one: what is wrong is said of each, content is dropped, what is unknown becomes a tag. Pure."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from hashlib import sha256
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from tokentra.lib.masking import MASK, marks_secret, mask, may_hold_secret
from usage.measuring.explaining import explained
from usage.measuring.providers import known_as
from usage.measuring.shape import (
    LARGEST_EVENT,
    LONGEST_ID,
    LONGEST_PROVIDER,
    LONGEST_TAG,
    LONGEST_TEXT,
    MOST_COST,
    MOST_COUNT,
    MOST_TAGS,
    NAMES,
    TEXTS,
    Plain,
    Sent,
    is_content,
)
from usage.measuring.texts import SEPARATOR, cut, printable, renamed, unseparated
from usage.pricing import rounded

EARLY, LATE = timedelta(days=30), timedelta(minutes=10)
LAST_INSTANT = 253_402_300_799_000  # milliseconds since 1970, at the end of the year 9999
VARIANT = {f"{digit:x}": "89ab"[digit % 4] for digit in range(16)}  # of a UUID, for what was in its place
PLAIN_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
encode = msgspec.json.Encoder(order="sorted", decimal_format="string").encode
texts_of = attrgetter(*TEXTS, "id")
UNFIT = (UnicodeError, OverflowError, RecursionError)


HALF = "A text holds half of a surrogate pair. Send whole characters."
TOO_LARGE = "Send at most 1 MiB in one event or span, and leave out the text of prompts and answers."


class Refused(Exception):
    """One event that cannot be kept: `code`, a sentence that says what to do, and the field if one is wrong.

    `said` is what was sent, where that may be told again.
    """

    def __init__(self, code: str, message: str, field: str = "", *, said: str = "") -> None:
        super().__init__(mask(printable(message)))
        self.code, self.field, self.said = code, mask(printable(field)), said


class Read(Struct):
    """An event with its identity."""

    sent: Sent
    id: str  # a UUID
    ref: str | None  # what the sender calls it, where that is no UUID
    day: date  # the UTC day of `at`
    at: datetime
    tags: dict[str, str]
    units: dict[str, Decimal]
    name: str  # the id as it is answered: as it was sent, or masked; empty where none was sent
    is_timed: bool  # whether the sender said when
    is_parent: bool = False  # it repeats what others tell
    above: str | None = None  # what it is a part of, where that may still come

    def says_the_same(self, other: "Read") -> bool:
        return (self.sent, self.tags) == (other.sent, other.tags)


@dataclass(slots=True)
class Reader:
    """Reads the events of one request; `discards` counts what was left out of those that are kept, by reason.

    `weighs`: one of them may be too large by itself. `is_clean`: no text in them has to be looked at.
    """

    organization_id: UUID
    key_id: UUID | None
    now: datetime
    earliest: timedelta = EARLY
    weighs: bool = False
    is_clean: bool = False
    discards: Counter[str] = field(default_factory=Counter)
    _left_out: Counter[str] = field(default_factory=Counter, init=False)  # of the event that is read
    _first: datetime = field(init=False)
    _last: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._first, self._last = self.now - self.earliest, self.now + LATE

    def read(self, raw: object) -> Read:
        """Raises Refused, also one that is handed over in place of an event."""
        if self._left_out:
            self._left_out.clear()
        read = self._read(raw)
        if self._left_out:
            self.discards.update(self._left_out)
        return read

    def _read(self, raw: object) -> Read:
        if isinstance(raw, Plain):
            return self._told(raw, self._tags(raw))
        if isinstance(raw, Refused):
            raise Refused(raw.code, str(raw), raw.field)  # raised itself, it would hold the request that holds it
        if not isinstance(raw, dict):
            raise Refused("invalid_event", "An event is a JSON object.")
        try:
            if self.weighs and len(encode(raw)) > LARGEST_EVENT:
                raise Refused("event_too_large", TOO_LARGE)
            plain = msgspec.convert(raw, Plain)
        except (msgspec.ValidationError, *UNFIT):
            return self._read_whatever(raw)
        return self._told(plain, self._tags(plain))

    def _read_whatever(self, raw: dict[Any, Any]) -> Read:
        """One that says more than its fields, or is wrong."""
        kept, tags = self._sorted_out(raw)
        try:
            sent = msgspec.convert(kept, Plain)
        except msgspec.ValidationError as wrong:
            raise refusal(str(wrong)) from None
        except UNFIT:
            raise Refused("invalid_text", "Leave out characters that are no text.") from None
        return self._told(sent, tags)

    def _tags(self, sent: Sent) -> dict[str, str]:
        """Those of an event that says nothing beside its fields; they are taken out of it."""
        tags: dict[str, str] = {}
        if sent.tags:
            for name, value in sent.tags.items():
                self._tag(tags, name, value)
        sent.tags = None
        return tags

    def _told(self, sent: Sent, tags: dict[str, str]) -> Read:
        canonical = None if sent.id else self._canonical(sent, tags)
        if not self.is_clean:
            self._check_texts(sent, tags)
        sent.provider, sent.model = known_as(sent.provider), sent.model.strip()
        if not sent.provider or not sent.model:
            raise Refused("missing_field", "Send provider and model.", "model" if sent.provider else "provider")
        if len(sent.provider.encode()) > LONGEST_PROVIDER:
            raise Refused("invalid_field", f"A provider's name has up to {LONGEST_PROVIDER} bytes.", "provider")
        units = counted(sent) if sent.units else {}
        check_usage(sent)
        at, id, ref = self._identity(sent, canonical)
        if not self._first <= at <= self._last:
            raise Refused(
                "timestamp_out_of_range",
                f"occurredAt lies from {self.earliest.days} days back to 10 minutes ahead; this is {at.isoformat()}.",
                "occurredAt",
                said=at.isoformat(timespec="seconds"),
            )
        name, sent.id = ref or sent.id or "", None  # from here on it is known by its identity
        return Read(sent, id, ref, at.date(), at, tags, units, name, is_timed=sent.occurred_at is not None)

    def _sorted_out(self, raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """What is a field, and what is a tag: those under "tags", and whatever is not known beside it."""
        kept = dict(raw)
        tags: dict[str, str] = {}
        given = kept.pop("tags", None)
        if given is not None and not isinstance(given, dict):
            raise Refused("invalid_field", "tags is an object of texts.", "tags")
        prompt = kept.get("prompt")
        if isinstance(prompt, dict | list) or (isinstance(prompt, str) and len(prompt) > LONGEST_TEXT):
            del kept["prompt"]  # the text of one, not the name of one
            self._left_out["content"] += 1
        for name in [name for name in kept if name not in NAMES]:
            self._tag(tags, name, kept.pop(name))
        for name, value in (given or {}).items():
            self._tag(tags, name, value)
        return kept, tags

    def _tag(self, tags: dict[str, str], name: str, value: Any) -> None:
        if is_content(name[:LONGEST_TAG]):
            self._left_out["content"] += 1
        elif value is None or (isinstance(value, str) and not value.strip()):
            return
        elif isinstance(value, dict | list):
            self._left_out["tag_not_text"] += 1
        elif len(tags) >= MOST_TAGS:
            self._left_out["too_many_tags"] += 1
        else:
            text = (
                value
                if isinstance(value, str)
                else ("true" if value else "false")
                if isinstance(value, bool)
                else str(value)
            )
            if len(name) > LONGEST_TAG or len(text) > LONGEST_TEXT:
                self._left_out["tag_cut"] += 1
                name, text = cut(name, LONGEST_TAG), cut(text, LONGEST_TEXT)
            tags[name] = text

    def _check_texts(self, sent: Sent, tags: dict[str, str]) -> None:
        texts = [text for text in texts_of(sent) if text]
        if any(map(str.isspace, texts)):
            self._leave_blanks_out(sent)
        whole = "\n".join([*texts, *(sent.units or ()), *tags, *tags.values()])
        if not whole.isascii():
            try:
                whole.encode()
            except UnicodeEncodeError:
                raise Refused("invalid_text", HALF) from None
        if "\0" in whole:
            raise Refused("invalid_text", "Leave out the NUL character.")
        if SEPARATOR in whole:
            self._unseparate(sent, tags)
        if may_hold_secret(whole) and (any(map(marks_secret, tags)) or mask(whole) != whole):
            self._mask(sent, tags)

    def _leave_blanks_out(self, sent: Sent) -> None:
        """A name of spaces alone is none: nobody could see it or choose it on a page."""
        for name in TEXTS:
            if (getattr(sent, name) or "").isspace():
                setattr(sent, name, "")

    def _unseparate(self, sent: Sent, tags: dict[str, str]) -> None:
        """Names are hashed with it between them: two that hold one could be taken for two others."""
        for name in TEXTS:
            if text := getattr(sent, name):
                setattr(sent, name, unseparated(text))
        sent.units = renamed(sent.units, unseparated)
        told = {unseparated(name): unseparated(text) for name, text in tags.items()}
        tags.clear()
        tags |= told

    def _mask(self, sent: Sent, tags: dict[str, str]) -> None:
        for name in TEXTS:
            if text := getattr(sent, name):
                setattr(sent, name, self._masked(text, LONGEST_TEXT))
        sent.units = renamed(sent.units, partial(self._masked, longest=LONGEST_TAG))
        told = {self._masked(name, LONGEST_TAG): self._told_under(name, text) for name, text in tags.items()}
        tags.clear()
        tags |= told

    def _told_under(self, name: str, text: str) -> str:
        if not marks_secret(name) or text == MASK:
            return self._masked(text, LONGEST_TEXT)
        self._left_out["secret_masked"] += 1
        return MASK

    def _masked(self, text: str, longest: int) -> str:
        if (masked := mask(text)) == text:
            return text
        self._left_out["secret_masked"] += 1
        return masked[:longest]

    def _canonical(self, sent: Sent, tags: Mapping[str, str]) -> bytes:
        """What an event without an id says, the same for the same in any order."""
        try:
            return encode([str(self.organization_id), str(self.key_id), sent, tags])
        except UnicodeEncodeError:
            raise Refused("invalid_text", HALF) from None

    def _identity(self, sent: Sent, canonical: bytes | None) -> tuple[datetime, str, str | None]:
        at = sent.occurred_at
        if canonical is not None or sent.id is None:
            return at_utc(at or self.now), hashed(canonical or b""), None
        id, is_plain = named(sent.id)
        if is_plain:
            return at_utc(at or minted(UUID(id)) or self.now), id, None
        ref = sent.id if self.is_clean else self._masked(sent.id, LONGEST_ID)
        return at_utc(at or self.now), id, ref


def at_utc(at: datetime) -> datetime:
    if at.tzinfo is UTC:  # as most are
        return at
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise Refused("timestamp_out_of_range", "occurredAt is outside of the calendar.", "occurredAt") from None


def named(told: str) -> tuple[str, bool]:
    """The UUID of what a sender calls so, and whether that is one by itself, in letters of either case."""
    plain = told.lower()
    return (plain, True) if PLAIN_UUID.fullmatch(plain) else (hashed(told.encode()), False)


def hashed(content: bytes) -> str:
    """A UUID of version 8 made of the content, as UUID writes it."""
    text = sha256(content).hexdigest()  # with UUID, or numbers, it takes half as long again
    return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-{VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def minted(id: UUID) -> datetime | None:
    """The time inside a UUID of version 7, which reaches past the calendar."""
    return datetime.fromtimestamp(min(id.int >> 80, LAST_INSTANT) / 1000, UTC) if id.version == 7 else None


def counted(sent: Sent) -> dict[str, Decimal]:
    """Units that are not zero, in as many places as amounts are kept in."""
    units = {}
    for name, count in (sent.units or {}).items():
        if not count.is_finite() or not 0 <= count <= MOST_COUNT:
            raise Refused("invalid_field", f"A unit is counted from 0 to {MOST_COUNT}.", f"units.{name[:LONGEST_TAG]}")
        if kept := rounded(count):
            units[name] = kept
    if len(units) > MOST_TAGS:
        raise Refused("invalid_field", f"Send at most {MOST_TAGS} kinds of units.", "units")
    return units


def check_usage(sent: Sent) -> None:
    if sent.tokens is not None and sent.tokens.reasoning > sent.tokens.output:
        raise Refused("invalid_field", "reasoning is a part of output and cannot exceed it.", "tokens.reasoning")
    if sent.cost is not None:
        amount = sent.cost.amount
        if not (amount.is_finite() and 0 <= amount <= MOST_COST):
            raise Refused("invalid_field", f"A cost lies between 0 and {MOST_COST}.", "cost.amount")
    if sent.tokens is None and sent.units is None and sent.cost is None and sent.status in ("ok", None):
        raise Refused("nothing_used", "Send tokens, units or cost, or a status other than ok.", "tokens")


def refusal(said: str) -> Refused:
    """By msgspec's sentence."""
    return Refused(*explained(said))
