"""Asking for more: by those who may, decided by others, ending on its day."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from accounts.permissions import Role
from budgets import raising
from budgets.asked import Answer, Raise
from tests import make
from tests.answers import body_of
from tests.budgets.conftest import in_zone, standing
from tests.conftest import Browser
from tests.usage.measuring.conftest import NOON
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

WANTED = {"amount": "200", "last_day": "2026-11-25", "reason": "The launch"}


@pytest.fixture
def budget(acme):
    return make.budget(acme, "100")


@pytest.fixture
def bobs(bob) -> Browser:
    return Browser(bob)


def asked(of) -> Raise:
    with organization_scope(of.pk):
        return Raise.objects.owned_by(of).latest("asked_at")


def test_a_request_waits_for_somebody_else_and_its_limit_ends_with_its_last_day(acme, budget, alices, bobs):
    in_zone(acme, "America/New_York")
    bobs.post(f"/budgets/{budget.pk}/ask/", WANTED)
    assert "The launch" in body_of(alices.get("/budgets/"))
    assert standing(acme, NOON).limit == 100

    alices.post(f"/budgets/requests/{asked(acme).pk}/approve/")

    end = datetime(2026, 11, 26, 5, tzinfo=UTC)
    assert asked(acme).ends_at == end
    assert standing(acme, NOON).limit == 200
    assert "Raised until the end of 25 Nov" in body_of(alices.get(f"/budgets/{budget.pk}/"))
    assert standing(acme, end).limit == 100


def test_more_for_one_value_is_asked_for_in_its_row_and_raises_its_limit_alone(acme, alices, bobs, spend):
    spend("40", userId="ann & bo")
    spend("30", userId="cy")
    budget = make.budget(acme, "100", ledger="measured", each="user")
    path = f"/budgets/{budget.pk}/ask/"
    page = body_of(bobs.get(f"/budgets/{budget.pk}/"))
    assert f'href="{path}?value=ann%20%26%20bo"' in page
    assert f'href="{path}"' not in page

    bobs.post(path, WANTED | {"value": "ann & bo"})
    alices.post(f"/budgets/requests/{asked(acme).pk}/approve/")

    page = body_of(alices.get(f"/budgets/{budget.pk}/"))
    assert "$40.00 of $200.00" in page
    assert "$30.00 of $100.00" in page


@pytest.mark.parametrize("value", ["", "nobody", "\0"])
def test_more_for_a_value_that_no_figure_has_is_not_asked_for(acme, bobs, spend, value):
    spend("40", userId="ann")
    budget = make.budget(acme, "100", ledger="measured", each="user")
    path = f"/budgets/{budget.pk}/ask/"

    assert bobs.get(path, {"value": value}).status_code == 302
    assert bobs.post(path, WANTED | {"value": value}).status_code == 422


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.FINANCE])
def test_nobody_approves_their_own_request(acme, budget, role):
    browser = Browser(make.member(acme, "carol@acme.example", role))
    browser.post(f"/budgets/{budget.pk}/ask/", WANTED)

    assert f"/budgets/requests/{asked(acme).pk}/approve/" not in body_of(browser.get("/budgets/"))
    answer = browser.post(f"/budgets/requests/{asked(acme).pk}/approve/", follow=True)

    assert "Somebody else has to approve what you asked for." in body_of(answer)
    assert asked(acme).state == Answer.OPEN
    assert standing(acme, NOON).limit == 100


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"amount": "100"}, "amount"),
        ({"amount": "1"}, "amount"),
        ({"last_day": "2026-11-19"}, "last_day"),
        ({"last_day": "2028-01-01"}, "last_day"),
        ({"reason": " "}, "reason"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_beside_its_field(acme, budget, bobs, told, field):
    answer = bobs.post(f"/budgets/{budget.pk}/ask/", WANTED | told)

    assert answer.status_code == 422
    assert field in answer.context["form"].errors


def test_a_viewer_asks_for_nothing_and_a_member_decides_nothing(acme, budget, bobs):
    viewer = Browser(make.member(acme, "carol@acme.example", Role.VIEWER))
    assert viewer.post(f"/budgets/{budget.pk}/ask/", WANTED).status_code == 403
    bobs.post(f"/budgets/{budget.pk}/ask/", WANTED)

    for act in ("approve", "decline"):
        assert bobs.post(f"/budgets/requests/{asked(acme).pk}/{act}/").status_code == 403


def test_a_request_is_decided_once(acme, budget, alices, bobs):
    bobs.post(f"/budgets/{budget.pk}/ask/", WANTED)
    assert "Your last request for this budget still waits" in body_of(bobs.post(f"/budgets/{budget.pk}/ask/", WANTED))
    path = f"/budgets/requests/{asked(acme).pk}"

    alices.post(f"{path}/decline/", {"note": "Next month"})
    late = alices.post(f"{path}/approve/", follow=True)
    bobs.post(f"{path}/withdraw/")

    assert "answered already" in body_of(late)
    assert (asked(acme).state, asked(acme).note) == (Answer.DECLINED, "Next month")
    assert "Next month" in body_of(bobs.get(f"/budgets/{budget.pk}/"))


def test_a_request_whose_last_day_is_over_is_not_approved(acme, budget, alices, bobs):
    bobs.post(f"/budgets/{budget.pk}/ask/", WANTED)
    with organization_scope(acme.pk):
        Raise.objects.owned_by(acme).update(ends_at=NOON)

    late = alices.post(f"/budgets/requests/{asked(acme).pk}/approve/", follow=True)

    assert "is over" in body_of(late)
    assert asked(acme).state == Answer.OPEN


def test_so_many_requests_for_a_budget_wait_at_most(acme, budget, bobs, monkeypatch):
    monkeypatch.setattr(raising, "MOST_OPEN", 1)
    carol = Browser(make.member(acme, "carol@acme.example", Role.MEMBER))
    bobs.post(f"/budgets/{budget.pk}/ask/", WANTED)
    first = asked(acme)

    assert "Many requests for this budget wait" in body_of(carol.post(f"/budgets/{budget.pk}/ask/", WANTED))
    assert asked(acme) == first


def test_who_asked_may_withdraw_and_nobody_else(acme, budget, alices, bobs):
    bobs.post(f"/budgets/{budget.pk}/ask/", WANTED)
    path = f"/budgets/requests/{asked(acme).pk}/withdraw/"

    alices.post(path)
    assert asked(acme).state == Answer.OPEN

    bobs.post(path)
    assert asked(acme).state == Answer.WITHDRAWN


def test_of_several_raises_the_highest_holds_and_none_ever_lowers_a_limit(acme, budget, alices, bobs, spend):
    for amount, day in (("300", date(2026, 11, 22)), ("150", date(2026, 11, 30))):
        bobs.post(f"/budgets/{budget.pk}/ask/", WANTED | {"amount": amount, "last_day": f"{day}"})
        if asked(acme).state == Answer.OPEN:
            alices.post(f"/budgets/requests/{asked(acme).pk}/approve/")

    limits = [standing(acme, NOON.replace(day=day)).limit for day in (20, 22, 23, 30)]

    assert limits == [300, 300, 100, 100]
    assert Decimal(300) == asked(acme).amount
