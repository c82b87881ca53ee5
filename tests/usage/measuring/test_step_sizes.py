"""What takes longer to add up than a step may is added up in smaller ones: no events keep an organization's sums back."""

from collections.abc import Iterator

import pytest
from django.db import connections

from tests.usage.measuring import oracle
from tests.usage.measuring.conftest import event
from tests.usage.measuring.test_catching_up import waits
from tokentra.lib.tenancy import TOTALS, organization_scope
from usage.measured import Waiting
from usage.measuring import catching_up, step_sizes, transactions

SLOW = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END'"
BEGINS = ("BEGIN_ALL", "BEGIN_TOTAL", "BEGIN_ASIDE")


@pytest.fixture
def slow(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A row of these takes 20 ms, and a statement may take 400."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(SLOW)
        for table in ("usage_run", "usage_daydimension"):
            cursor.execute(f"CREATE TRIGGER slow BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION slow()")
    quick = transactions.BOUNDED.replace("30s", "400ms")
    for name in BEGINS:
        monkeypatch.setattr(catching_up, name, getattr(catching_up, name).replace(transactions.BOUNDED, quick))
    monkeypatch.setattr(step_sizes, "MOST", 40)
    monkeypatch.setattr(step_sizes, "FEWEST", 1)
    yield
    step_sizes._learned.clear()
    with connections["owner"].cursor() as cursor:
        cursor.execute("DROP FUNCTION slow CASCADE")


def events(count: int) -> list[dict[str, object]]:
    return [event(id=str(number), model=f"m{number}", runId=f"r{number}") for number in range(count)]


@pytest.mark.parametrize("way", [TOTALS, True])
@pytest.mark.parametrize("of_a_request", [30, 7])
def test_events_with_names_of_their_own_are_added_up_however_long_that_takes(of_a_request, way, slow, acme, send):
    told = events(30)
    for first in range(0, len(told), of_a_request):
        send(*told[first : first + of_a_request])

    with organization_scope(acme.pk, up_to_date=way):
        pass

    assert waits(acme, up_to_date=True) == (0, 30)
    oracle.assert_true(acme)


def test_a_process_remembers_how_many_it_may_take(slow, acme, send):
    send(*events(30))
    with organization_scope(acme.pk):
        pass

    [size] = step_sizes._learned.values()
    assert size < step_sizes.MOST


def test_a_request_that_is_too_much_waits_in_parts(acme, send):
    send(*events(7))

    with organization_scope(acme.pk, up_to_date=False), connections["default"].cursor() as cursor:
        step_sizes.cut(cursor, acme.pk, in_totals=True, most=3)
        assert Waiting.objects.count() == 1
        step_sizes.cut(cursor, acme.pk, in_totals=False, most=3)
        parts = list(Waiting.objects.values_list("days", "ids", "events"))

    assert sorted(count for _, _, count in parts) == [1, 3, 3]
    assert [count for _, _, count in parts] == [len(days) for days, _, _ in parts]
    assert len({id for _, ids, _ in parts for id in ids}) == 7
    assert waits(acme, up_to_date=True) == (0, 7)


def test_steps_grow_again_where_full_ones_take_no_time(acme):
    assert step_sizes.can_be_fewer(acme.pk, "tt_total")
    fewer = step_sizes.of(acme.pk, "tt_total")

    step_sizes.took(acme.pk, "tt_total", 0.1, is_full=False)
    assert step_sizes.of(acme.pk, "tt_total") == fewer
    for _ in range(10):
        step_sizes.took(acme.pk, "tt_total", 0.1, is_full=True)
    assert step_sizes.of(acme.pk, "tt_total") == step_sizes.MOST
    for _ in range(20):
        step_sizes.took(acme.pk, "tt_total", 60, is_full=True)
    assert step_sizes.of(acme.pk, "tt_total") == step_sizes.FEWEST
    assert not step_sizes.can_be_fewer(acme.pk, "tt_total")
