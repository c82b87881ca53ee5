"""The pages of budgets: made, changed, refused where they could not work, seen by everybody and changed by some."""

import re
from datetime import date
from decimal import Decimal

import pytest

from accounts.models import AuditLine, JournalEntry
from accounts.permissions import Role
from budgets import making, top_bar
from budgets.alerting import crossings
from budgets.alerting.models import Alert
from budgets.asked import Raise
from budgets.models import Budget, Department
from budgets.reserved import Room
from onboarding.guidance import tours
from tests import make
from tests.answers import body_of
from tests.budgets.conftest import in_zone, look, named
from tests.conftest import Browser
from tests.usage.measuring.conftest import NOON
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

FORM = {"name": "Everything", "amount": "500", "unit": "usd", "every": "month", "thresholds": "50, 80, 100"}


def held(of) -> list[Budget]:
    with organization_scope(of.pk):
        return list(Budget.objects.owned_by(of).select_related("department").order_by("created_at"))


def said(of, action: str) -> int:
    with organization_scope(of.pk):
        return AuditLine.objects.owned_by(of).filter(action=action).count()


def test_a_monthly_budget_of_the_organization_takes_a_name_and_an_amount(acme, alices, spend):
    spend("120")

    answer = alices.post("/budgets/new/", FORM)

    (made,) = held(acme)
    assert answer.headers["Location"] == f"/budgets/{made.pk}/"
    assert (made.amount, made.every, made.scope, made.thresholds) == (500, "month", {}, [50, 80, 100])
    assert made.is_of_organization
    page, top = body_of(alices.get(f"/budgets/{made.pk}/")), body_of(alices.get("/budgets/progress/"))
    assert "$120.00" in page
    assert "$380.00 left" in page
    assert "Measured" in page
    assert "$120.00 of $500.00" in top
    with organization_scope(acme.pk):
        assert JournalEntry.objects.owned_by(acme).filter(event="budget_created").count() == 1
    assert said(acme, "budget_created") == 1


def test_what_has_no_price_is_named_on_both_pages(acme, alices, send):
    call = {"provider": "pinecone", "model": "serverless", "occurredAt": NOON.isoformat()}
    send(call | {"units": {"read": 5}})
    budget = make.budget(acme)
    assert "the figure says nothing of it: 1 call\n" in body_of(alices.get(f"/budgets/{budget.pk}/"))

    send(*(call | {"units": {"read": n}} for n in (6, 7)), call | {"tokens": {"input": 500}})

    assert "the figure says nothing of it: 500 tokens and 3 calls\n" in body_of(alices.get(f"/budgets/{budget.pk}/"))
    assert "Unpriced: 500 tokens and 3 calls" in body_of(alices.get("/budgets/"))


