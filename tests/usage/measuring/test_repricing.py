"""What had no price gets one later: the call, and every sum that it is a part of, once (reliability B31)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command

from tests import make
from tests.usage.measuring.conftest import NOON, event
from tests.usage.measuring.test_adding_up import assert_true_to_its_events, read_a_day, story
from tests.usage.measuring.test_rezoning import move_to
from tests.usage.measuring.test_tags import choose, expected, summed
from tokentra.lib.periods import period
from tokentra.lib.tenancy import organization_scope
from usage import own_prices, stats
from usage.audit import Audit
from usage.call_kinds import CallKind
from usage.forms import Lens
from usage.measured import Event, MeasuredDay, MeasuredHour, Run
from usage.measuring import repricing, tracking
from usage.models import DayDimension, DayRollup, HourRollup, PriceOverride
from usage.repricing import Asked
from usage.rows import Basis
from usage.unpriced import TOKENLESS

pytestmark = pytest.mark.django_db

DAY = NOON.date()
NOBODY_KNOWS = "nobody-knows"  # a model of `story` that the price book does not have


def own_price(organization, rate, *, model=NOBODY_KNOWS, since=DAY - timedelta(days=40)):
    with organization_scope(organization.pk):
        PriceOverride.objects.create(
            organization=organization,
            provider="openai",
            model=model,
            rates={"input": rate, "cache_read": rate, "output": rate},
            since=since,
        )


NO_PRICE, EVERY_ROW = Asked(), Asked(every_row=True)


def reprice(organization, asked=NO_PRICE, *, dry_run=False):
    return list(repricing.reprice(organization.pk, asked, dry_run=dry_run))


def rows(organization):
    with organization_scope(organization.pk):
        return [list(each.objects.order_by("pk").values()) for each in (Event, MeasuredDay, Run)]


def calls_without_price(organization):
    with organization_scope(organization.pk):
        return sum(row.unpriced_calls or 0 for row in MeasuredDay.objects.filter(dimension="all"))


@pytest.mark.parametrize("step", [repricing.MOST, 7])
def test_b31_a_later_price_reaches_calls_and_every_sum_once(step, acme, send, monkeypatch):
    monkeypatch.setattr(repricing, "MOST", step)
    choose(acme, "region")
    read_a_day(acme, make.connection(acme))
    send(*(said | {"tags": {"region": f"r{n % 3}"}} for n, said in enumerate(story(1, 60, days=2))))
    assert calls_without_price(acme) > 7
    own_price(acme, "2")

    changes = reprice(acme)

    assert calls_without_price(acme) == 0
    assert_true_to_its_events(acme)
    assert summed(acme, "region", by="model") == expected(acme, "region", by="model")
    assert list(Audit(acme.pk).run()) == []
    with organization_scope(acme.pk):
        priced = Event.objects.filter(kind__model=NOBODY_KNOWS)
        assert {(kept.basis, kept.amount) for kept in priced} == {
            ("computed", Decimal(2 * (kept.tokens_in + kept.tokens_out)) / 10**6) for kept in priced
        }
        assert sum(change.after for change in changes) == sum(kept.amount for kept in priced)
    assert reprice(acme) == reprice(acme, EVERY_ROW) == []


def test_b31_a_dry_run_tells_and_changes_nothing(acme, send):
    yesterday = (NOON - timedelta(days=1)).isoformat()
    send(*(event(id=f"e{n}", model=NOBODY_KNOWS, tokens={"input": 10**6}) for n in range(3)))
    send(event(model=NOBODY_KNOWS, tokens={"output": 10**6}, occurredAt=yesterday))
    own_price(acme, "3")
    before = rows(acme)

    told = [
        (c.day, c.model, c.rows, c.what, c.before, c.after, c.unpriced_before, c.unpriced_after)
        for c in reprice(acme, dry_run=True)
    ]

    assert told == [
        (DAY - timedelta(days=1), NOBODY_KNOWS, 1, "calls", 0, 3, 10**6, 0),
        (DAY, NOBODY_KNOWS, 3, "calls", 0, 9, 3 * 10**6, 0),
    ]
    assert rows(acme) == before


def test_hours_are_right_at_once_while_another_zone_is_still_to_make_quarters_of_them(acme, alice, send):
    at = [(NOON - timedelta(minutes=minutes)).isoformat() for minutes in range(0, 3000, 20)]
    send(*(event(id=f"e{n}", model=NOBODY_KNOWS, occurredAt=each) for n, each in enumerate(at)))
    move_to(acme, "Asia/Kolkata", by=alice)
    own_price(acme, "2")

    reprice(acme)

    assert list(Audit(acme.pk).run()) == []
    with organization_scope(acme.pk):
        assert not MeasuredHour.objects.exclude(calls__gt=0).exists()


def test_what_has_a_price_keeps_it_unless_it_is_asked_for(acme, send):
    send(event(id="one", tokens={"input": 10**6}), event(id="guess", tokens={"input": 10**6}, usageSource="estimated"))
    own_price(acme, "7", model="gpt-4o-mini")
    assert reprice(acme) == []

    [change] = reprice(acme, EVERY_ROW)

    assert (change.rows, change.after) == (2, 14)
    with organization_scope(acme.pk):
        assert {(kept.basis, kept.amount) for kept in Event.objects.all()} == {("computed", 7), ("estimated", 7)}
    assert_true_to_its_events(acme)


def test_a_new_price_makes_kinds_or_finds_them(acme, send):
    send(event(id="priced", tokens={"input": 10**6}), event(id="free", model=NOBODY_KNOWS, operation="chat"))
    own_price(acme, "1")
    tracking.forget()
    send(event(id="priced so", model=NOBODY_KNOWS, operation="chat"))
    own_price(acme, "7", model="gpt-4o-mini")
    before = {row["id"]: row for row in kinds_of(acme)}

    reprice(acme, EVERY_ROW)

    [made] = [row for row in kinds_of(acme) if row["id"] not in before]
    assert (len(before), made["model"], made["basis"]) == (3, "gpt-4o-mini", "computed")
    with organization_scope(acme.pk):
        calls = {kept.ref: kept for kept in Event.objects.all()}
    assert calls["free"].kind_id == calls["priced so"].kind_id in before
    assert calls["priced"].kind_id == made["id"]
    assert "override:" in calls["priced"].rate_ref
    assert_true_to_its_events(acme)


def kinds_of(organization):
    with organization_scope(organization.pk):
        return list(CallKind.objects.values())


UNITS_ALONE = {"provider": "pinecone", "model": "serverless", "tokens": None, "units": {"read": 5}}
COUNTED = HourRollup, DayDimension, DayRollup


def price_of_reads(organization):
    with organization_scope(organization.pk):
        own_prices.enter(organization, "pinecone", "", rates={"unit:read": Decimal(1)}, since=DAY - timedelta(days=40))


def tokenless(organization):
    with organization_scope(organization.pk):
        of_day = Lens(period("24h", NOON + timedelta(hours=1))).question()
        return stats.totals(organization, of_day).tokenless


def test_calls_that_told_no_tokens_are_told_until_they_have_a_price(acme, send):
    send(event(**UNITS_ALONE, id="a"), event(**UNITS_ALONE, id="b"), event())
    assert tokenless(acme) == 2

    price_of_reads(acme)
    reprice(acme)

    assert tokenless(acme) == 0
    assert_true_to_its_events(acme)
    with organization_scope(acme.pk):
        assert not any(of.objects.filter(basis=TOKENLESS).exists() for of in COUNTED)


def test_what_was_added_up_before_such_calls_were_told_is_made_anew(acme, send):
    send(event(**UNITS_ALONE))
    with organization_scope(acme.pk):
        for of in COUNTED:
            assert of.objects.filter(basis=TOKENLESS).update(basis=Basis.UNPRICED, id=acme.pk)

    price_of_reads(acme)
    reprice(acme)

    assert tokenless(acme) == 0  # one was taken back that is not there
    assert list(Audit(acme.pk, fix=True).run())
    assert_true_to_its_events(acme)


def test_what_was_reported_or_cannot_be_known_stays(acme, send):
    send(event(id="told", cost={"amount": "5"}), event(id="unknown", usageSource="missing"))
    own_price(acme, "7", model="gpt-4o-mini")
    before = rows(acme)

    assert reprice(acme, EVERY_ROW) == []
    assert rows(acme) == before


def test_only_the_asked_days_are_priced_anew(acme, send):
    for days in range(3):
        send(event(model=NOBODY_KNOWS, occurredAt=(NOON - timedelta(days=days)).isoformat()))
    own_price(acme, "1")

    changes = reprice(acme, Asked(start=DAY - timedelta(days=1), end=DAY))

    assert [change.day for change in changes] == [DAY - timedelta(days=1)]
    assert calls_without_price(acme) == 2


def test_another_organizations_calls_stay_without_a_price(acme, elsewhere, send):
    send(event(model=NOBODY_KNOWS), to=elsewhere)
    own_price(acme, "1")

    assert reprice(acme) == reprice(elsewhere) == []
    assert calls_without_price(elsewhere) == 1


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_b31_the_command_prices_calls_as_it_prices_rows(acme, send, capsys):
    send(event(model=NOBODY_KNOWS, tokens={"input": 10**6}))
    own_price(acme, "3")

    call_command("reprice", org=acme.slug, dry_run=True)
    call_command("reprice", org=acme.slug)

    line = f"{DAY} openai {NOBODY_KNOWS}: 1 calls, 0 to 3.000000000000 USD, 1000000 tokens get a price"
    assert capsys.readouterr().out.count(line) == 2
    assert calls_without_price(acme) == 0
