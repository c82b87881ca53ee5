"""One request of events: each is read and priced, what is new is stored, and every item has its result."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import re2
from django.conf import settings
from django.db import transaction

from accounts.models import Organization
from tokentra.lib import chaos, pages_first
from tokentra.lib.masking import SIGNS, SIGNS_IN_ANY_CASE, mask
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope
from usage.ingest import overrides_of
from usage.measured import SummedTag
from usage.measuring import catching_up, discards, lenient, naming_units, storing
from usage.measuring.around import Around
from usage.measuring.prices import PriceTable
from usage.measuring.reading import TOO_LARGE, UNFIT, Read, Reader, Refused, texts_of
from usage.measuring.shape import LARGEST_EVENT, LONGEST_ID, LONGEST_TEXT, MOST_EVENTS, Batch, Plain
from usage.measuring.storing_new import store_new
from usage.measuring.texts import cut, printable
from usage.pricing import Price
from usage.rows import Basis

TESTER = "tokentra"
KNOWN_FOR = 3.0  # seconds for which a process believes an organization's zone and prices
MOST_KNOWN = 2_000
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
SPACES = "".join(filter(str.isspace, map(chr, range(ord(" "), 0x3001))))
# Without one of these in a body, no text in it has to be looked at. A blank one begins with a space, plain or escaped.
LOOKED_FOR = re2.compile(
    "|".join(
        [
            *(r"\\u", f'"[{SPACES}\\\\]'),
            *map(re2.escape, SIGNS),
            *(f"(?i:{re2.escape(sign)})" for sign in SIGNS_IN_ANY_CASE),
        ]
    ).encode()
)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item that was not plainly accepted; `status` is accepted, duplicate, conflict or rejected."""

    index: int
    id: str
    status: str
    code: str = ""
    message: str = ""
    field: str = ""
    said: str = ""  # what was sent, where that may be told again


@dataclass
class Answer:
    """How many items came to what; results tell of those that were not plainly accepted.

    `newest` is the last stored event of each kind, by day and id: accepted, unpriced, test.
    """

    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    results: list[Result] = field(default_factory=list)
    newest: dict[str, tuple[date, UUID]] = field(default_factory=dict)

    @property
    def status(self) -> int:
        is_all_rejected = self.rejected and not (self.accepted or self.duplicates or self.conflicts)
        return 422 if is_all_rejected else 202


@dataclass(frozen=True, slots=True)
class Opened:
    """The events of a body; of `are_clean` ones no text has to be looked at."""

    events: Sequence[Any]
    are_clean: bool


def opened(body: bytes) -> Opened:
    """The events of a body: one, or a list under "events". Raises a Problem for what cannot be read at all."""
    events = plain(body) if len(body) <= LARGEST_EVENT else None
    if events is None:
        return Opened(events_of(body), are_clean=False)
    if len(events) > MOST_EVENTS:
        raise TooMany(len(events))
    return Opened(events, are_clean=LOOKED_FOR.search(body) is None)


def made(events: Sequence[dict[str, Any] | Refused], mended: Callable[[dict[str, Any]], dict[str, Any]]) -> Opened:
    """The same of events that were made of something else, and of what is refused in their place; `mended` is what
    each becomes where not all of them are good by their shape."""
    try:
        found = msgspec.convert(events, list[Plain])
        texts = as_json([(texts_of(event), event.tags, event.units) for event in found])
    except (msgspec.ValidationError, *UNFIT):
        return Opened([mended(each) if isinstance(each, dict) else each for each in events], are_clean=False)
    return Opened(found, are_clean=LOOKED_FOR.search(texts) is None)


def plain(body: bytes) -> Sequence[Plain] | None:
    """All events at once, where each of them is good by its shape and says nothing beside its fields."""
    try:
        return batch.decode(body).events
    except UNREADABLE:  # that of one event fails at its first field
        pass
    try:
        return [single.decode(body)]
    except UNREADABLE:
        return None


def events_of(body: bytes) -> list[Any]:
    """Whatever they are."""
    try:
        content = msgspec.json.decode(body)
    except UNREADABLE:
        content = read_slowly(body)
    if not isinstance(content, dict):
        raise Problem(400, "unreadable_json", 'Send one event, or {"events": [...]}, as a JSON object.')
    if "events" not in content:
        if len(body) > LARGEST_EVENT:
            raise Problem(413, "event_too_large", TOO_LARGE)
        return [content]
    events = content["events"]
    if not isinstance(events, list) or len(content) > 1:
        raise Problem(400, "unreadable_json", 'Send {"events": [...]} with nothing beside it.')
    if len(events) > MOST_EVENTS:
        raise TooMany(len(events))
    return events


class TooMany(Problem):
    """`count` events in one request."""

    def __init__(self, count: int) -> None:
        super().__init__(413, "too_many_events", f"Send at most {MOST_EVENTS} events in one request.")
        self.count = count


def read_slowly(body: bytes) -> Any:
    """What strict JSON is not, such as NaN, or is too deep or long in one event must not cost the events beside it."""
    try:
        return lenient.read(body)
    except ValueError:
        raise Problem(400, "unreadable_json", "The body is no JSON. Nothing was stored.") from None


First = dict[storing.Key, tuple[int, Read, Price]]  # of each id and day: its place in the request, and its price


class Families(Protocol):
    """Knows which events repeat what others tell."""

    def around(self, reads: Sequence[Read], *, now: datetime) -> Around | None: ...

    def settle(self, reads: Sequence[Read], *, now: datetime) -> None: ...


