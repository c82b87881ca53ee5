"""What became of the requests that a key sent: the latest of each outcome, noted beside what was asked for."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import Error
from django.http import HttpRequest

from accounts import journal
from accounts.http import Credential
from accounts.journal import Event
from accounts.models import Organization
from sdk_keys.models import ApiKey, Attempt
from tokentra.lib.cache import in_process
from tokentra.lib.tenancy import kept_within, organization_scope
from usage.measuring.discards import known_field
from usage.measuring.tracking import Answer

log = logging.getLogger(__name__)

RULES = "rules_read"
WAYS = {"/api/usage/track": "events", "/v1/traces": "spans", "/api/routing": "rules"}
MOST_OFTEN = 1  # seconds between two notes of one outcome of a key, in each process
RULES_MOST_OFTEN = 30  # programs ask for them about each minute
KNOWN_FOR = 3600  # seconds for which a process need not ask again whether the first event is in the journal
REAL = {"accepted", "unpriced"}


@dataclass(frozen=True, slots=True)
class Came:
    """One thing that became of a request."""

    outcome: str
    field: str = ""
    said: str = ""
    event: tuple[date, UUID] | None = None


def note(request: HttpRequest, credential: Credential, refused: str, *, now: datetime) -> None:
    """After a request with a key was answered, or refused with a code. Never raises for a database without room."""
    if request.path not in WAYS:
        return
    way = WAYS[request.path]
    write(credential, list(came_of(getattr(request, "tracked", None), refused, way)), way=way, now=now)


def came_of(answer: Answer | None, refused: str, way: str) -> Iterator[Came]:
    if refused:
        yield Came(refused)
    elif way == "rules":
        yield Came(RULES)
    if answer is None:
        return
    for kind, event in answer.newest.items():
        yield Came(kind, event=event)
    seen: dict[str, Came] = {}
    for result in answer.results:
        if result.status != "accepted":
            code = result.code or result.status
            seen[code] = Came(code, known_field(result.field), result.said)
    yield from seen.values()


def write(credential: Credential, came: list[Came], *, way: str, now: datetime) -> None:
    due = [each for each in came if is_due(credential, each.outcome)]
    if not due:
        return
    rows = [
        Attempt(
            organization_id=credential.organization_id,
            key_id=credential.key_id,
            outcome=each.outcome[:60],
            way=way,
            at=now,
            field=each.field,
            said=each.said[:60],
            event_day=each.event and each.event[0],
            event_id=each.event and each.event[1],
        )
        for each in due
    ]
    try:
        with organization_scope(credential.organization_id, up_to_date=False):
            mine = ApiKey.objects.filter(organization_id=credential.organization_id, pk=credential.key_id)
            if not mine.exists():  # remembered for some seconds after its organization was deleted
                return
            Attempt.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["organization", "key", "outcome"],
                update_fields=["way", "at", "field", "said", "event_day", "event_id"],
            )
            if any(each.outcome in REAL for each in due):
                note_first(credential.organization_id)
    except Error:
        log.warning("what came of a request of key %s could not be noted", credential.key_id)


def is_due(credential: Credential, outcome: str) -> bool:
    name = kept_within(credential.organization_id, "attempt", credential.key_id, outcome)
    return in_process("process").add(name, True, RULES_MOST_OFTEN if outcome == RULES else MOST_OFTEN)


def note_first(organization_id: UUID) -> None:
    """The first call of an organization's own code is in the journal once; test events are none."""
    name, noted = kept_within(organization_id, "first-event"), in_process("process")
    if noted.get(name):
        return
    if organization := Organization.objects.filter(pk=organization_id).first():
        journal.record_once(Event.SDK_FIRST_REQUEST, None, organization)
        noted.set(name, True, KNOWN_FOR)