@pytest.mark.parametrize(
    ("told", "row"),
    [
        ({"of": "counted:provider", "values": "openai\n\n openai "}, {"ledger": "counted", "scope": {"provider": ["openai"]}}),
        (
            {"of": "measured:customer", "values": "globex", "also": "measured:model", "also_values": "openai/gpt-4o-mini"},
            {"ledger": "measured", "scope": {"customer": ["globex"], "model": ["openai/gpt-4o-mini"]}},
        ),
        ({"of": "measured:user", "is_each": "on"}, {"ledger": "measured", "scope": {}, "each": "user"}),
        ({"unit": "tokens", "amount": "1000000"}, {"unit": "tokens", "amount": 1_000_000}),
        ({"every": "custom", "anchor": "2026-01-31", "months": "2"}, {"anchor": date(2026, 1, 31), "months": 2}),
        ({"every": "week", "anchor": "2026-01-31"}, {"every": "week", "anchor": None}),
        ({"thresholds": "100%, 75 90;75"}, {"thresholds": [75, 90, 100]}),
    ],
)  # fmt: skip
def test_what_the_form_says_is_what_is_kept_and_comes_back_into_it(acme, alices, spend, told, row):
    spend("1", customerId="globex", userId="ann")

    alices.post("/budgets/new/", FORM | told)

    (made,) = held(acme)
    assert {name: getattr(made, name) for name in row} == row
    again = alices.get(f"/budgets/{made.pk}/change/").context["form"].initial
    kept = {name: "" if value is None else value for name, value in again.items() if value is not False}
    alices.post(f"/budgets/{made.pk}/change/", kept | {"name": "Again"})
    (changed,) = held(acme)
    assert {name: getattr(changed, name) for name in row} == row
    assert (changed.name, changed.version) == ("Again", 2)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "-5"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "1e30"}, "amount"),
        ({"unit": "tokens", "amount": "1.5"}, "amount"),
        ({"thresholds": "0"}, "thresholds"),
        ({"thresholds": "1001"}, "thresholds"),
        ({"thresholds": "half"}, "thresholds"),
        ({"thresholds": "1 2 3 4 5 6 7 8 9 10 11"}, "thresholds"),
        ({"every": "custom"}, "anchor"),
        ({"every": "custom", "anchor": "2026-01-31", "months": "13"}, "months"),
        ({"of": "measured:customer"}, "values"),
        ({"of": "measured:weather", "values": "rain"}, "of"),
        ({"is_each": "on"}, "of"),
        ({"of": "measured:customer", "values": "globex", "also": "counted:model", "also_values": "m"}, "also"),
        ({"of": "measured:customer", "values": "globex", "also": "measured:model"}, "also_values"),
        ({"of": "measured:team", "values": "red", "also": "measured:user", "also_values": "ann"}, "values"),
        ({"mode": "stop"}, "mode"),
        ({"mode": "block", "of": "counted:service_tier", "values": "batch"}, "mode"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(acme, alices, told, field):
    answer = alices.post("/budgets/new/", FORM | told)

    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert held(acme) == []


def test_a_scope_that_can_never_match_is_refused_and_made_anyway_if_one_insists(acme, alices, spend):
    spend("1", customerId="globex")
    wanted = FORM | {"of": "measured:customer", "values": "Globex"}

    refused = alices.post("/budgets/new/", wanted)
    assert refused.status_code == 422
    assert "Nothing with the customer “Globex” has been used so far" in body_of(refused)
    assert held(acme) == []

    alices.post("/budgets/new/", wanted | {"anyway": "on"})
    assert len(held(acme)) == 1


def test_somebody_elses_change_is_not_undone_unseen(acme, alices):
    budget = make.budget(acme, "100")
    alices.post(f"/budgets/{budget.pk}/change/", FORM | {"amount": "200", "version": "1"})

    answer = alices.post(f"/budgets/{budget.pk}/change/", FORM | {"amount": "300", "version": "1"})

    assert answer.status_code == 422
    assert "Somebody changed this budget meanwhile" in body_of(answer)
    assert held(acme)[0].amount == 200


@pytest.mark.parametrize("version", ["abc", "²", "-1", "9" * 5_000, "\0"])
def test_a_version_that_is_no_number_changes_nothing(acme, alices, version):
    budget = make.budget(acme, "100")

    answer = alices.post(f"/budgets/{budget.pk}/change/", FORM | {"amount": "300", "version": version})

    assert answer.status_code == 422
    assert held(acme)[0].amount == 100


def test_a_change_on_the_page_keeps_a_scope_that_the_form_could_not_say(acme, alices):
    scope = {"model": ["gpt-4o"], "project": ["p1"], "provider": ["openai"]}
    budget = make.budget(acme, "100", scope=scope)

    page = alices.get(f"/budgets/{budget.pk}/change/")
    alices.post(f"/budgets/{budget.pk}/change/", FORM | {"name": "Again", "unit": "tokens", "version": "1"})

    (changed,) = held(acme)
    assert (changed.name, changed.scope, changed.unit) == ("Again", scope, "usd")
    assert "What it counts and when it begins anew stay" in body_of(page)


def test_alerts_of_a_budget_end_when_it_is_archived(acme, alices, spend):
    budget = make.budget(acme, "100")
    spend("85")
    look(acme, NOON)
    with organization_scope(acme.pk):
        crossings.tell(acme, now=NOON)
        assert Alert.objects.owned_by(acme).standing().count() == 1

    alices.post(f"/budgets/{budget.pk}/archive/")

    with organization_scope(acme.pk):
        assert not Alert.objects.owned_by(acme).standing().exists()


def test_a_budget_more_than_there_may_be_is_not_taken_up_again(acme, alices, monkeypatch):
    budget = make.budget(acme, "100")
    alices.post(f"/budgets/{budget.pk}/archive/")
    make.budget(acme, "200")
    monkeypatch.setattr(making, "MOST", 1)

    answer = alices.post(f"/budgets/{budget.pk}/restore/", follow=True)

    assert "An organization has up to 1 budgets" in body_of(answer)
    assert held(acme)[0].archived_at is not None


def test_what_was_looked_up_before_a_budget_was_made_is_shown_to_nobody_after_it(
    acme, alices, django_capture_on_commit_callbacks
):
    turn = top_bar.turn(acme)
    with django_capture_on_commit_callbacks(execute=True):
        make.budget(acme, "100", name="New one")

    top_bar.keep(acme, turn, {})  # by a page that began to look before, and took longer

    assert "New one" in body_of(alices.get("/budgets/progress/"))


def test_the_top_bar_tells_nobodys_figure_of_a_budget_for_each_value(
    acme, alices, spend, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        make.budget(acme, "100", ledger="measured", each="customer", name="Each customer")
    spend("40", customerId="globex")

    top = body_of(alices.get("/budgets/progress/"))
    assert "Each customer: nobody has reached a threshold" in top
    assert "$" not in top

    with django_capture_on_commit_callbacks(execute=True):
        top_bar.forget(acme)
    spend("45", customerId="globex")
    top = body_of(alices.get("/budgets/progress/"))
    assert "Each customer: globex, $85.00 of $100.00" in top


def test_an_archived_budget_keeps_its_past_and_can_be_taken_up_again(
    acme, alices, spend, django_capture_on_commit_callbacks
):
    assert "Old one" not in body_of(alices.get("/budgets/progress/"))
    with django_capture_on_commit_callbacks(execute=True):
        budget = make.budget(acme, "100", name="Old one")
    assert "Old one" in body_of(alices.get("/budgets/progress/"))
    with django_capture_on_commit_callbacks(execute=True):
        alices.post(f"/budgets/{budget.pk}/archive/")

    page = body_of(alices.get("/budgets/"))
    assert "No budgets yet" in page
    assert "Old one" in page
    assert "Since" in body_of(alices.get(f"/budgets/{budget.pk}/"))
    assert "Old one" not in body_of(alices.get("/budgets/progress/"))

    alices.post(f"/budgets/{budget.pk}/restore/")
    assert held(acme)[0].archived_at is None


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_members_and_viewers_see_budgets_and_change_none(acme, role, spend):
    budget = make.budget(acme, "100")
    browser = Browser(make.member(acme, "carol@acme.example", role))

    assert "Create budget" not in body_of(browser.get("/budgets/"))
    assert browser.get(f"/budgets/{budget.pk}/").status_code == 200
    assert ("Ask for more" in body_of(browser.get(f"/budgets/{budget.pk}/"))) is (role is Role.MEMBER)
    for path in ("new/", f"{budget.pk}/change/", f"{budget.pk}/archive/", "departments/"):
        assert browser.post(f"/budgets/{path}", FORM).status_code == 403


def test_the_page_of_a_budget_says_who_spends_it_what_was_reached_and_what_was_before(acme, alices, spend):
    budget = make.budget(acme, "100", at=NOON.replace(month=10))
    spend("30", at="2026-10-25T10:00:00Z")
    spend("60", model="gpt-4o")
    spend("5")
    look(acme, NOON)
    spend("7", at="2026-10-31T10:00:00Z")
    look(acme, NOON)

    page = body_of(alices.get(f"/budgets/{budget.pk}/"))

    assert "gpt-4o" in page
    assert "<strong>50%</strong> reached" in page
    assert "$37.00" in page
    assert "$30.00" in page
    assert 'data-label="As it ended"' in page


def test_single_values_stand_under_their_names(acme, alices, spend):
    budget = make.budget(acme, "100", each="provider", at=NOON.replace(month=10))
    spend("60", at="2026-10-25T10:00:00Z")
    spend("70")
    look(acme, NOON)

    page = body_of(alices.get(f"/budgets/{budget.pk}/"))

    assert "OpenAI: <strong>50%</strong> reached" in page
    assert page.count('data-label="Who">OpenAI') == 2
    assert "OpenAI is the furthest" in body_of(alices.get("/budgets/"))


def test_b57_the_reset_on_screen_is_the_instant_at_which_the_period_ends(acme, alices):
    in_zone(acme, "Asia/Kathmandu")
    budget = make.budget(acme)

    page = body_of(alices.get(f"/budgets/{budget.pk}/"))

    assert 'datetime="2026-11-30T18:15:00+00:00"' in page


def test_the_form_suggests_an_amount_from_the_past_and_says_how(acme, alices, spend):
    for day, amount in (("2026-10-23", "100"), ("2026-11-03", "20"), ("2026-11-10", "20"), ("2026-11-17", "9")):
        spend(amount, at=f"{day}T10:00:00Z")

    page = body_of(alices.get("/budgets/new/"))

    assert "of the last 3 whole weeks nine in ten came to no more than" in page


def test_values_are_offered_as_the_figures_name_them(acme, alices, spend):
    spend("1", customerId="globex")

    assert "<code>globex</code>" in body_of(alices.get("/budgets/values/?of=measured:customer"))
    assert "No team was used" in body_of(alices.get("/budgets/values/?of=measured:team"))
    assert body_of(alices.get("/budgets/values/?of=no:thing")).strip() == ""


def test_a_department_is_made_used_and_kept_while_a_budget_is_about_it(acme, alices, spend):
    spend("3", team="red")
    alices.post("/budgets/departments/", {"name": "Research", "dimension": "team", "values": "red\nblue"})
    with organization_scope(acme.pk):
        department = Department.objects.owned_by(acme).get()
    again = alices.post("/budgets/departments/", {"name": "Research", "dimension": "team", "values": "red"})
    assert again.status_code == 422

    alices.post("/budgets/new/", FORM | {"department": str(department.pk)})
    (made,) = held(acme)
    assert (made.department, made.ledger) == (department, "measured")
    assert "$3.00" in body_of(alices.get(f"/budgets/{made.pk}/"))

    alices.post(f"/budgets/departments/{department.pk}/remove/")
    with organization_scope(acme.pk):
        assert Department.objects.owned_by(acme).exists()


def test_of_a_budget_for_each_value_the_card_says_who_is_furthest_and_no_figure_of_nobody(acme, alices, spend):
    make.budget(acme, "100", name="Customers", ledger="measured", each="customer")
    spend("12", customerId="initech")
    look(acme, NOON)
    assert "Nobody has reached a threshold." in (card := body_of(alices.get("/budgets/card/")))
    assert "$0.00" not in card

    spend("50", customerId="globex")
    look(acme, NOON)

    assert "globex is the furthest: $50.00 of $100.00" in body_of(alices.get("/budgets/card/"))


def test_the_card_of_the_dashboard_shows_the_budgets_that_are_closest_to_their_limit(acme, alices, spend):
    spend("90")
    for place in range(6):
        make.budget(acme, str(100 + 100 * place), name=f"Budget {place}")

    card = body_of(alices.get("/budgets/card/"))

    assert "Budget 0" in card
    assert "Budget 5" not in card
    assert "And 2 more" in card
    assert "/budgets/card/" in body_of(alices.get("/dashboard/"))


@pytest.mark.parametrize("amount", [Decimal("0.000001"), Decimal(10) ** 15])
def test_the_smallest_and_the_largest_amounts_are_kept(acme, alices, amount):
    alices.post("/budgets/new/", FORM | {"amount": f"{amount:f}"})

    assert [each.amount for each in held(acme)] == [amount]
    assert alices.get("/budgets/").status_code == 200


def test_a_banner_warns_until_it_is_dismissed_and_again_of_what_is_worse(acme, alices, bob, spend):
    budget = make.budget(acme, "100", name="Everything")
    spend("85")
    look(acme, NOON)
    top = body_of(alices.get("/budgets/progress/"))
    assert "Everything has used 80% of its budget." in top
    assert f"/budgets/{budget.pk}/ask/" in top

    crossing = alices.get("/budgets/progress/").context["warned"].crossing
    alices.post(f"/budgets/warnings/{crossing.pk}/dismiss/")
    assert "has used" not in body_of(alices.get("/budgets/progress/"))
    assert "has used 80%" in body_of(Browser(bob).get("/budgets/progress/"))

    spend("20")
    look(acme, NOON)
    assert "has used 100% of its budget." in body_of(alices.get("/budgets/progress/"))
    worse = alices.get("/budgets/progress/").context["warned"].crossing
    Browser(bob).post(f"/budgets/warnings/{worse.pk}/dismiss/")
    assert "has used" not in body_of(Browser(bob).get("/budgets/progress/"))


def test_a_banner_goes_when_the_limit_is_raised_and_when_the_day_is_over_in_a_new_time_zone(acme, alices, spend):
    budget = make.budget(acme, "100", every="day", name="Everything")
    spend("85")
    look(acme, NOON)

    def is_warned() -> bool:
        return "has used 80%" in body_of(alices.get("/budgets/progress/"))

    assert is_warned()
    for amount, warned in (("107", False), ("106", True)):  # of which 80 percent are 85.60 and 84.80
        with organization_scope(acme.pk):
            Budget.objects.filter(pk=budget.pk).update(amount=Decimal(amount))
        assert is_warned() is warned
    in_zone(acme, "Pacific/Kiritimati")
    assert not is_warned()


def test_one_value_has_a_part_of_its_own_and_gives_it_back(acme, alices, spend):
    spend("40", userId="ann")
    budget = make.budget(acme, "100", ledger="measured", each="user")
    path = f"/budgets/{budget.pk}/parts/"

    alices.post(path, {"value": "ann", "amount": "50"})
    assert "$40.00 of $50.00" in body_of(alices.get(f"/budgets/{budget.pk}/"))

    alices.post(path, {"value": "ann", "amount": "80"})
    assert "$40.00 of $80.00" in body_of(alices.get(f"/budgets/{budget.pk}/"))

    alices.post(path, {"value": "ann"})
    assert "$40.00 of $100.00" in body_of(alices.get(f"/budgets/{budget.pk}/"))
    assert alices.post(path, {"value": "ann", "amount": "0"}).status_code == 422
    assert said(acme, "budget_part_set") == 3


def test_every_step_of_the_tour_points_at_something_on_the_page(acme, alices):
    page = body_of(alices.get("/budgets/"))

    assert [step.id for step in tours.BY_ID["budgets_alerts"].steps if f'data-tour="{step.target}"' not in page] == []


def test_the_page_says_where_the_period_is_heading(acme, alices, spend):
    budget = make.budget(acme, "100")
    for day in range(1, 20):
        spend("4", at=f"2026-11-{day:02}T09:00:00Z")

    assert "Heading for <strong>$1" in body_of(alices.get(f"/budgets/{budget.pk}/"))


def test_the_longest_prompt_is_set_shown_and_lifted(acme, alices):
    assert "A prompt may be of any length." in body_of(alices.get("/budgets/"))

    answer = alices.post("/budgets/longest-prompt/", {"tokens": "32000"}, follow=True)
    assert "<strong>32,000 tokens</strong>" in body_of(answer)
    assert 'value="32000"' in body_of(alices.get("/budgets/longest-prompt/"))
    for wrong in ("0", "-1", "1.5", "many", "100000001"):
        assert alices.post("/budgets/longest-prompt/", {"tokens": wrong}).status_code == 422
    alices.post("/budgets/longest-prompt/", {"tokens": "32000"})
    assert said(acme, "prompt_limit_changed") == 1

    alices.post("/budgets/longest-prompt/", {"tokens": ""})
    assert "A prompt may be of any length." in body_of(alices.get("/budgets/"))
    assert said(acme, "prompt_limit_changed") == 2


def test_only_who_may_change_budgets_sets_the_longest_prompt(acme):
    browser = Browser(make.member(acme, "carol@acme.example", Role.MEMBER))

    assert browser.post("/budgets/longest-prompt/", {"tokens": "5"}).status_code == 403
    assert "longest-prompt" not in body_of(browser.get("/budgets/"))


def test_requests_say_whose_limit_it_is_by_its_name(acme, alices, bob, spend):
    spend("3", userId="u-4711")
    named(acme, "user", "u-4711", "June Miller")
    budget = make.budget(acme, "10", ledger="measured", each="user")
    ask = {"amount": "90", "last_day": "2026-11-30", "reason": "Launch", "value": "u-4711"}
    browser = Browser(bob)
    browser.post(f"/budgets/{budget.pk}/ask/", ask)

    own, every = f"/budgets/{budget.pk}/", "/budgets/"
    for path in (own, every):
        assert ", June Miller: <strong>$90.00</strong>" in body_of(alices.get(path))
    with organization_scope(acme.pk):
        wanted = Raise.objects.owned_by(acme).get()
    alices.post(f"/budgets/requests/{wanted.pk}/decline/")
    assert re.search(r'data-label="Asked by">[^<]+, June Miller</td>', body_of(alices.get(own)))
    alices.post(f"{own}parts/", {"value": "u-4711", "amount": "5"})
    parts = body_of(alices.get(f"{own}parts/"))
    assert ">June Miller</a>" in parts


def test_a_department_says_what_it_is_made_of_by_names(acme, alices):
    named(acme, "project", "proj_1", "Checkout")

    alices.post("/budgets/departments/", {"name": "Shop", "dimension": "project", "values": "proj_1\nproj_2"})

    assert "Project: Checkout, proj_2" in body_of(alices.get("/budgets/departments/"))


def test_what_checked_calls_reserved_overshot_and_let_expire_stands_on_the_page(acme, alices):
    budget = make.budget(acme, "100", mode="block")
    page = f"/budgets/{budget.pk}/"
    assert "reserved" not in body_of(alices.get(page))
    with organization_scope(acme.pk):
        Room.objects.create(
            organization=acme, budget=budget, first_day=date(2026, 11, 1), reserved=3, over=Decimal("0.25"), expired=2
        )
        Room.objects.create(organization=acme, budget=budget, first_day=date(2026, 10, 1), reserved=50, expired=9)

    said = body_of(alices.get(page))

    assert "$3.00 reserved by calls that are under way." in said
    assert "Calls cost $0.25 more than they had reserved." in said
    assert "2 reservations expired" in said


def test_each_value_says_what_is_reserved_of_its_own(acme, alices, spend):
    spend("4", userId="ann")
    budget = make.budget(acme, "1000", unit="tokens", ledger="measured", each="user", mode="throttle")
    with organization_scope(acme.pk):
        Room.objects.create(organization=acme, budget=budget, value="ann", first_day=date(2026, 11, 1), reserved=300)

    assert body_of(alices.get(f"/budgets/{budget.pk}/")).count("300 tokens reserved by calls") == 1


def test_the_burn_down_draws_what_was_left_and_what_is_foreseen_with_its_band(acme, alices, spend):
    budget = make.budget(acme, "100", thresholds=(50, 80, 100, 120))
    for day in range(1, 20):
        spend("4", at=f"2026-11-{day:02}T09:00:00Z")

    page = body_of(alices.get(f"/budgets/{budget.pk}/"))

    for drawn in ("burn-actual", "burn-foreseen", "burn-band"):
        assert f'<path class="{drawn}" d="M' in page
    assert page.count('class="burn-line"') == 2
    assert 'title="Thu 19 Nov: $24.00 left"' in page
    assert re.search(r'title="Mon 30 Nov: [^$]\$\d+\.\d\d left as foreseen, in four of five cases ', page)
    unused = make.budget(acme, "5", ledger="measured", scope={"team": ["x"]})
    assert "burn-band" not in body_of(alices.get(f"/budgets/{unused.pk}/"))