@pages_first.giving_way()
def track(
    organization_id: UUID,
    raws: Sequence[Any],
    *,
    key_id: UUID | None,
    now: datetime,
    weighs: bool = False,
    are_clean: bool = False,
    families: Families | None = None,
    left_out: Mapping[str, int] | None = None,
) -> Answer:
    """Store what is good of these events, in turns while a page is made. It is durable when this returns; sending
    them again changes nothing.

    `left_out` counts what was not made an event before, by reason. `weighs` looks at the size of each; `are_clean`
    as `opened` says.
    """
    known = known_of(organization_id)
    reader = Reader(organization_id, key_id, now, earliest=settings.OLDEST_EVENT, weighs=weighs, is_clean=are_clean)
    reader.discards.update(left_out or {})
    answer = Answer()
    first: First = {}
    for index, raw in enumerate(raws):
        try:
            read = reader.read(raw)
        except Refused as reason:
            answer.rejected += 1
            answer.results.append(
                Result(index, named(raw), "rejected", reason.code, str(reason), reason.field, reason.said)
            )
            continue
        key = read.day, read.id
        if key in first:
            repeated(answer, index, read, is_same=first[key][1].says_the_same(read))
        else:
            first[key] = index, read, known.prices.price(read.sent, read.at, read.units)
    reads = [read for _, read, _ in first.values()]
    naming_units.settle(organization_id, reads, reader.discards)
    around = families.around(reads, now=now) if families else None
    events = [(read, price) for _, read, price in first.values()]
    told = storing.Told(organization_id, events, key_id, now, known.zone, known.tags)
    if store_new(told, discarded(answer, reader.discards), around=around):
        say(answer, first, storing.NOTHING)
    else:
        with organization_scope(organization_id, up_to_date=False):
            if families:
                families.settle(reads, now=now)
            say(answer, first, storing.store(told))
            discards.count(organization_id, key_id, discarded(answer, reader.discards), now=now)
            chaos.point("track.before_commit")
    chaos.point("track.after_commit")
    answer.results.sort(key=lambda result: result.index)
    return answer


def say(answer: Answer, first: First, stored: storing.Stored) -> None:
    """What became of those that were good."""
    answer.accepted += len(first) - len(stored.held)
    newest: dict[str, storing.Key] = {}
    for key, (index, read, price) in first.items():
        if key in stored.held:
            repeated(answer, index, read, is_same=key not in stored.conflicts)
        else:
            newest[kind_of(read, price)] = key
            if not read.name:  # it cannot know its id otherwise
                answer.results.append(Result(index, read.id, "accepted"))
    answer.newest = {kind: (day, UUID(id)) for kind, (day, id) in newest.items()}


def add_up(organization_id: UUID, answer: Answer) -> None:
    """What was stored is added up soon: whoever comes when very much waits for it waits, too, and holds no events."""
    transaction.on_commit(partial(catching_up.came, organization_id, answer.accepted))  # nobody else sees it before


def kind_of(read: Read, price: Price) -> str:
    """Test events name us as their provider."""
    if read.sent.provider == TESTER:
        return "test"
    return "unpriced" if price.basis is Basis.UNPRICED else "accepted"


def discarded(answer: Answer, left_out: Mapping[str, int]) -> dict[str, discards.Discarded]:
    """What of a request was not kept, by reason, with the field of the last one."""
    found = {reason: discards.Discarded(count) for reason, count in left_out.items()}
    for result in answer.results:
        if result.code:
            before = found.get(result.code)
            found[result.code] = discards.Discarded((before.count if before else 0) + 1, result.field)
    return found


def repeated(answer: Answer, index: int, read: Read, *, is_same: bool) -> None:
    """An id that is held already: the first event of that id and UTC day stays, whatever this one says."""
    id = read.name or read.id
    if is_same:
        answer.duplicates += 1
        answer.results.append(Result(index, id, "duplicate"))
    else:
        answer.conflicts += 1
        sentence = "Another event of this id and day is held already, and stays. Give each event an id of its own."
        answer.results.append(Result(index, id, "conflict", "id_in_use", sentence, "id"))


def named(raw: object) -> str:
    """What the sender calls an item that was refused, as far as that can be said."""
    id = raw.get("id") if isinstance(raw, dict) else getattr(raw, "id", None)
    return printable(cut(mask(id[:LONGEST_TEXT]), LONGEST_ID)) if isinstance(id, str) else ""


@dataclass(frozen=True, slots=True)
class Known:
    """What a process keeps of an organization for some seconds."""

    until: float
    zone: ZoneInfo
    prices: PriceTable
    tags: frozenset[str]


as_json = msgspec.json.Encoder().encode
batch, single = msgspec.json.Decoder(Batch), msgspec.json.Decoder(Plain)
_known: dict[UUID, Known] = {}


def forget() -> None:
    """What a process has kept, so that what an organization has changed holds at once."""
    _known.clear()


def known_of(organization_id: UUID) -> Known:
    held = _known.get(organization_id)
    if held and held.until > time.monotonic():
        return held
    with organization_scope(organization_id, up_to_date=False):
        zone = Organization.objects.values_list("timezone", flat=True).get(pk=organization_id)
        overrides = overrides_of(organization_id)
        tags = frozenset(SummedTag.objects.filter(organization_id=organization_id).values_list("name", flat=True))
    prices = held.prices if held and held.prices.overrides == overrides else PriceTable(overrides)
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    _known[organization_id] = found = Known(time.monotonic() + KNOWN_FOR, ZoneInfo(zone), prices, tags)
    return found
