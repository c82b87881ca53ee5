"""Two names may have the same hash, made for it or by chance: nothing stops, and their sums are those of one of them.

Rows of sums are found by hashes of names, and end users choose many of those.
"""

import pytest
from django.db import connection

from tests.usage.measuring import oracle
from tests.usage.measuring.conftest import event
from tests.usage.measuring.test_adding_up import story
from tests.usage.measuring.test_repricing import EVERY_ROW, own_price, reprice
from tests.usage.measuring.test_tags import choose
from tests.usage.measuring.test_totals import read_totals
from tokentra.lib.tenancy import organization_scope
from usage.measured import MeasuredDay, Waiting
from usage.measuring import appearing, rebuilding, statements
from usage.measuring.hashes import hash_of

pytestmark = pytest.mark.django_db

# Two texts that are known for it.
LESSER = "TEXTCOLLBYfGiJUETHQ4hAcKSMd5zYpgqf1YRDhkmxHkhPWptrkoyz28wnI9V0aHeAuaKnak"
GREATER = LESSER.replace("hAc", "hEc")
FIELDS = ["customerId", "userId", "feature", "project", "team", "tags"]


def said(field, name):
    return {"tags": {"region": name}} if field == "tags" else {field: name}


def by_name(organization):
    with organization_scope(organization.pk):
        rows = MeasuredDay.objects.owned_by(organization).filter(value__in=[LESSER, GREATER])
        return {(row.by, row.value): row.calls for row in rows}


def calls(organization):
    with organization_scope(organization.pk):
        return sum(row.calls for row in MeasuredDay.objects.owned_by(organization).of("all"))


def differing(organization):
    return list(rebuilding.compare(organization.pk, rebuilding.days_of(organization.pk)))


def test_they_have_the_same_hash():
    assert LESSER != GREATER
    assert hash_of(LESSER) == hash_of(GREATER)


@pytest.mark.parametrize("field", FIELDS)
def test_in_one_step_they_are_added_up_as_the_lesser(field, acme, send):
    choose(acme, "region")
    send(event(**said(field, GREATER)), event(**said(field, LESSER)), event(**said(field, "another")))

    held = by_name(acme)

    assert held[("", LESSER)] == 2
    assert {name for _, name in held} == {LESSER}
    assert calls(acme) == 3
    assert differing(acme) == []


@pytest.mark.parametrize("field", FIELDS[:-1])
def test_in_two_steps_the_second_is_added_to_the_first(field, acme, send):
    for name in (GREATER, LESSER):
        send(event(**said(field, name)))
        assert calls(acme)

    assert by_name(acme)[("", GREATER)] == 2
    assert differing(acme) == []


def test_a_later_price_reaches_both(acme, send):
    send(event(customerId=GREATER), event(customerId=LESSER))
    own_price(acme, "1", model="gpt-4o-mini")

    [change] = reprice(acme, EVERY_ROW)

    assert change.rows == 2
    assert differing(acme) == []


def test_as_customers_they_are_one(acme, send):
    send(event(customerId=GREATER), event(customerId=LESSER), event(customerId="another"))
    with organization_scope(acme.pk):
        pass
    day = rebuilding.days_of(acme.pk)[0]

    with organization_scope(acme.pk):
        assert appearing.unique(acme, appearing.CUSTOMER, start=day, end=day.replace(year=day.year + 1)) == 2


def euros(amount):
    return {"cost": {"amount": amount, "currency": "EUR"}}


APART = {
    "two fields": ({"model": "a\x1fb", "project": "c"}, {"model": "a", "project": "b\x1fc"}),
    "a currency": ({"customerId": "c", "model": "m\x1fEUR"}, {"customerId": "c", "model": "m", **euros("2")}),
    "tags": ({"tags": {"region": "e\x1fEUR"}}, {"tags": {"region": "e"}, **euros("2")}),
}


@pytest.mark.parametrize("pair", APART.values(), ids=APART)
def test_what_stands_between_names_stands_in_none(pair, acme, send):
    """Else these would have one key, and dollars were added to euros."""
    choose(acme, "region")
    send(*(event(**told) for told in pair))

    assert calls(acme) == 2
    assert differing(acme) == []
    oracle.assert_true(acme)
    with organization_scope(acme.pk):
        texts = {text for row in MeasuredDay.objects.owned_by(acme) for text in (row.value, row.by_value)}
    assert not [text for text in texts if "\x1f" in text]


@pytest.fixture
def only_alike(monkeypatch):
    """No statement is the quick one: each of those finds two rows for one key."""
    connection.close()
    for name in statements.ADDING_UP:
        if not name.endswith(statements.ALIKE):
            fails = "SELECT (SELECT 1 UNION SELECT 2) = 1, ARRAY[$1]"
            monkeypatch.setitem(statements.PREPARED, name, f"(uuid, interval, text[], text, boolean, int) AS {fails}")
    yield
    connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("tag", ["region", ""])
def test_what_is_used_then_comes_to_the_same(tag, acme, send, only_alike):
    if tag:
        choose(acme, tag)
    for seed in (3, 4):
        send(*story(seed, 40))
        if seed == 4:
            read_totals(acme)

    assert calls(acme) == 80
    oracle.assert_true(acme)
    assert differing(acme) == []
    with organization_scope(acme.pk):
        assert not Waiting.objects.exists()
