"""What became of one reading, written in one transaction with its marks, by whoever holds the claim."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models.functions import Now

from accounts.journal import Event, record_once
from accounts.models import Organization
from providers import counting_once, identity, outcomes, plan, unfinished, windows
from providers.claiming import LEASE, Claim, Superseded, hold
from providers.connectors.base import Account, Connector, ConnectorError, Endpoint, Outcome, Page
from providers.models import Blocked, Connection, EndpointState, ReadWindow, Status, SyncRun
from providers.outcomes import Tries
from providers.pausing import stop
from providers.unfinished import Answers
from providers.windows import Marks
from tokentra.lib import chaos
from tokentra.lib.tenancy import organization_scope
from usage import ingest

if TYPE_CHECKING:
    from providers.sync import Step

Range = tuple[datetime, datetime]
ONE_RUN = timedelta(seconds=90)
KEEP_RUNS = timedelta(days=30)
BAD_REQUEST_AGAIN = timedelta(days=1)
BAD_ROWS_AGAIN = timedelta(hours=1)


def wanted(marks: Marks, window: ReadWindow, *, now: datetime) -> Range | None:
    """The part of a window to ask for; a window that the provider does not reach back to is let go."""
    state = marks.states.get(window.endpoint)
    part = windows.stretch(window).cut(earliest=state.earliest if state else None, today=now.date())
    if not part.days:
        window.delete()
        return None
    return plan.midnight(part.start), plan.midnight(part.end)


def reading(
    claim: Claim,
    connector: Connector,
    window: ReadWindow,
    endpoint: Endpoint,
    page: Page,
    *,
    asked: Range,
    answers: Answers,
    sample: str,
) -> int:
    """Write what a window holds and when to read it next. Returns how many rows it holds.

    `sample` is a masked piece of what was left out, or "".
    """
    now = answers.began_at
    counting_once.take_turns(claim.organization_id, claim.connection_id)
    connection = hold(claim)
    if not is_to_be_counted(connection, page, now=now):
        return 0
    unfinished.drop(connection, answers)
    start, end = asked
    counting_once.take_over(connection, start, end, now=now)
    try:
        recorded = ingest.record(
            connection.organization_id,
            page.rows,
            window=ingest.Window(connection.pk, connector.key, endpoint.ledger, endpoint.name, start, end),
            now=now,
            complete=not page.problems,
            believe_empty=outcomes.is_emptiness_believed(window.empty_seen_at, now),
        )
    except ingest.SuddenlyEmpty:
        window.empty_seen_at = window.empty_seen_at or now
        window.due_at = window.empty_seen_at + outcomes.EMPTY_AGAIN_AFTER
        window.save(update_fields=["empty_seen_at", "due_at"])
        return settle(connection, connector, endpoint.name, window, now=now)
    window.rows, window.empty_seen_at, window.tries = recorded.rows, None, 0
    window.left_out = page.left_out
    if page.problems:
        # without a count: what is listed has an end, and names missing buckets as well; `left_out` counts
        window.problem = f"Not everything could be understood. {page.problems[0]}"[:500]
        window.due_at = now + BAD_ROWS_AGAIN
        if sample:
            keep_sample(connection, endpoint.name, sample, now=now)
    else:
        window.problem, window.read_at = "", now
        window.due_at = plan.next_due(endpoint, windows.stretch(window), read_at=now, today=now.date())
    window.save(update_fields=["rows", "left_out", "empty_seen_at", "tries", "problem", "due_at", "read_at"])
    return settle(connection, connector, endpoint.name, window, now=now)


def settle(connection: Connection, connector: Connector, endpoint: str, window: ReadWindow, *, now: datetime) -> int:
    """An endpoint answered: whatever it or the connection waited for is over."""
    save_tries(state_of(connection, endpoint), outcomes.worked(Tries(), now), now=now)
    connection.last_sync_at = now
    if connection.blocked in (Blocked.SLOWED, Blocked.REFUSED):
        unblock(connection)
    marks = Marks.of(connection, connector)
    if connection.first_read_at is None and marks.is_all_read():
        connection.first_read_at = now
        journal_first_read(connection, marks)
    keep(connection, marks, now=now)
    return window.rows


def account(
    claim: Claim,
    connector: Connector,
    account: Account,
    names: Mapping[str, Mapping[str, tuple[str, str]]],
    *,
    answers: Answers,
) -> None:
    """Write the daily look at the account: its name, those of its ids, and what else may be read by now."""
    now = answers.began_at
    counting_once.take_turns(claim.organization_id, claim.connection_id)
    connection = hold(claim)
    if identity.is_same(connection, account) is False:
        stop(connection, Blocked.OTHER_ACCOUNT, now=now)
        return
    if not counting_once.may_go_on(connection, account, now=now):
        return
    unfinished.drop(connection, answers)
    connection.account_id = connection.account_id or account.id
    for dimension, values in names.items():
        ingest.name_values(connection.pk, dimension, values)
    connection.account_name = account.name or connection.account_name
    connection.project_ids = sorted({*connection.project_ids, *account.projects})
    if account.projects_found is not None:
        connection.projects_found = account.projects_found
    connection.capabilities = sorted({*connection.capabilities, *account.capabilities})
    windows.extend(connection, connector, now=now)
    opened = [check.endpoint for check in account.checks if check.ok]
    EndpointState.objects.filter(
        organization_id=connection.organization_id,
        connection=connection,
        endpoint__in=opened,
        outcome__in=[*outcomes.CLOSED, Outcome.NOT_AVAILABLE],
    ).update(outcome="", retry_at=None, failures=0, failing_since=None, detail="")
    save_tries(state_of(connection, windows.NAMES), outcomes.worked(Tries(), now), now=now)
    connection.names_read_at = now
    keep(connection, Marks.of(connection, connector), now=now)


def failure(
    claim: Claim,
    connector: Connector,
    endpoint: str,
    window: ReadWindow | None,
    error: ConnectorError,
    *,
    answers: Answers,
    sample: str,
    now: datetime,
) -> bool:
    """Write down a refusal or an outage; True when others can be read all the same.

    `sample` is a masked piece of an answer that nobody understood, or "".
    """
    connection = hold(claim)
    if sample:
        keep_sample(connection, endpoint, sample, now=now)
    if error.outcome is Outcome.RATE_LIMITED:
        unfinished.keep(connection, answers, now=now)
    else:
        unfinished.drop(connection, answers)
    connection.detail = error.detail[:500]
    goes_on = False
    if error.outcome is Outcome.RATE_LIMITED:
        until = outcomes.slowed_until(now, slowdowns=connection.waits, retry_after=error.retry_after)
        block(connection, Blocked.SLOWED, until=until, now=now)
    elif error.outcome is Outcome.INVALID_CREDENTIALS:
        block(connection, Blocked.REFUSED, until=now + outcomes.ASK_AGAIN, now=now)
        if outcomes.is_refusal_believed(connection.waits, connection.blocked_at or now, now):
            stop(connection, Blocked.KEY_REFUSED, now=now)
            return False
    elif window and clamped(connection, connector, endpoint, window, error.earliest):
        goes_on = True
    else:
        goes_on = endpoint_failed(connection, endpoint, window, error, now=now)
    keep(connection, Marks.of(connection, connector), now=now)
    return goes_on


def set_aside(claim: Claim, connector: Connector, answers: Answers, *, now: datetime) -> None:
    """The time of the step is over: the next one goes on with what has come."""
    connection = hold(claim)
    unfinished.keep(connection, answers, now=now)
    keep(connection, Marks.of(connection, connector), now=now)


def halve(claim: Claim, endpoint: str, asked: Range, answers: Answers, *, now: datetime) -> bool:
    """Ask for less at once from now on; False when it was a single day."""
    connection, (start, end) = hold(claim), asked
    if not windows.halve(connection, endpoint, (end - start).days, now=now):
        return False
    unfinished.drop(connection, answers)
    return True


def endpoint_failed(
    connection: Connection, endpoint: str, window: ReadWindow | None, error: ConnectorError, *, now: datetime
) -> bool:
    state = state_of(connection, endpoint)
    tries = outcomes.failed(windows.tries(state), error.outcome, now, retry_after=error.retry_after)
    save_tries(state, tries, now=now, detail=error.detail)
    if window and error.outcome is Outcome.BAD_REQUEST:
        window.tries += 1
        window.problem = error.message[:500]
        window.due_at = None if window.tries >= outcomes.PARKED_AFTER else now + BAD_REQUEST_AGAIN
        window.save(update_fields=["tries", "problem", "due_at"])
    return error.outcome in outcomes.CLOSED or error.outcome is Outcome.NOT_AVAILABLE


def clamped(
    connection: Connection, connector: Connector, endpoint: str, window: ReadWindow, earliest: date | None
) -> bool:
    """Take the provider's word for its first day, once: the same word again is a refusal like any other."""
    if earliest is None or state_of(connection, endpoint).earliest == earliest:
        return False
    described = next(each for each in windows.endpoints(connection, connector) if each.name == endpoint)
    windows.clamp(connection, described, earliest)
    return True


