"""A sample workspace is written in short steps, the newest days first; what is left of it is a mark."""

import logging
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.db.models import F
from django.db.models.functions import Now

from accounts.models import Organization
from tokentra.lib import chaos
from tokentra.lib.doorbell import ring_on_commit
from tokentra.lib.tenancy import as_sweep, organization_scope
from usage import demo
from usage.counting import SETTLED_AFTER
from usage.models import SampleFill

log = logging.getLogger(__name__)

DAY = timedelta(days=1)
STEP = timedelta(days=10)
SECONDS = 10  # no step is begun later than this
RETRIES = [timedelta(seconds=seconds) for seconds in (15, 30, 60, 120)]  # then it is given up
SILENCE = timedelta(minutes=1)  # a step takes a second or two, and the scheduler rings every fifteen


class State(StrEnum):
    GOING_ON = "going on"
    SILENT = "silent"  # something is due, and nobody does it
    FAILING = "failing"  # tried again by itself
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sample workspace is that is not whole yet."""

    state: State
    days_written: int
    days_wanted: int
    since: datetime

    @property
    def words(self) -> str:
        return f"{self.days_written} of {self.days_wanted}"

    @property
    def polls(self) -> int:
        """Every how many seconds it is worth another look; 0 is never."""
        return {State.GOING_ON: 2, State.GIVEN_UP: 0}.get(self.state, 5)


def ask(organization: Organization, now: datetime, *, again: bool = False) -> None:
    """See that a sample workspace is written up to today, inside its scope; asking twice changes nothing.

    `again` also takes up what was given up.
    """
    today = now.astimezone(UTC).date()
    first_day = today - DAY * (demo.DAYS - 1)
    due: dict[str, Any] = {"due_at": Now(), "moved_at": Now(), "failures": 0}
    newest: dict[str, Any] = due | {"told_at": now, "next_end": today + DAY, "first_day": first_day}
    mine = SampleFill.objects.owned_by(organization)
    fill, is_new = mine.get_or_create(organization=organization, defaults=newest | {"last_day": today})
    as_it_was = mine.filter(told_at=fill.told_at, next_end=fill.next_end, due_at=fill.due_at)
    if is_new:
        nudge()
    elif fill.told_at.date() < today:
        # what was not over then, and bills that could still change, are written anew
        oldest = fill.told_at.date() - SETTLED_AFTER - DAY if fill.is_whole else fill.first_day
        as_it_was.update(**newest | {"first_day": max(oldest, first_day)})
        nudge()
    elif again and fill.due_at is None and not fill.is_whole:
        as_it_was.update(**due)
        nudge()


def nudge() -> None:
    from usage.tasks import fill_samples  # tasks import this module

    ring_on_commit(fill_samples)


def progress(organization: Organization) -> Progress | None:
    """None when all is written, or nothing was asked for."""
    fill = SampleFill.objects.owned_by(organization).with_silence(SILENCE).first()
    if fill is None or fill.is_whole:
        return None
    state = State.SILENT if fill.is_silent else State.GOING_ON
    if fill.failures:
        state = State.FAILING if fill.due_at else State.GIVEN_UP
    end = fill.told_at.date() + DAY
    return Progress(state, (end - fill.next_end).days, (end - fill.first_day).days, fill.moved_at)


def fill_due() -> bool:
    """Step after step for some seconds, every sample in turn; True when there is more to do."""
    until = monotonic() + SECONDS
    waiting = deque(due())
    while waiting and monotonic() < until:
        organization_id = waiting.popleft()
        if step(organization_id):
            waiting.append(organization_id)
    return bool(waiting)


def finish(organization_id: UUID) -> None:
    """Everything that is due of one sample, here and now, taking turns with a worker that is at it."""
    while step(organization_id, waits=True):
        continue


def due() -> list[UUID]:
    """The workspaces with something due, the longest due first."""
    with as_sweep():
        return list(SampleFill.objects.due().order_by("due_at").values_list("organization_id", flat=True))


def step(organization_id: UUID, *, waits: bool = False) -> bool:
    """Write the next days of one sample; False when nothing is due, or when another worker is at it."""
    try:
        with organization_scope(organization_id):
            done = _write_next(organization_id, waits=waits)
            chaos.point("sample.before_commit")
    except (OperationalError, InterfaceError):
        raise  # nothing can be written down
    except Exception as reason:  # whatever it is, it must not keep other samples from being written
        log.error("a sample could not be written: %s", type(reason).__name__, exc_info=reason)
        _failed(organization_id)
        return False
    chaos.point("sample.after_commit")
    return done


def _write_next(organization_id: UUID, *, waits: bool) -> bool:
    """Holds the organization's row meanwhile, so that one worker writes and a deletion waits."""
    here = Organization.objects.filter(pk=organization_id)
    if not here.select_for_update(no_key=True, skip_locked=not waits).values_list("pk"):
        return False
    mine = SampleFill.objects.filter(organization_id=organization_id)
    fill = mine.due().first()
    if fill is None:
        return False
    first = max(fill.next_end - STEP, fill.first_day)
    demo.write(organization_id, demo.Stretch(first, fill.next_end, fill.told_at, fill.last_day))
    # when more was asked for meanwhile, the mark stays and these days are written once more
    mine.filter(told_at=fill.told_at, next_end=fill.next_end).update(
        next_end=first, due_at=Now() if first > fill.first_day else None, moved_at=Now(), failures=0
    )
    return True


def _failed(organization_id: UUID) -> None:
    """Note it and when to try again; after some tries it waits for somebody to ask."""
    with organization_scope(organization_id):
        mine = SampleFill.objects.filter(organization_id=organization_id).due()
        if fill := mine.first():
            retry = RETRIES[fill.failures] if fill.failures < len(RETRIES) else None
            mine.update(due_at=Now() + retry if retry else None, failures=F("failures") + 1)
