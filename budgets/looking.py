"""Each organization's budgets are held against what was spent: once a minute, by the hour against what is foreseen,
and past periods whole once a day.

What is left to do is a mark, `Look.due_at`. A look is one transaction; one that is made again finds nothing new.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Organization
from budgets import crossing, forecasting, history, top_bar
from budgets.alerting import crossings
from budgets.kept import Look
from budgets.models import Budget
from budgets.rules.periods import Span, before, span_at
from budgets.standing import in_spans, loaded
from tokentra.lib import chaos
from tokentra.lib.tenancy import as_sweep, organization_scope

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)  # after failures
BUDGETED = 15.0  # seconds that one task may take
REACH = timedelta(days=100)  # of past periods: as far back as a first reading of an account, and more


def look_due() -> bool:
    """As many organizations as a step has time for; whether any is left."""
    began = time.monotonic()
    for organization_id in due():
        if time.monotonic() - began > BUDGETED:
            return True
        try:
            look_at(organization_id, timezone.now())
        except Exception:
            log.exception("budgets of %s could not be looked at", organization_id)
            put_off(organization_id)
    return False


def due() -> list[UUID]:
    with as_sweep():
        return list(Look.objects.due().order_by("due_at").values_list("organization_id", flat=True))


def look_at(organization_id: UUID, now: datetime) -> bool:
    """Record what was crossed and restate what is over; False when somebody else does, or nothing is due."""
    with organization_scope(organization_id):
        mine = Look.objects.filter(organization_id=organization_id).select_related("organization")
        look = mine.due().select_for_update(skip_locked=True, of=("self",)).first()
        if look is None:
            return False
        later = spread(organization_id)
        day = (now - later).date()
        is_deep = look.deep_day != day
        is_first = is_deep or look.looked_at is None or hour_of(look.looked_at - later) != hour_of(now - later)
        since = None if is_first else look.looked_at
        reach = REACH if is_deep else timedelta(0)
        held = hold(look.organization, now, reach=reach, foresee=is_first, since=since)
        if held.has_news or is_first:  # alerts are looked for every few minutes too
            crossings.tell(look.organization, now=now)
        chaos.point("budgets.told")
        look.due_at = now + EVERY if held.budgets else None
        look.looked_at, look.deep_day, look.failures = now, day, 0
        look.save(update_fields=["due_at", "looked_at", "deep_day", "failures"])
        chaos.point("budgets.before_commit")
    chaos.point("budgets.after_commit")
    return True


def spread(organization_id: UUID) -> timedelta:
    """How long after the hour, and after midnight, an organization's longer looks are: not all of them at once."""
    return timedelta(seconds=organization_id.int % 3600)


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def settle(budget: Budget, now: datetime) -> None:
    """Before its limit changes or it is archived: periods that ended since the last look are kept with the limit that
    they had. Inside the scope."""
    organization = budget.organization
    look = Look.objects.owned_by(organization).first()
    since = look.looked_at if look else None
    if budget.archived_at or (since and since >= span_at(now, ZoneInfo(organization.timezone), budget.rule).start):
        return
    reach = min(now - (since or budget.created_at), REACH)
    if hold(organization, now, reach=reach, foresee=False, budgets=[budget]).has_news:
        crossings.tell(organization, now=now)


@dataclass(frozen=True, slots=True)
class Held:
    """How many budgets there are, and whether a threshold was reached or receded."""

    budgets: int
    has_news: bool = False


def hold(
    organization: Organization,
    now: datetime,
    *,
    reach: timedelta,
    foresee: bool = True,
    since: datetime | None = None,
    budgets: Sequence[Budget] | None = None,
) -> Held:
    """Against what was spent in this period and those that ended within `reach`.

    The period before is looked at too, unless a look at `since` saw it end already.
    """
    zone = ZoneInfo(organization.timezone)
    budgets = loaded(organization) if budgets is None else budgets
    wanted = [pair for budget in budgets for pair in spans_of(budget, zone, now, reach, since=since)]
    if not wanted:
        return Held(0)
    kept = history.kept(organization, [pair for pair in wanted if pair[1].end <= now])
    wanted = history.in_use(wanted, kept)
    limits = {place: period.limit for place, period in kept.items()}
    found = in_spans(organization, wanted, now=now, limits=limits)
    known = crossing.known_of(organization, wanted)
    if fallen := crossing.fallen(known, wanted, found, kept):
        again = [(budget, span) for budget, span in wanted if (budget.pk, span.first_day) in fallen]
        found += in_spans(organization, again, now=now, limits=limits, values=fallen)
    found = history.certain(found, kept, now=now)
    was = {place: period.spent for place, period in kept.items()}
    has_news = crossing.record(known, found, now=now, was=was)
    chaos.point("budgets.crossed")
    if foresee:
        has_news |= forecasting.record(organization, known, found, now=now)
    history.keep([each for each in found if each.span.end <= now], kept, now=now)
    return Held(len(budgets), has_news)


def spans_of(
    budget: Budget, zone: ZoneInfo, now: datetime, reach: timedelta, *, since: datetime | None = None
) -> list[tuple[Budget, Span]]:
    """The period that goes on, and those since the budget was made that ended lately."""
    span = span_at(now, zone, budget.rule)
    found = [(budget, span)]
    if since and since >= span.start:
        return found
    while (span := before(span, zone, budget.rule)).end > budget.created_at:
        if len(found) > 1 and span.end <= now - reach:
            break
        found.append((budget, span))
    return found


def look_soon(organization: Organization) -> None:
    """A budget was made or changed; inside the organization's scope."""
    top_bar.forget(organization)
    Look.objects.bulk_create(
        [Look(organization=organization, due_at=timezone.now())],
        update_conflicts=True,
        unique_fields=["organization"],
        update_fields=["due_at"],
    )


def zone_moved(organization: Organization, **_: object) -> None:
    """Its days begin at other instants: the next look sees periods end that no look in the former zone did."""
    mine = Look.objects.owned_by(organization).filter(due_at__isnull=False)
    mine.update(looked_at=None, due_at=Now())
    top_bar.forget(organization)


def put_off(organization_id: UUID) -> None:
    """Later and later, so that one organization's trouble holds up nobody else; the page says that it is so."""
    with organization_scope(organization_id, up_to_date=False):
        mine = Look.objects.filter(organization_id=organization_id)
        mine.update(failures=F("failures") + 1)
        failures = mine.values_list("failures", flat=True).first() or 1
        mine.update(due_at=Now() + min(EVERY * 2 ** min(failures, 10), LONGEST_PAUSE))
