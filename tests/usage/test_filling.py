"""A sample workspace is filled in steps by workers: newest first, once, and whole whatever happens meanwhile."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier, Event

import pytest
from django.core.management import call_command
from django.db import IntegrityError, ProgrammingError, connections
from django.db.models.functions import Now

from accounts import samples
from accounts.models import Organization, User
from tests import make
from tests.dying import KILLED, in_a_child
from tests.usage.accounts_of import at
from tokentra.lib.tenancy import as_sweep, organization_scope
from usage import demo, filling, rollup
from usage.models import DayRollup, LedgerDay, Revision, SampleFill, UsageRecord

NOON = at(date(2026, 11, 20), 12)
SAME = [
    "day",
    "ledger",
    "endpoint",
    "start",
    "provider",
    "model",
    "project",
    "api_key",
    "service_tier",
    "line_item",
    "requests",
    "amount",
    "units",
    "input",
    "cache_read",
    "cache_write_5m",
    "output",
]


@pytest.fixture(autouse=True)
def _short_story(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three steps instead of nine."""
    monkeypatch.setattr(demo, "DAYS", 25)


@pytest.fixture
def sample(alice: User) -> Organization:
    return samples.made_for(alice)


def ask(sample: Organization, now: datetime = NOON, **more: bool) -> None:
    with organization_scope(sample.pk):
        filling.ask(sample, now, **more)


def progress(sample: Organization) -> filling.Progress | None:
    with organization_scope(sample.pk):
        return filling.progress(sample)


def mark(sample: Organization) -> SampleFill:
    with organization_scope(sample.pk):
        return SampleFill.objects.owned_by(sample).get()


def change(sample: Organization, **fields: object) -> None:
    with organization_scope(sample.pk):
        SampleFill.objects.owned_by(sample).update(**fields)


def days(sample: Organization, ledger: str = "usage") -> list[date]:
    with organization_scope(sample.pk):
        rows = UsageRecord.objects.filter(organization=sample, ledger=ledger)
        return sorted(set(rows.values_list("day", flat=True)))


def story(organization: Organization) -> list[tuple[object, ...]]:
    """Every row without what tells one organization or one reading from another."""
    with organization_scope(organization.pk):
        rows = UsageRecord.objects.filter(organization=organization)
        return sorted(rows.values_list(*SAME), key=repr)


def is_true_to_its_rows(sample: Organization) -> bool:
    with organization_scope(sample.pk):
        return not any(
            rollup.mismatches(sample.pk, demo.connection_of(sample.pk, provider), days(sample))
            for provider in demo.USAGE_ENDPOINT
        )


def together(*works: Callable[[], object]) -> list[object]:
    """Run each in a thread with a connection of its own, all starting at once."""
    gate = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        try:
            gate.wait(10)
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return [done.result(60) for done in [pool.submit(run, work) for work in works]]


@pytest.mark.django_db
def test_the_newest_days_are_there_after_the_first_step(sample):
    ask(sample)
    assert progress(sample) == filling.Progress(filling.State.GOING_ON, 0, 25, mark(sample).moved_at)

    assert filling.step(sample.pk)

    assert days(sample) == [date(2026, 11, 11) + timedelta(days=n) for n in range(10)]
    assert days(sample, "billed")[-1] == date(2026, 11, 19)
    assert progress(sample).words == "10 of 25"


@pytest.mark.django_db
def test_steps_make_the_same_as_writing_it_at_once(sample, acme):
    ask(sample)

    filling.finish(sample.pk)
    make.story(acme, NOON)

    assert progress(sample) is None
    assert mark(sample).due_at is None
    assert len(days(sample)) == demo.DAYS
    assert story(sample) == story(acme)
    assert is_true_to_its_rows(sample)
    assert filling.step(sample.pk) is False


@pytest.mark.django_db
def test_asking_again_changes_nothing(sample):
    ask(sample)
    filling.step(sample.pk)
    before = mark(sample).__dict__

    ask(sample, NOON + timedelta(hours=3))
    ask(sample, NOON + timedelta(hours=3), again=True)

    assert {**mark(sample).__dict__, "_state": 0} == {**before, "_state": 0}


@pytest.mark.django_db
def test_a_later_day_is_added_and_the_earlier_ones_stay_as_they_were(sample):
    ask(sample)
    filling.finish(sample.pk)
    before = story(sample)
    later = NOON + timedelta(days=3, hours=5)

    ask(sample, later)
    assert progress(sample).days_wanted == 8
    assert filling.step(sample.pk)
    assert filling.step(sample.pk) is False

    assert progress(sample) is None
    assert days(sample)[-1] == later.date()
    assert len(days(sample)) == demo.DAYS + 3
    assert [row for row in story(sample) if row in before] == before
    with organization_scope(sample.pk):
        assert not Revision.objects.filter(organization=sample).exists()
        settled = LedgerDay.objects.filter(organization=sample, state="settled").values_list("day", flat=True)
        assert max(settled) == later.date() - timedelta(days=4)
        assert LedgerDay.objects.filter(organization=sample, bill_read_at=None).count() == 0
    assert is_true_to_its_rows(sample)


@pytest.mark.django_db
def test_after_a_year_the_newest_days_are_whole(sample):
    ask(sample)
    filling.finish(sample.pk)
    later = NOON + timedelta(days=365)

    ask(sample, later)
    filling.finish(sample.pk)

    assert progress(sample) is None
    assert len([day for day in days(sample) if day > later.date() - timedelta(days=demo.DAYS)]) == demo.DAYS


