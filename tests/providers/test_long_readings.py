"""A step ends in time, however much a provider has to say: the rest is for the next one (decisions.md 18 and 22)."""

import time
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from providers import claiming, disconnecting, plan, sync, windows
from providers.models import Connection, KeptAnswer, ReadWindow, SyncRun
from tests.fake_provider import generate
from tests.fake_provider.world import Project
from tests.providers.conftest import billed, due_again, endpoints, fresh, read, stored
from tokentra.lib.tenancy import organization_scope
from usage.models import Label, UsageRecord

pytestmark = [pytest.mark.django_db, pytest.mark.worker, pytest.mark.usefixtures("short")]

CALLS = 2.0  # seconds, in place of twelve


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(sync, "READING_SECONDS", 1.7)
    monkeypatch.setattr(sync, "CALLS_SECONDS", CALLS)


@pytest.fixture
def crowded(fake, now, monkeypatch):
    """Two days of Anthropic, each of four pages of a thousand rows or more, and three idle ones before."""
    monkeypatch.setattr(plan, "HISTORY_DAYS", 5)  # holds a window of three days, whatever today is
    fake.world = generate(
        days=2, models=30, projects=60, rows=9_000, seed=3, now=int(now.timestamp()), providers=("anthropic",)
    )
    return fake


def pages(fake, endpoint: str) -> list[tuple[str, int]]:
    """The pages of windows that were asked for: from when, and which."""
    whole = [seen for seen in fake.asked(f"analytics/{endpoint}") if seen.query["limit"] == ["1000"]]
    return [(seen.query["starting_at"][0], seen.page) for seen in whole]


def kept(connection: Connection) -> int:
    with organization_scope(connection.organization_id):
        return KeptAnswer.objects.filter(connection=connection).count()


def lengths(connection: Connection, endpoint: str) -> set[int]:
    """How many days the windows of an endpoint ask for, those to come left out."""
    with organization_scope(connection.organization_id):
        today = claiming.database_now().date()
        mine = ReadWindow.objects.filter(connection=connection, endpoint=endpoint)
        asked = {windows.stretch(window).cut(earliest=None, today=today).days for window in mine}
    return asked - {0}


def steps_until_healthy(connection: Connection, *, most: int) -> list[float]:
    """Step after step, as the queue rings; how long each took.

    On a busy machine a first page may take longer than a step has: that is tried again later, as it would be.
    """
    took = []
    while fresh(connection).status != "healthy":
        assert len(took) < most, f"not in {most} steps: {fresh(connection).status}"
        began = time.monotonic()
        if not sync.step(connection.organization_id, connection.pk):
            waits_are_over(connection)
        took.append(time.monotonic() - began)
    return took


def truth(fake, now, provider: str) -> Decimal:
    account = fake.world.account(provider)
    return account.total_billed((now - timedelta(days=plan.HISTORY_DAYS - 1)).date(), (now + timedelta(days=1)).date())


def test_decision_18_a_window_of_many_pages_is_read_over_several_steps(acme, connect, crowded, now, hurried):
    connection = connect(acme, "anthropic")
    crowded.world.anthropic.settings.latency = 0.5
    crowded.forget()

    took = steps_until_healthy(connection, most=40)

    assert len(took) > 2
    assert billed(connection) == truth(crowded, now, "anthropic")
    asked = pages(crowded, "cost")
    is_halved = max(lengths(connection, "cost")) < 3  # where a busy machine was too slow for a first page
    assert is_halved or max(page for _, page in asked) > 2
    # only a page that was under way when its time was over is asked for twice
    assert len(asked) - len(set(asked)) <= len(took)
    assert kept(connection) == 0


def test_decision_22_nothing_of_a_window_counts_before_it_is_whole(acme, connect, crowded, hurried):
    connection = connect(acme, "anthropic")
    crowded.world.anthropic.settings.latency = 0.5

    for _ in range(10):  # after midnight the first window has little in it, and is whole at once
        if not sync.step(acme.pk, connection.pk):
            waits_are_over(connection)
        if kept(connection):
            break

    assert kept(connection) > 0
    assert days_stored(connection) <= days_read(connection)
    assert fresh(connection).lease_until is None


def days_stored(connection: Connection) -> set[tuple[str, date]]:
    with organization_scope(connection.organization_id):
        rows = UsageRecord.objects.filter(connection_id=connection.pk)
        return set(rows.values_list("endpoint", "day"))


def days_read(connection: Connection) -> set[tuple[str, date]]:
    """Of windows that are whole."""
    with organization_scope(connection.organization_id):
        read = [each for each in ReadWindow.objects.filter(connection=connection) if each.read_at]
        days = [(each, number) for each in read for number in range((each.end - each.start).days)]
        return {(each.endpoint, each.start.date() + timedelta(days=number)) for each, number in days}


def test_decision_18_no_call_goes_on_after_its_time(acme, connect, crowded, hurried):
    connection = connect(acme, "anthropic")
    crowded.world.anthropic.settings.latency = 30

    began = time.monotonic()
    done = sync.step(acme.pk, connection.pk)

    assert time.monotonic() - began < CALLS + 10
    assert done.outcome == "provider_down"
    assert endpoints(connection)["usage"].retry_at > fresh(connection).created_at + timedelta(minutes=14)


