"""A call whose tokens have a price and one of whose units has none: its amount is not all of its cost, and sums say so."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from tests.usage.measuring import oracle
from tests.usage.measuring.conftest import NOON, event
from tests.usage.measuring.test_repricing import EVERY_ROW, reprice
from tests.usage.measuring.test_tags import choose
from tokentra.lib.tenancy import organization_scope
from usage.audit import Audit
from usage.call_kinds import CallKind
from usage.measured import Event, MeasuredDay, MeasuredHour, Run
from usage.measuring import tracking
from usage.measuring.kinds import kind_of
from usage.measuring.prices import PriceTable
from usage.measuring.shape import Cost, Sent, Tokens
from usage.models import DayDimension, DayRollup, HourRollup, PriceOverride
from usage.pricing import Override
from usage.unpriced import is_in_part

SEARCH = Override(UUID(int=2), "openai", "", date(2026, 1, 1), rates={"unit:web_search": Decimal("0.01")})
TENTH_OFF = Override(UUID(int=3), "openai", "", date(2026, 1, 1), discount_percent=Decimal(10))
MILLION = Tokens(input=1_000_000)
SEARCHED = {"web_search": 3}


@pytest.mark.parametrize(
    ("said", "units", "own", "amount", "in_part"),
    [
        ({}, {}, [], "0.15", False),
        ({}, {"web_search": 3}, [], "0.15", True),
        ({}, {"web_search": 3}, [SEARCH], "0.18", False),
        ({}, {"web_search": 3, "image": 1}, [SEARCH], "0.18", True),
        ({}, {"image": 1}, [SEARCH], "0.15", True),
        ({}, {"web_search": 3}, [TENTH_OFF], "0.135", True),
        ({"usage_source": "estimated"}, {"web_search": 3}, [], "0.15", True),
        ({"cost": Cost(amount=Decimal(7))}, {"web_search": 3}, [], "7", False),
        ({"tokens": None}, {"web_search": 3}, [SEARCH], "0.03", False),
        ({"tokens": None}, {"web_search": 3}, [], None, False),
        ({"tokens": None}, {}, [], "0", False),
        ({"usage_source": "missing"}, {"web_search": 3}, [], None, False),
        ({"model": "nobody-knows"}, {"web_search": 3}, [], None, False),
        ({"service_tier": "x:units unpriced"}, {"web_search": 3}, [], None, None),
    ],
)
def test_a_price_says_that_it_leaves_units_out(said, units, own, amount, in_part):
    sent = Sent(**{"provider": "openai", "model": "gpt-4o-mini", "tokens": MILLION} | said)

    price = PriceTable(own).price(sent, NOON, {name: Decimal(count) for name, count in units.items()})

    assert price.amount == (None if amount is None else Decimal(amount))
    assert in_part is None or is_in_part(price.rate_ref) is in_part


def test_it_is_of_a_kind_however_many_names_of_units_there_are():
    prices = PriceTable()
    sent = Sent(provider="openai", model="gpt-4o-mini", tokens=MILLION)

    refs = {prices.price(sent, NOON, {f"u{n}": Decimal(1)}).rate_ref for n in range(50)}

    [ref] = refs
    kind = kind_of(None, "openai", "gpt-4o-mini", None, "ok", None, "computed", ref)
    assert CallKind(provider=kind.provider, model=kind.model, rate=kind.rate).rate_ref == ref


def own_price(organization, rate="0.01", unit="web_search"):
    with organization_scope(organization.pk):
        own = PriceOverride.objects.create(
            organization=organization, provider="openai", rates={f"unit:{unit}": rate}, since=date(2026, 1, 1)
        )
    tracking.forget()
    return own


def in_sums(organization):
    """How many calls are partly priced, by each table that says so."""
    with organization_scope(organization.pk):
        rows = [*MeasuredDay.objects.of("all"), *MeasuredHour.objects.of("all"), *Run.objects.all()]
        found = {type(row).__name__: 0 for row in rows}
        for row in rows:
            found[type(row).__name__] += row.partly_priced or 0
        for table in (DayDimension, HourRollup, DayRollup):
            counted = table.objects.filter(basis="partly")
            counted = counted if table is DayRollup else counted.filter(dimension="model")
            found[table.__name__] = sum(row.requests for row in counted)
    return found


def every(count):
    names = ("MeasuredDay", "MeasuredHour", "Run", "DayDimension", "HourRollup", "DayRollup")
    return dict.fromkeys(names, count)


def assert_true(organization):
    oracle.assert_true(organization)
    assert list(Audit(organization.pk).run()) == []


def cost_of(organization):
    with organization_scope(organization.pk):
        return sum(row.amount for row in MeasuredDay.objects.of("all"))


CALLS = (
    event(id="plain", runId="r"),
    event(id="searched", runId="r", units=SEARCHED, customerId="c", tags={"region": "eu"}),
    event(id="again", runId="r", units=SEARCHED, customerId="c", status="error"),
    event(id="told", runId="r", units=SEARCHED, cost={"amount": "2", "currency": "EUR"}),
    event(id="alone", runId="r", units=SEARCHED, tokens=None),
    event(id="unknown", runId="r", units=SEARCHED, model="nobody-knows"),
    event(id="tier", runId="r", units=SEARCHED, model="nobody-knows", serviceTier="x:units unpriced"),
)


@pytest.mark.django_db
def test_every_sum_counts_it_once(acme, send):
    choose(acme, "region")

    send(*CALLS)

    assert in_sums(acme) == every(2)
    assert_true(acme)
    with organization_scope(acme.pk):
        [mine] = MeasuredDay.objects.of("customer")
        [of_tag] = MeasuredDay.objects.of("tag:region")
        assert (mine.partly_priced, mine.unpriced_calls, of_tag.partly_priced) == (2, None, 1)


@pytest.mark.django_db
def test_an_own_price_makes_it_whole_and_without_it_it_is_partly_priced_again(acme, send):
    choose(acme, "region")
    send(*CALLS)
    before = cost_of(acme)
    own = own_price(acme)

    changes = reprice(acme)

    assert [(each.model, each.rows, each.after - each.before) for each in changes] == [
        ("gpt-4o-mini", 3, Decimal("0.09"))
    ]
    assert in_sums(acme) == every(0)
    assert cost_of(acme) == before + Decimal("0.09")
    assert_true(acme)
    assert reprice(acme) == reprice(acme, EVERY_ROW) == []
    with organization_scope(acme.pk):
        own.delete()
    assert reprice(acme) == []

    reprice(acme, EVERY_ROW)

    assert in_sums(acme) == every(2)
    assert cost_of(acme) == before
    assert_true(acme)


@pytest.mark.django_db
@pytest.mark.parametrize(("unit", "rate", "left"), [("web_search", "0", 0), ("image", "0.01", 1)])
def test_a_price_of_nothing_is_one_and_that_of_another_unit_is_none(unit, rate, left, acme, send):
    send(event(units=SEARCHED))
    before = cost_of(acme)
    own_price(acme, rate, unit)

    changes = reprice(acme)

    assert [(each.rows, each.before) for each in changes] == ([] if left else [(1, before)])
    with organization_scope(acme.pk):
        assert sum(row.partly_priced or 0 for row in MeasuredDay.objects.of("all")) == left
    assert_true(acme)


@pytest.mark.django_db
def test_what_was_kept_before_prices_said_so_stays_as_it_is_until_it_is_priced_anew(acme, send):
    send(event(units=SEARCHED, runId="r"))
    with organization_scope(acme.pk):
        as_before = Event.objects.get()
        kind = CallKind.objects.get(pk=(acme.pk, as_before.kind_id))
        CallKind.objects.create(
            organization=acme, id=UUID(int=7), provider=kind.provider, model=kind.model, status=kind.status,
            environment=kind.environment, operation=kind.operation, basis=kind.basis,
            rate=kind.rate.removesuffix(":units unpriced"),
        )  # fmt: skip
        Event.objects.update(kind_id=UUID(int=7))
    list(Audit(acme.pk, fix=True).run())
    assert in_sums(acme) == every(0)

    assert (list(Audit(acme.pk).run()), reprice(acme)) == ([], [])
    [change] = reprice(acme, EVERY_ROW)

    assert (change.rows, change.before) == (1, change.after)
    assert in_sums(acme) == every(1)
    assert_true(acme)


@pytest.mark.django_db
def test_it_is_made_anew_with_all_sums(acme, send):
    send(*CALLS, event(id="early", units=SEARCHED, occurredAt=(NOON - timedelta(days=3)).isoformat()))
    with organization_scope(acme.pk):
        for table in (MeasuredDay, MeasuredHour, Run):
            table.objects.update(partly_priced=9)

    assert list(Audit(acme.pk, fix=True).run())

    assert_true(acme)
    assert in_sums(acme) == every(3) | {"Run": 2}