def is_to_be_counted(connection: Connection, page: Page, *, now: datetime) -> bool:
    """Otherwise stop: another account's figures came, or those of an account that is connected already."""
    account = identity.of_page(page)
    if account.id and connection.account_id and account.id != connection.account_id:
        stop(connection, Blocked.OTHER_ACCOUNT, now=now)
        return False
    if not counting_once.may_go_on(connection, account, now=now):
        return False
    connection.account_id = connection.account_id or account.id
    return True


def block(connection: Connection, reason: Blocked, *, until: datetime, now: datetime) -> None:
    continues = connection.blocked == reason
    connection.blocked_at = connection.blocked_at if continues else now
    connection.waits = connection.waits + 1 if continues else 1
    connection.blocked, connection.wait_until = reason, until


def unblock(connection: Connection) -> None:
    connection.blocked, connection.blocked_at, connection.wait_until = "", None, None
    connection.waits, connection.detail = 0, ""


def keep(connection: Connection, marks: Marks, *, now: datetime) -> None:
    """Save the connection with the state that follows from its marks, and hold on to it a little longer."""
    connection.status = marks.status(now)
    connection.lease_until = Now() + LEASE
    if connection.status == Status.BROKEN:
        connection.next_sync_at, connection.lease_until = None, None
    connection.save()