@pytest.mark.django_db
def test_one_that_was_not_finished_is_whole_after_the_next_visit(sample):
    ask(sample)
    filling.step(sample.pk)
    filling.step(sample.pk)
    later = NOON + timedelta(days=2)

    ask(sample, later)
    filling.finish(sample.pk)

    assert progress(sample) is None
    assert len(days(sample)) == demo.DAYS
    assert is_true_to_its_rows(sample)


@pytest.mark.django_db(transaction=True)
def test_what_is_asked_for_during_a_step_is_not_lost(sample, monkeypatch):
    ask(sample)
    filling.finish(sample.pk)
    ask(sample, NOON + timedelta(days=1))
    write, later = demo.write, NOON + timedelta(days=2)

    def write_while_somebody_asks(*what: object) -> int:
        together(lambda: ask(sample, later))
        return write(*what)

    monkeypatch.setattr(demo, "write", write_while_somebody_asks)
    filling.step(sample.pk)
    monkeypatch.undo()

    assert progress(sample) is not None
    filling.finish(sample.pk)
    assert days(sample)[-1] == later.date()


@pytest.mark.django_db
def test_one_person_has_one_sample_and_the_database_says_so(alice, sample):
    with pytest.raises(IntegrityError):
        samples.create(alice)


@pytest.mark.django_db(transaction=True)
def test_five_tabs_at_once_make_one_sample_and_ask_once(alice):
    def enter() -> object:
        sample = samples.enter_sample(alice)
        ask(sample)
        return sample.pk

    entered = together(*[enter] * 5)

    assert len(set(entered)) == 1
    sample = samples.sample_of(alice)
    assert mark(sample).next_end == date(2026, 11, 21)
    with organization_scope(sample.pk):
        assert SampleFill.objects.filter(organization=sample).count() == 1


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_c15_five_workers_at_once_are_one(sample, acme):
    ask(sample)
    make.story(acme, NOON)

    written = together(*[lambda: filling.step(sample.pk)] * 5)
    done = min(25, 10 * len([step for step in written if step]))

    assert 10 <= done <= 25
    assert progress(sample).days_written == done
    filling.finish(sample.pk)
    assert story(sample) == story(acme)
    assert is_true_to_its_rows(sample)


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["sample.before_commit", "sample.after_commit"])
def test_a_worker_killed_anywhere_loses_and_doubles_nothing(point, sample, acme, tmp_path):
    make.story(acme, NOON)
    ask(sample)
    filling.step(sample.pk)

    ended = in_a_child(point, tmp_path, filling.fill_due)
    survived = progress(sample).days_written
    while filling.fill_due():
        pass

    assert ended == KILLED
    assert survived == (10 if point == "sample.before_commit" else 20)
    assert progress(sample) is None
    assert story(sample) == story(acme)
    assert is_true_to_its_rows(sample)


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_one_that_cannot_be_written_is_given_up_and_keeps_no_other_waiting(sample, mallory):
    theirs = samples.made_for(mallory)
    ask(theirs)
    # no week is made so early: a mark like this can never be worked off
    early = at(date(2019, 6, 3), 12)
    ask(sample)
    change(sample, told_at=early, last_day=early.date(), next_end=date(2019, 6, 4), first_day=date(2019, 6, 1))

    filling.fill_due()

    assert progress(theirs) is None
    assert progress(sample).state == filling.State.FAILING
    for _ in range(4):
        change(sample, due_at=Now())
        filling.fill_due()
    given_up = progress(sample)
    assert (given_up.state, given_up.polls) == (filling.State.GIVEN_UP, 0)
    assert filling.due() == []

    change(sample, told_at=NOON, last_day=NOON.date(), next_end=date(2026, 11, 21), first_day=date(2026, 11, 20))
    ask(sample)
    assert progress(sample).state == filling.State.GIVEN_UP
    ask(sample, again=True)
    filling.fill_due()
    assert progress(sample) is None


@pytest.mark.django_db
def test_silence_is_noticed_after_a_minute(sample):
    ask(sample)
    assert progress(sample).state == filling.State.GOING_ON

    change(sample, moved_at=Now() - timedelta(seconds=61))

    assert progress(sample).state == filling.State.SILENT


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_c3_without_redis_the_sweep_alone_fills_it(sample, settings):
    settings.CELERY_BROKER_URL = "redis+socket:///nowhere/redis.sock"
    ask(sample)

    call_command("sweep")

    assert progress(sample) is None


@pytest.mark.worker
@pytest.mark.django_db
def test_d1_the_sweep_sees_that_something_is_due_and_nothing_else(sample):
    ask(sample)
    assert filling.due() == [sample.pk]

    with pytest.raises(ProgrammingError, match="permission denied"), as_sweep():
        list(SampleFill.objects.values_list("told_at"))


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_deleting_it_waits_for_the_step_in_hand_and_leaves_nothing(alice, sample):
    ask(sample)
    is_written, may_commit, is_deleted = Event(), Event(), Event()

    def write() -> None:
        with organization_scope(sample.pk):
            filling._write_next(sample.pk, waits=False)
            is_written.set()
            may_commit.wait(10)

    def remove() -> None:
        is_written.wait(10)
        samples.remove(alice)
        is_deleted.set()

    def release() -> bool:
        is_written.wait(10)
        is_early = is_deleted.wait(0.5)
        may_commit.set()
        return is_early

    *_, is_early = together(write, remove, release)

    assert not is_early
    assert samples.sample_of(alice) is None
    with organization_scope(sample.pk):
        for model in (UsageRecord, LedgerDay, DayRollup, SampleFill):
            assert not model._default_manager.filter(organization_id=sample.pk).exists()
    assert filling.step(sample.pk) is False
