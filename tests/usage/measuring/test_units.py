"""Units are added up by name, whatever names are sent: a hundred of a day are told apart."""

from datetime import timedelta
from decimal import Decimal

from django.db import connection

from tests.usage.measuring import oracle
from tests.usage.measuring.conftest import NOON, event
from tokentra.lib.tenancy import organization_scope
from usage.audit import Audit
from usage.discarded import Discard
from usage.measured import MeasuredDay
from usage.measuring import catching_up, naming_units, telling_apart

DAY = timedelta(days=1)
MOST = naming_units.MOST_NAMES
NAMES = [f"n{number:03}" for number in range(MOST + 5)]


def using(**units):
    return event(tokens=None, units=units)


def summed(organization) -> dict[str, Decimal]:
    with organization_scope(organization.pk):
        days = MeasuredDay.objects.owned_by(organization).of("all")
        found: dict[str, Decimal] = {}
        for day in days:
            for name, count in day.units.items():
                found[name] = found.get(name, Decimal(0)) + Decimal(count)
        return found


def left_out(organization) -> int:
    rows = Discard.objects.owned_by(organization).filter(reason="too_many_units")
    return sum(rows.values_list("count", flat=True))


def test_the_hundred_and_first_name_of_a_day_is_counted_with_the_others(acme, send):
    send(*(using(**dict.fromkeys(NAMES[start : start + 15], 2)) for start in range(0, len(NAMES), 15)))
    send(using(n000=1, another=5, more=6))
    send(using(another=7) | {"occurredAt": (NOON + DAY).isoformat()}, now=NOON + DAY)

    found = summed(acme)
    assert found.pop("(other)") == 5 * 2 + 5 + 6
    assert found.pop("n000") == 3
    assert found.pop("another") == 7  # each day has room of its own
    assert len(found) == MOST - 1
    assert {*found.values()} == {2}
    with organization_scope(acme.pk):
        assert left_out(acme) == 5 + 2
        assert list(Audit(acme.pk).run()) == []
    oracle.assert_true(acme)


def test_an_event_that_comes_again_is_the_same_whatever_its_units_are_called(acme, send):
    send(*(using(**dict.fromkeys(NAMES[start : start + 15], 1)) for start in range(0, MOST, 15)))
    late = using(late=1.5) | {"id": "late"}

    assert [send(late).accepted, send(late).duplicates] == [1, 1]


def test_names_of_another_organization_take_no_room(acme, elsewhere, send):
    send(*(using(**dict.fromkeys(NAMES[start : start + 15], 1)) for start in range(0, MOST, 15)), to=elsewhere)
    send(using(mine=1))

    assert summed(acme) == {"mine": 1}


def test_known_names_take_no_further_question(acme, send, django_assert_num_queries):
    values = {(naming_units.UNIT, NOON.date(), "web_search")}
    telling_apart.remember(acme.pk, values, ())

    with django_assert_num_queries(0):
        assert naming_units.told_apart(acme.pk, values) == values


def test_what_a_process_cannot_say_of_all_it_asks(acme):
    telling_apart.remember(acme.pk, {(naming_units.UNIT, NOON.date(), "known")}, ())
    values = {(naming_units.UNIT, NOON.date(), name) for name in ("known", "new")}

    assert telling_apart.known(acme.pk, values) is None
    assert naming_units.told_apart(acme.pk, values) == values


def test_many_rows_with_names_of_their_own_are_added_up_in_time(in_acme):
    """A thousand rows took a minute where each was added to all names before it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '20s'")
        cursor.execute(
            "SELECT usage_sum_units(units) FROM (SELECT row, jsonb_object_agg(md5(row || '-' || name), '1') AS units "
            "FROM generate_series(1, 1000) AS row, generate_series(1, 20) AS name GROUP BY row) AS rows"
        )
        [[found]] = cursor.fetchall()
    assert found.count('"1"') == 20_000


def test_sums_of_units_are_exact_and_leave_out_what_is_nothing(in_acme):
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT usage_sum_units(units) FROM (VALUES (\'{"a": "0.1", "b": "5"}\'::jsonb), (NULL), (\'{}\'), '
            '(\'{"a": "0.2", "b": "-5"}\')) AS rows (units)'
        )
        assert cursor.fetchone() == ('{"a": "0.3"}',)
        cursor.execute("SELECT usage_sum_units(units) FROM (SELECT '{}'::jsonb WHERE false) AS rows (units)")
        assert cursor.fetchone() == (None,)  # for which nothing is called: most groups have none


def test_a_step_ends_before_a_worker_is_taken_for_dead(acme, send):
    """And whoever adds up before they read reads for as long as they may."""
    with organization_scope(acme.pk, up_to_date=False):
        longest = timeout()
    for is_last in (False, True):
        send(event(id=f"{is_last}"))
        with organization_scope(acme.pk, up_to_date=False):
            for _ in range(2):  # the second finds nothing
                catching_up.add_up(acme.pk, is_last=is_last)
                assert timeout() == ("30s" if is_last else longest)


def timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        [found] = cursor.fetchone()
        return found
