"""Journal lines on their way to the operator's analytics tool: kept with the line, sent in signed batches.

Off unless JOURNAL_WEBHOOK_URL is set. Nothing is lost: a line is kept in the transaction that writes it, and
goes when it was delivered. A batch that was cut off is sent again with the same `webhook-id` and the same body,
by which the receiver knows it.
"""

import base64
import hmac
import json
import logging
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.db.transaction import atomic
from django.utils import timezone

from accounts.models import JournalEntry
from onboarding.models import Forward, ForwardedLine
from tokentra.lib.http import CallFailed
from tokentra.lib.posting import post

log = logging.getLogger(__name__)

BATCH = 100
STEP = 10  # seconds: a task is a short step, the next ring comes back for the rest
LEASE = timedelta(seconds=60)
STEPS = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60, 240)]
KEPT = timedelta(days=30)
GONE = 410
# of a line's data; everything else may say who somebody is or where they came from
IMPERSONAL = frozenset(
    (
        *("provider", "step", "segment", "path", "method", "is_first", "invited", "role", "rows", "reason", "data"),
        *("feature", "trigger", "tour", "tooltip", "item", "count", "steps_viewed", "steps_total"),
    )
)
CLAIM = """
    UPDATE onboarding_forward SET next_try_at = clock_timestamp() + make_interval(secs => %s), tries = tries + 1
    WHERE id = (
        SELECT id FROM onboarding_forward WHERE delivered_at IS NULL AND next_try_at <= clock_timestamp()
        ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING id
"""


def keep(entry: JournalEntry) -> None:
    """Note that a line has to go out, in the transaction that writes it."""
    if settings.JOURNAL_WEBHOOK_URL:
        ForwardedLine.objects.create(id=entry.pk, payload=payload(entry))


def payload(entry: JournalEntry) -> dict[str, Any]:
    """A line as it leaves the house: without a person, unless the operator wants them named."""
    organization, user = entry.organization, entry.user
    told: dict[str, Any] = {
        "id": str(entry.pk),
        "event": str(entry.event),
        "at": entry.at.isoformat(),
        "organization": {"id": str(organization.pk), "isSample": organization.is_sample, "name": organization.name},
        "user": {"id": str(user.pk), "email": user.email, "name": user.full_name} if user else None,
        "data": entry.data,
    }
    return as_allowed(told)


def as_allowed(told: dict[str, Any]) -> dict[str, Any]:
    """A line with what may be told today: what waits from a time that named people names nobody any more."""
    if settings.JOURNAL_WEBHOOK_PERSONAL:
        return told
    organization = {name: told["organization"][name] for name in ("id", "isSample")}
    data = {name: value for name, value in told["data"].items() if name in IMPERSONAL}
    return {name: told[name] for name in ("id", "event", "at")} | {"organization": organization, "data": data}


def forward_due() -> int:
    """Send for a few seconds, the oldest first; returns how many lines arrived. Whoever fails holds up the rest."""
    if not settings.JOURNAL_WEBHOOK_URL:
        return 0
    readdress()
    sent, until = 0, monotonic() + STEP
    while monotonic() < until and not is_stopped() and (batch := claim() or form()):
        if not send(batch):
            break
        sent += batch.line_count
    return sent


def readdress() -> None:
    """What was for another address is for the present one, at once, also when the other one stopped us."""
    waiting = Forward.objects.open().exclude(target=target())
    waiting.update(target=target(), stopped_at=None, next_try_at=Now())


def target() -> str:
    return sha256(settings.JOURNAL_WEBHOOK_URL.encode()).hexdigest()


def is_stopped() -> bool:
    return Forward.objects.open().exclude(stopped_at=None).exists()


def claim() -> Forward | None:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [LEASE.total_seconds()])
        row = cursor.fetchone()
    return Forward.objects.get(pk=row[0]) if row else None


def form() -> Forward | None:
    """Make a batch of the lines that wait, claimed already; none while an earlier one is still open."""
    with atomic():
        if Forward.objects.open().exists():
            return None
        free = ForwardedLine.objects.filter(forward=None).order_by("id").select_for_update(skip_locked=True)
        lines = list(free.values_list("pk", flat=True)[:BATCH])
        if not lines:
            return None
        leased = timezone.now() + LEASE
        batch = Forward.objects.create(target=target(), line_count=len(lines), next_try_at=leased, tries=1)
        ForwardedLine.objects.filter(pk__in=lines).update(forward=batch)
        return batch


def send(batch: Forward) -> bool:
    lines = ForwardedLine.objects.filter(forward=batch).order_by("pk").values_list("payload", flat=True)
    body = json.dumps({"lines": [as_allowed(line) for line in lines]}, sort_keys=True).encode()
    wait = None
    try:
        status, wait = post(settings.JOURNAL_WEBHOOK_URL, body, headers=signed(batch, body))
        problem = "" if status < 300 else f"it answered {status}"
    except CallFailed as failure:
        status, problem = 0, failure.reason
    if problem:
        failed(batch, problem, is_gone=status == GONE, wait=wait)
        return False
    with atomic():
        Forward.objects.filter(pk=batch.pk).update(delivered_at=Now(), next_try_at=None, problem="")
        ForwardedLine.objects.filter(forward=batch).delete()
    return True


def signed(batch: Forward, body: bytes) -> dict[str, str]:
    """Signed with every secret, so that the receiver may take up a new one before the old one goes."""
    stamp = str(int(timezone.now().timestamp()))
    message = f"{batch.pk}.{stamp}.".encode() + body
    macs = [hmac.new(secret.encode(), message, sha256).digest() for secret in settings.JOURNAL_WEBHOOK_SECRETS]
    signatures = " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)
    return {"webhook-id": str(batch.pk), "webhook-timestamp": stamp, "webhook-signature": signatures}


def failed(batch: Forward, problem: str, *, is_gone: bool, wait: timedelta | None) -> None:
    """Say why and when to try again; 410 means that nobody listens, and ends the trying until the address changes."""
    step = max(STEPS[min(batch.tries - 1, len(STEPS) - 1)], wait or timedelta(0))
    Forward.objects.filter(pk=batch.pk).update(
        problem=problem[:300], next_try_at=None if is_gone else Now() + step, stopped_at=Now() if is_gone else None
    )
    log.warning("journal lines %s were not taken at try %s: %s", batch.pk, batch.tries, problem)


def tidy() -> None:
    Forward.objects.filter(delivered_at__lt=timezone.now() - KEPT).delete()


@dataclass(frozen=True, slots=True)
class State:
    """How forwarding stands, for staff."""

    waiting: int
    problem: str
    is_stopped: bool


def state() -> State | None:
    """None while it is off."""
    if not settings.JOURNAL_WEBHOOK_URL:
        return None
    problem = Forward.objects.open().exclude(problem="").values_list("problem", flat=True).first()
    return State(ForwardedLine.objects.count(), problem or "", is_stopped())
