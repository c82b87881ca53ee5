"""The page of own prices: what a price does is said before it holds, and what has held stays as history."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import AuditLine
from accounts.permissions import Role
from tests import make
from tests.conftest import Browser
from tokentra.lib.tenancy import organization_scope
from usage import own_prices
from usage.measuring import tracking
from usage.models import PriceOverride

pytestmark = [pytest.mark.django_db, pytest.mark.worker]
PAGE, NEW = "/settings/prices/", "/settings/prices/new/"
TODAY = timezone.now().date()
ASKED = {"provider": "OpenAI", "model": "gpt-4o-mini", "processing": "standard", "since": f"{TODAY}", "input": "0.10"}


@pytest.fixture
def alices(acme, alice) -> Browser:
    return Browser(alice)


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def prices(of) -> list[PriceOverride]:
    with organization_scope(of.pk):
        return list(PriceOverride.objects.owned_by(of).order_by("since"))


def used(of, **call: object) -> None:
    tracking.forget()
    tracking.track(of.pk, [{"provider": "openai", "model": "gpt-4o-mini"} | call], key_id=None, now=timezone.now())


def audited(of) -> list[tuple[str, str]]:
    with organization_scope(of.pk):
        lines = AuditLine.objects.owned_by(of).filter(action__startswith="price_").order_by("at")
        return [(line.action, str(line.actor)) for line in lines]


def test_what_it_does_is_said_before_it_holds(acme, alices):
    used(acme, tokens={"input": 2_000_000, "output": 1_000_000})

    shown = text_of(alices.post(NEW, ASKED))

    assert "$0.10 for a million tokens of input instead of $0.15" in shown
    assert "The last 30 days would have come to <strong>$0.80</strong> instead of $0.90" in shown
    assert "gpt-4o-mini: 3.00M tokens" in shown
    assert prices(acme) == []
    assert audited(acme) == []


def test_units_have_no_price_before_and_one_after(acme, alices):
    used(acme, provider="pinecone", model="shop", units={"read_unit": 500})
    asked = {
        "provider": "pinecone",
        "processing": "standard",
        "since": f"{TODAY}",
        "unit": "read_unit",
        "unit_rate": "0.016",
    }

    shown = text_of(alices.post(NEW, asked))
    assert "$0.016 for one read_unit" in shown
    assert "shop: 500 read_unit: <span" in shown
    assert "instead of no price" in shown
    assert "would have come to <strong>$8.00</strong> instead of $0.00" in shown
    alices.post(NEW, asked | {"act": "enter"})

    [own] = prices(acme)
    assert (own.provider, own.model, own.rates) == ("pinecone", "", {"unit:read_unit": "0.016"})


def test_what_nothing_would_have_is_said_so_that_a_wrong_name_is_seen(acme, alices):
    used(acme, tokens={"input": 1})

    assert "Nothing of the last 30 days would have it" in text_of(alices.post(NEW, ASKED | {"model": "gpt-4o-mimi"}))


def test_of_batches_nothing_is_claimed(acme, alices):
    used(acme, tokens={"input": 1})

    assert "cannot be said" in text_of(alices.post(NEW, ASKED | {"processing": "batch"}))


def test_a_price_is_entered_ended_and_kept_as_history(acme, alice, alices):
    alices.post(NEW, ASKED | {"act": "enter"})
    [own] = prices(acme)
    assert (own.provider, own.since, own.rates) == ("openai", TODAY, {"input": "0.10"})
    assert "$0.10 for a million tokens of input" in text_of(alices.get(PAGE))

    tomorrow = TODAY + timedelta(days=1)
    alices.post(f"{PAGE}{own.pk}/end/", {"until": f"{tomorrow}"})
    assert prices(acme)[0].until == tomorrow
    with organization_scope(acme.pk):
        PriceOverride.objects.filter(pk=own.pk).update(since=TODAY - timedelta(days=9), until=TODAY)
    shown = text_of(alices.get(PAGE))

    assert "kept as history" in shown
    assert "No price of your own" in shown
    assert audited(acme) == [("price_entered", str(alice)), ("price_ended", str(alice))]


@pytest.mark.parametrize(
    ("days", "said"),
    [(-1, "choose a later day"), (0, "choose a later day"), (None, "Choose a day"), ("soon", "Enter a valid date")],
)
def test_an_end_that_makes_no_sense_changes_nothing(acme, alices, days, said):
    alices.post(NEW, ASKED | {"act": "enter"})
    [own] = prices(acme)
    until = f"{TODAY + timedelta(days=days)}" if isinstance(days, int) else days or ""

    assert said in text_of(alices.post(f"{PAGE}{own.pk}/end/", {"until": until}, follow=True))
    assert prices(acme)[0].until is None


def test_the_past_cannot_be_ended_and_an_end_not_moved(acme):
    with organization_scope(acme.pk):
        own = own_prices.enter(acme, "openai", "", rates={}, discount=Decimal(5), since=TODAY - timedelta(days=9))
        with pytest.raises(own_prices.Refused, match="past was priced"):
            own_prices.end(own, TODAY - timedelta(days=1), today=TODAY)
        own_prices.end(own, TODAY, today=TODAY)
        with pytest.raises(own_prices.Refused, match="ended already"):
            own_prices.end(own, TODAY + timedelta(days=3), today=TODAY)


def test_only_what_has_not_begun_is_removed(acme, alices):
    alices.post(NEW, ASKED | {"act": "enter"})
    alices.post(NEW, ASKED | {"act": "enter", "since": f"{TODAY + timedelta(days=5)}"})
    held, coming = prices(acme)

    assert "has held already" in text_of(alices.post(f"{PAGE}{held.pk}/remove/", follow=True))
    assert "had not begun" in text_of(alices.post(f"{PAGE}{coming.pk}/remove/", follow=True))
    assert prices(acme) == [held]
    assert [action for action, _ in audited(acme)] == ["price_entered", "price_entered", "price_removed"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"provider": ""}, "Say whose price it is."),
        ({"since": ""}, "Say from which day it holds."),
        ({"until": f"{TODAY}"}, "It ends before it begins."),
        ({"discount": "10"}, "Give either rates or a discount."),
        ({"input": ""}, "Give either rates or a discount."),
        ({"input": "-1"}, "greater than or equal to 0"),
        ({"input": "NaN"}, "Enter a number."),
        ({"discount": "101", "input": ""}, "less than or equal to 100"),
        ({"unit": "read_unit"}, "Give a unit and its price together."),
        ({"unit": "a b", "unit_rate": "1"}, "Write the unit&#x27;s name as your calls do"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_entered(acme, alices, more, said):
    answer = alices.post(NEW, ASKED | {"act": "enter"} | more)

    assert answer.status_code == 422
    assert said in text_of(answer)
    assert prices(acme) == []


@pytest.mark.parametrize(
    ("role", "may"), [(Role.ADMIN, True), (Role.FINANCE, True), (Role.MEMBER, False), (Role.VIEWER, False)]
)
def test_owners_admins_and_finance_set_prices(acme, role, may):
    browser = Browser(make.member(acme, "carol@acme.example", role))

    assert (browser.get(PAGE).status_code, browser.post(NEW, ASKED | {"act": "enter"}).status_code) == (
        (200, 302) if may else (403, 403)
    )
    assert (PAGE in text_of(browser.get("/settings/profile/"))) is may
    assert len(prices(acme)) == may


def test_another_organizations_price_is_not_there(acme, elsewhere, mallory):
    with organization_scope(acme.pk):
        own = own_prices.enter(acme, "openai", "", rates={"input": Decimal(1)}, since=TODAY)

    for act in ("end", "remove"):
        assert Browser(mallory).post(f"{PAGE}{own.pk}/{act}/", {"until": "2999-01-01"}).status_code == 404
    assert "openai" not in text_of(Browser(mallory).get(PAGE)).split("Enter a price")[0]