@pytest.mark.long
def test_s3_4_what_a_page_takes_too_long_for_is_asked_for_in_halves(acme, connect, fake, now, monkeypatch, hurried):
    monkeypatch.setattr(plan, "HISTORY_DAYS", 5)
    connection = connect(acme, "anthropic")
    assert max(lengths(connection, "cost")) == 3
    fake.world.anthropic.settings.latency_per_day = 0.8  # three days take longer than a step has

    for _ in range(60):
        sync.step(acme.pk, connection.pk)
        if fresh(connection).status == "healthy":
            break
        waits_are_over(connection)

    assert fresh(connection).status == "healthy"
    assert billed(connection) == truth(fake, now, "anthropic")
    assert max(lengths(connection, "cost")) == 2
    with organization_scope(acme.pk):
        mine = ReadWindow.objects.filter(connection=connection, endpoint="cost").order_by("start")
        assert all(before.end == after.start for before, after in pairwise(mine))


def waits_are_over(connection: Connection) -> None:
    with organization_scope(connection.organization_id):
        windows.end_waits(connection)
        Connection.objects.filter(pk=connection.pk).update(next_sync_at=connection.created_at)


def test_halves_are_read_again_as_one_would_be(acme, connect, fake, now):
    connection = connect(acme)
    read(connection)
    before, whole = stored(connection), lengths(connection, "usage.images")

    with organization_scope(acme.pk):
        assert windows.halve(fresh(connection), "usage.images", 1, now=now)
    due_again(connection)
    read(connection)

    assert stored(connection) == before
    assert max(lengths(connection, "usage.images")) < max(whole)
    assert fresh(connection).status == "healthy"


def test_a_single_day_is_not_halved(acme, connect, now):
    connection = connect(acme)
    with organization_scope(acme.pk):
        while windows.halve(connection, "costs", 1, now=now):
            pass

    assert lengths(connection, "costs") == {1}


def test_more_rows_than_a_step_can_write_wait_for_a_step_of_their_own(acme, connect, crowded, now, monkeypatch):
    connection = connect(acme, "anthropic")
    monkeypatch.setattr(sync, "ROWS_A_SECOND", 100)  # 2,000 rows in a whole step
    assert max(lengths(connection, "cost")) == 3

    steps_until_healthy(connection, most=40)

    assert billed(connection) == truth(crowded, now, "anthropic")
    assert max(lengths(connection, "cost")) < 3
    assert kept(connection) == 0


def test_a_day_that_no_step_can_write_is_written_all_the_same(acme, connect, crowded, now, monkeypatch):
    connection = connect(acme, "anthropic")
    monkeypatch.setattr(sync, "ROWS_A_SECOND", 1)

    steps_until_healthy(connection, most=60)

    assert billed(connection) == truth(crowded, now, "anthropic")


def test_s3_4_a_rate_limit_in_the_middle_of_a_window_does_not_begin_it_again(acme, connect, crowded, now):
    connection = connect(acme, "anthropic")
    crowded.script([{"match": {"path": "analytics/usage", "page": 3, "times": 1}, "do": {"action": "rate_limited"}}])
    crowded.forget()

    read(connection)
    assert fresh(connection).blocked == "slowed"
    assert kept(connection) > 0
    read(connection, now=now + timedelta(minutes=2))

    asked = pages(crowded, "usage")
    assert [page for start, page in asked if asked.count((start, page)) > 1] == [3, 3]
    assert billed(connection) == truth(crowded, now, "anthropic")
    assert kept(connection) == 0


def test_what_is_older_than_an_hour_is_asked_for_again(acme, connect, crowded, now):
    connection = connect(acme, "anthropic")
    crowded.script([{"match": {"path": "analytics/usage", "page": 2, "times": 1}, "do": {"action": "rate_limited"}}])
    read(connection)
    crowded.forget()

    read(connection, now=now + timedelta(minutes=90))

    assert 1 in [page for _, page in pages(crowded, "usage")]
    assert billed(connection) == truth(crowded, now, "anthropic")
    assert kept(connection) == 0


@pytest.mark.parametrize("data", ["keep", "delete"])
def test_what_was_kept_goes_when_the_connection_ends(data, acme, connect, crowded):
    connection = connect(acme, "anthropic")
    crowded.script([{"match": {"path": "analytics/usage", "page": 2}, "do": {"action": "rate_limited"}}])
    read(connection)
    assert kept(connection) > 0

    with organization_scope(acme.pk):
        disconnecting.disconnect(acme, fresh(connection), data=data, by=None)

    assert kept(connection) == 0


def test_decision_18_names_of_many_projects_are_read_over_several_steps(acme, connect, fake, hurried):
    connection = connect(acme)
    fake.world.openai.projects += [Project(f"proj_{number}", f"Project {number}") for number in range(40)]
    read(connection)
    fake.world.openai.settings.latency = 0.1
    with organization_scope(acme.pk):
        Connection.objects.filter(pk=connection.pk).update(names_read_at=None, next_sync_at=connection.created_at)

    took = steps_until(lambda: fresh(connection).names_read_at, connection, most=30)

    assert took > 2
    with organization_scope(acme.pk):
        assert Label.objects.filter(dimension="project", value="proj_39").exists()


def steps_until(is_done, connection: Connection, *, most: int) -> int:
    for number in range(most):
        if is_done():
            return number
        assert sync.step(connection.organization_id, connection.pk)
    raise AssertionError(f"not in {most} steps")


def test_what_happened_is_noted_with_its_end(acme, connect, fake):
    connection = connect(acme)
    fake.world.openai.settings.latency = 0.02

    read(connection)

    with organization_scope(acme.pk):
        run = SyncRun.objects.get()
    assert run.ended_at > run.started_at
    assert run.rows == sum_of_rows(connection)


def sum_of_rows(connection: Connection) -> int:
    with organization_scope(connection.organization_id):
        return UsageRecord.objects.filter(connection_id=connection.pk).count()
