"""Each threshold is told once in a period, whatever is late, revised, raised or looked at twice (B37, B59)."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from accounts.permissions import Role
from budgets import looking, making, raising
from budgets.alerting import crossings as alerts_of
from budgets.kept import Look
from budgets.models import Budget
from budgets.rules.periods import Every
from tests import make
from tests.budgets.alerting.conftest import deliveries, said
from tests.budgets.conftest import crossings, in_zone, look, periods, standing, told
from tests.dying import KILLED, in_a_child
from tests.usage.accounts_of import DAY, Account, at, billed
from tests.usage.measuring.conftest import NOON
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

HOUR, MONTH = timedelta(hours=1), timedelta(days=31)


def test_a_threshold_is_told_once_in_each_period(acme, spend):
    make.budget(acme, "100")
    spend("60")

    look(acme, NOON)
    look(acme, NOON + HOUR)
    assert told(acme) == [50]

    spend("45")
    look(acme, NOON + HOUR)
    assert told(acme) == [50, 80, 100]

    spend("70", at="2026-11-20T12:00:00Z")
    look(acme, NOON + timedelta(hours=2))
    assert told(acme) == [50, 80, 100]
    assert {each.latest_spent for each in crossings(acme)} == {175}


@pytest.mark.django_db(transaction=True)
def test_b59_two_who_look_at_the_same_time_tell_each_threshold_once(acme, spend):
    make.budget(acme, "100")
    spend("90")
    together(lambda: look(acme, NOON))

    assert told(acme) == [50, 80]


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "point", ["budgets.crossed", "alerts.fired", "budgets.told", "budgets.before_commit", "budgets.after_commit"]
)
def test_b59_nothing_is_told_twice_or_never_after_a_kill_while_budgets_are_looked_at(
    acme, alice, spend, tmp_path, point
):
    make.budget(acme, "100")
    spend("90")

    assert in_a_child(point, tmp_path, looking.look_due) == KILLED
    for _ in range(2):
        with organization_scope(acme.pk):
            looking.look_soon(acme)
        looking.look_due()

    assert told(acme) == [50, 80]
    assert sorted(said(acme)) == [
        ("fired", "Monthly budget has used 50% of its budget"),
        ("fired", "Monthly budget has used 80% of its budget"),
    ]
    assert len(deliveries(acme)) == 1


@pytest.mark.django_db(transaction=True)
def test_b59_two_who_notice_late_calls_and_a_restated_bill_at_the_same_time_tell_them_once(acme, spend):
    make.budget(acme, "100", at=datetime(2026, 10, 5, tzinfo=UTC), thresholds=(50,))
    spend("40", at="2026-10-30T09:00:00Z")
    look(acme, datetime(2026, 11, 1, 0, 1, tzinfo=UTC))
    spend("30", at="2026-10-31T22:00:00Z")

    def reads(amount: str, days: int) -> None:
        with organization_scope(acme.pk):
            account.reads_bill(billed(amount), now=at(DAY, days=days))

    account = Account(acme.pk)
    reads("70", 3)

    together(lambda: look(acme, NOON))
    assert {(each.first_day.month, each.spent, each.is_late) for each in crossings(acme)} == {
        (10, 70, True),
        (11, 70, False),
    }

    reads("20", 4)
    together(lambda: look(acme, NOON + HOUR))
    reads("80", 5)
    together(lambda: look(acme, NOON + HOUR * 2))

    assert len(crossings(acme)) == 2
    with organization_scope(acme.pk):
        alerts_of.tell(acme, now=NOON + HOUR * 2)
    assert [what for what, _ in said(acme)] == ["fired", "fired"]


def together(evaluate: Callable[[], object]) -> None:
    """By two threads at the same moment."""
    both = threading.Barrier(2)

    def work() -> None:
        try:
            both.wait(5)
            evaluate()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)


def test_a_revised_bill_takes_a_crossing_back_and_reaching_it_again_is_not_told_again(acme, in_acme):
    make.budget(acme, "10", thresholds=(50,))
    account = Account(acme.pk)
    shares = []

    for hour, amount in enumerate(("6", "4.8", "4", "6")):
        account.reads_bill(billed(amount), now=at(DAY, days=3) + HOUR * hour)
        look(acme, NOON + HOUR * hour)
        (only,) = crossings(acme)
        shares.append((only.latest_spent, only.receded_at is not None))

    assert shares == [(6, False), (Decimal("4.8"), False), (4, True), (6, False)]


def test_a_value_that_a_revised_bill_takes_below_every_threshold_is_taken_back_and_its_past_restated(acme, in_acme):
    make.budget(acme, "10", each="provider", thresholds=(50,))
    account = Account(acme.pk)
    account.reads_bill(billed("6"), now=at(DAY, days=3))
    look(acme, NOON)
    look(acme, NOON + MONTH)
    assert [spent for _, spent, _ in periods(acme)] == [6]

    account.reads_bill(billed("4"), now=at(DAY, days=4))
    look(acme, NOON + MONTH + HOUR)

    assert [spent for _, spent, _ in periods(acme)] == [4]
    (only,) = crossings(acme)
    assert (only.latest_spent, only.receded_at is not None) == (4, True)


def test_a_raised_limit_can_be_reached_again_and_its_end_tells_nothing_new(acme, alice, spend):
    bob = make.member(acme, "bob@acme.example", Role.MEMBER)
    budget = make.budget(acme, "100", thresholds=(100,))
    spend("100")
    look(acme, NOON)
    with organization_scope(acme.pk):
        asked = raising.ask(budget, Decimal(150), last_day=date(2026, 11, 22), reason="Launch", by=bob, now=NOON + HOUR)
        raising.approve(asked, by=alice, now=NOON + HOUR)

    look(acme, NOON + HOUR * 2)
    assert [each.amount for each in crossings(acme)] == [100]

    spend("50")
    look(acme, NOON + HOUR * 2)
    look(acme, NOON + timedelta(days=4))

    assert [each.amount for each in crossings(acme)] == [100, 150]
    assert standing(acme, datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)).limit == 150
    assert standing(acme, datetime(2026, 11, 23, tzinfo=UTC)).limit == 100


def test_a_lowered_limit_tells_what_was_not_reached_before_and_nothing_else(acme, alice, spend):
    budget = make.budget(acme, "100")
    spend("60")
    look(acme, NOON)
    with organization_scope(acme.pk):
        wanted = making.Wanted(name=budget.name, amount=Decimal(70))
        making.change(budget, wanted, by=alice, now=NOON, version=1)

    look(acme, NOON + HOUR)

    assert told(acme) == [50, 80]


def test_b37_a_call_that_comes_late_restates_the_period_that_is_over_and_tells_that_it_is_late(acme, spend):
    make.budget(acme, "100", at=datetime(2026, 10, 5, tzinfo=UTC))
    spend("40", at="2026-10-30T09:00:00Z")
    look(acme, datetime(2026, 11, 1, 0, 1, tzinfo=UTC))
    assert periods(acme) == [("2026-10-01", 40, 40)]
    assert told(acme) == []

    spend("30", at="2026-10-31T22:00:00Z")
    look(acme, NOON)

    assert periods(acme) == [("2026-10-01", 70, 40)]
    assert [(each.threshold, each.first_day, each.is_late) for each in crossings(acme)] == [
        (50, date(2026, 10, 1), True)
    ]


def test_a_period_that_is_over_keeps_the_limit_that_it_had(acme, alice, spend):
    budget = make.budget(acme, "100", at=datetime(2026, 10, 5, tzinfo=UTC))
    spend("40", at="2026-10-30T09:00:00Z")
    look(acme, NOON)
    with organization_scope(acme.pk):
        making.change(budget, making.Wanted(name=budget.name, amount=Decimal(10)), by=alice, now=NOON, version=1)
        budget.periods.update(spent=1)

    look(acme, NOON + HOUR)

    with organization_scope(acme.pk):
        kept = budget.periods.get()
    assert (kept.limit, kept.spent, kept.is_restated) == (100, 40, False)
    assert told(acme) == []


def test_a_limit_that_changes_before_anybody_saw_the_period_end_is_not_that_periods(acme, alice, spend):
    budget = make.budget(acme, "100", every="day", at=NOON - timedelta(days=3, hours=1), thresholds=(50,))
    spend("60", at="2026-11-18T09:00:00Z")
    spend("30", at="2026-11-19T09:00:00Z")

    with organization_scope(acme.pk):
        wanted = making.Wanted(budget.name, Decimal(50), every="day", thresholds=(50,))
        making.change(budget, wanted, by=alice, now=NOON, version=1)
    look(acme, NOON + HOUR, days=4)

    with organization_scope(acme.pk):
        kept = budget.periods.order_by("first_day").values_list("first_day", "spent", "limit")
        assert [(day.day, spent, limit) for day, spent, limit in kept] == [(17, 0, 100), (18, 60, 100), (19, 30, 100)]
    assert [(each.first_day.day, each.amount) for each in crossings(acme)] == [(18, 50)]


def test_a_part_that_changes_before_anybody_saw_the_period_end_is_not_that_periods(acme, alices, spend):
    budget = make.budget(
        acme, "100", every="day", ledger="measured", each="user", thresholds=(50,), at=NOON - timedelta(days=2)
    )
    spend("60", at="2026-11-19T09:00:00Z", userId="ann")

    alices.post(f"/budgets/{budget.pk}/parts/", {"value": "ann", "amount": "10"})

    with organization_scope(acme.pk):
        assert [(each.value, each.limit) for each in budget.periods.all()] == [("ann", 100)]


def test_a_period_that_ended_before_its_budget_was_archived_is_kept(acme, alice, spend):
    budget = make.budget(acme, "100", every="day", at=NOON - timedelta(days=1))
    spend("60", at="2026-11-19T14:00:00Z")

    with organization_scope(acme.pk):
        making.archive(budget, by=alice, now=NOON)

    assert periods(acme) == [("2026-11-19", 60, 60)]


@pytest.mark.parametrize(
    "other",
    [
        {"ledger": "measured"}, {"scope": {"provider": ["openai"]}}, {"each": "model"}, {"unit": "tokens"},
        {"every": "week"}, {"every": "custom", "anchor": date(2026, 11, 1)},
    ],
)  # fmt: skip
def test_what_a_budget_counts_and_when_it_begins_anew_stay(acme, alice, other):
    budget = make.budget(acme, "100")

    with organization_scope(acme.pk), pytest.raises(Problem) as refused:
        making.change(
            budget, making.Wanted(budget.name, Decimal(100), **other), by=alice, now=NOON, version=1
        )  # fmt: skip

    assert refused.value.code == "another_budget"
    with organization_scope(acme.pk):
        assert Budget.objects.owned_by(acme).get().version == 1


def change(budget: Budget, amount: int, thresholds: tuple[int, ...]) -> None:
    with organization_scope(budget.organization_id):
        counts = {name: getattr(budget, name) for name in making.FIXED}
        wanted = making.Wanted(budget.name, Decimal(amount), thresholds=thresholds, **counts)
        making.change(budget, wanted, by=None, now=NOON, version=1)


def test_a_threshold_that_is_new_tells_of_a_past_period_only_what_was_revised_since(acme, spend):
    budget = make.budget(acme, "100", at=datetime(2026, 10, 5, tzinfo=UTC))
    spend("40", at="2026-10-30T09:00:00Z")
    look(acme, NOON)

    change(budget, 100, (30, 45))
    look(acme, NOON + HOUR)
    assert told(acme) == []

    spend("10", at="2026-10-31T09:00:00Z")
    look(acme, NOON + HOUR)
    assert told(acme) == [45]


def test_a_lowered_limit_of_each_value_says_nothing_of_periods_before(acme, spend):
    budget = make.budget(
        acme, "100", ledger="measured", each="customer", thresholds=(80,), at=datetime(2026, 10, 5, tzinfo=UTC)
    )
    spend("60", at="2026-10-30T09:00:00Z", customerId="globex")
    look(acme, NOON)

    change(budget, 70, (80,))
    look(acme, NOON + HOUR)

    assert periods(acme) == []
    assert told(acme) == []


def test_periods_that_ended_while_a_budget_was_archived_stay_out_and_older_ones_are_restated(acme, alice, spend):
    budget = make.budget(acme, "100", every="week", at=datetime(2026, 11, 2, tzinfo=UTC))
    spend("60", at="2026-11-03T09:00:00Z")
    look(acme, datetime(2026, 11, 9, 0, 1, tzinfo=UTC))
    with organization_scope(acme.pk):
        making.archive(budget, by=alice, now=datetime(2026, 11, 10, tzinfo=UTC))
        making.restore(budget, by=alice, now=NOON)

    spend("90", at="2026-11-12T09:00:00Z")
    spend("30", at="2026-11-04T09:00:00Z")
    look(acme, NOON, days=100)

    assert periods(acme) == [("2026-11-02", 90, 60)]
    assert told(acme) == [50, 80]
    look(acme, NOON + timedelta(days=7))
    assert [first for first, _, _ in periods(acme)] == ["2026-11-02", "2026-11-16"], "what ends from then on is kept"


def test_older_periods_are_restated_once_a_day_and_nothing_is_kept_from_before_the_budget(acme, spend):
    make.budget(acme, "100", every="week", at=datetime(2026, 10, 28, tzinfo=UTC))
    for day in ("10-22", "10-29", "11-04", "11-12"):
        spend("1", at=f"2026-{day}T09:00:00Z")

    look(acme, NOON)
    assert [first for first, _, _ in periods(acme)] == ["2026-11-09"]

    look(acme, NOON, days=100)
    assert periods(acme) == [(first, 1, 1) for first in ("2026-10-26", "2026-11-02", "2026-11-09")]

    spend("5", at="2026-10-29T10:00:00Z")
    look(acme, NOON)
    assert periods(acme)[0][1] == 1
    look(acme, NOON, days=100)
    assert periods(acme)[0] == ("2026-10-26", 6, 1)


def test_a_change_of_the_time_zone_tells_nothing_again(acme, spend):
    make.budget(acme, "100")
    spend("60")
    look(acme, NOON)

    in_zone(acme, "Asia/Kolkata")
    look(acme, NOON + HOUR)

    assert told(acme) == [50]


@pytest.mark.worker
def test_what_is_due_is_looked_at_once_a_minute_and_trouble_of_one_holds_up_nobody(acme, elsewhere, spend, monkeypatch):
    make.budget(acme, "100")
    make.budget(elsewhere, "100")
    spend("60")
    hold = looking.hold

    def broken(organization, now, **how):
        if organization == elsewhere:
            raise ArithmeticError
        return hold(organization, now, **how)

    monkeypatch.setattr(looking, "hold", broken)
    with pytest.MonkeyPatch.context() as quiet:
        quiet.setattr(looking.log, "exception", lambda *_: None)
        assert looking.look_due() is False

    assert told(acme) == [50]
    marks = [mark(of) for of in (acme, elsewhere)]
    assert [each.failures for each in marks] == [0, 1]
    assert marks[0].due_at - NOON == looking.EVERY
    with organization_scope(acme.pk):
        Look.objects.update(due_at=Now() + HOUR)  # by the clock of the database
    assert looking.look_at(acme.pk, NOON) is False
    assert looking.look_due() is False


@pytest.mark.worker
def test_the_queries_of_a_look_do_not_grow_with_budgets_of_the_same_shape(acme, spend):
    spend("60", customerId="c0")
    counts = []

    for wave in (1, 5):
        for place in range(wave):
            make.budget(acme, "100", name=f"{wave} {place}", forecast_at=100)
            make.budget(acme, "100", name=f"{wave} {place} c", ledger="measured", scope={"customer": [f"c{place}"]})
            make.budget(acme, "100", name=f"{wave} {place} e", ledger="measured", each="customer", every=Every.WEEK)
        looking.look_at(acme.pk, NOON)
        with CaptureQueriesContext(connection) as queries:
            assert looking.look_at(acme.pk, NOON)
        counts.append(sum("SAVEPOINT" not in each["sql"] for each in queries))

    assert counts[0] == counts[1] <= 10


@pytest.mark.worker
def test_the_longer_look_comes_once_an_hour_at_a_time_of_the_organizations_own(acme, monkeypatch):
    make.budget(acme)
    foresees = []
    monkeypatch.setattr(
        looking, "hold", lambda *_, foresee, **__: foresees.append(foresee) or looking.Held(1, has_news=False)
    )
    own = NOON + looking.spread(acme.pk)

    for moment in (own - timedelta(seconds=1), own, own + timedelta(minutes=59, seconds=59), own + HOUR):
        assert looking.look_at(acme.pk, moment)

    assert foresees == [True, True, False, True]
    assert len({looking.spread(uuid4()) for _ in range(100)}) > 50


def mark(of) -> Look:
    with organization_scope(of.pk):
        return Look.objects.owned_by(of).get()


@pytest.mark.worker
def test_an_organization_without_an_active_budget_is_not_looked_at_any_more(acme, alice):
    budget = make.budget(acme)
    with organization_scope(acme.pk):
        making.archive(budget, by=alice, now=NOON)

    looking.look_due()

    assert mark(acme).due_at is None
    with organization_scope(acme.pk):
        making.restore(Budget.objects.owned_by(acme).get(), by=alice, now=NOON)
    assert mark(acme).due_at is not None


def test_a_budget_tells_once_that_its_period_is_heading_over_its_limit(acme, spend):
    make.budget(acme, "100", thresholds=(100,), forecast_at=100)
    for day in range(1, 20):
        spend("4", at=f"2026-11-{day:02}T09:00:00Z")

    look(acme, NOON)
    look(acme, NOON + HOUR)

    ((kind, threshold, figure),) = [(each.kind, each.threshold, each.spent) for each in crossings(acme)]
    assert (kind, threshold) == ("forecast", 100)
    assert 110 < figure < 130


def test_a_period_that_is_heading_to_less_than_its_limit_tells_nothing(acme, spend):
    make.budget(acme, "200", forecast_at=100)
    for day in range(1, 20):
        spend("4", at=f"2026-11-{day:02}T09:00:00Z")

    look(acme, NOON)

    assert told(acme) == []