def leave(claim: Claim, done: "Step") -> bool:
    """Give the connection back with its next mark; True when that mark is due already."""
    from providers.connectors import CONNECTORS

    chaos.point("sync.before_leave")
    now = done.ended_at
    with organization_scope(claim.organization_id):
        try:
            connection = hold(claim)
        except Superseded:
            return False
        marks = Marks.of(connection, CONNECTORS[connection.provider])
        connection.next_sync_at, connection.lease_until = marks.next_mark(), None
        connection.status = marks.status(now)
        connection.save(update_fields=["next_sync_at", "lease_until", "status"])
        note_run(connection, done)
    chaos.point("sync.after_leave")
    return connection.next_sync_at is not None and connection.next_sync_at <= now


def state_of(connection: Connection, endpoint: str) -> EndpointState:
    state, _ = EndpointState.objects.get_or_create(
        organization_id=connection.organization_id, connection=connection, endpoint=endpoint
    )
    return state


def keep_sample(connection: Connection, endpoint: str, sample: str, *, now: datetime) -> None:
    state = state_of(connection, endpoint)
    state.sample, state.sample_at = sample, now
    state.save(update_fields=["sample", "sample_at"])


def save_tries(state: EndpointState, tries: Tries, *, now: datetime, detail: str = "") -> None:
    state.outcome, state.failures, state.failing_since = (
        str(tries.outcome),
        tries.failures,
        tries.failing_since,
    )
    state.retry_at, state.last_success_at = tries.retry_at, tries.last_success_at
    state.last_tried_at, state.detail = now, detail[:500]
    state.save()


def journal_first_read(connection: Connection, marks: Marks) -> None:
    organization = Organization.objects.get(pk=connection.organization_id)
    rows = sum(window.rows for window in marks.windows)
    record_once(Event.PROVIDER_SYNC_COMPLETED, None, organization, provider=connection.provider, rows=rows)


def note_run(connection: Connection, done: "Step") -> None:
    """One line for each stretch of reading; steps that follow each other are one."""
    if not done.windows and done.outcome == "ok":
        return
    runs = SyncRun.objects.filter(organization_id=connection.organization_id, connection=connection)
    last = runs.order_by("-started_at").first()
    if last and last.outcome == done.outcome and last.ended_at >= done.started_at - ONE_RUN:
        last.windows, last.rows = last.windows + done.windows, last.rows + done.rows
        last.ended_at, last.problem = done.ended_at, done.problem[:500]
        last.save()
    else:
        SyncRun.objects.create(
            organization_id=connection.organization_id,
            connection=connection,
            started_at=done.started_at,
            ended_at=done.ended_at,
            windows=done.windows,
            rows=done.rows,
            outcome=done.outcome,
            problem=done.problem[:500],
        )
        runs.filter(ended_at__lt=done.started_at - KEEP_RUNS).delete()
