"""What plans allow: the table itself, every door that asks it, in both modes, and the pages that tell of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from accounts import entitlement, plans
from accounts.models import AuditLine, Organization
from accounts.plans import COMING, Feature, Plan, Standing, Switch
from budgets.alerting import firing, looking
from budgets.alerting.detectors import DETECTORS
from budgets.models import Budget
from sdk_keys import issuing
from tests import make
from tests.answers import body_of
from tests.conftest import Browser
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope
from usage import plan_reach

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
F = Feature
JSON = {"content_type": "application/json"}
CORNER = {"HX-Request": "true"}  # passes the page that explains what is not useful yet

# by the seed's table: what each plan opens
GIVEN: dict[Plan, set[Feature]] = {
    Plan.FREE: set(),
    Plan.PRO: {
        F.COST_BREAKDOWN, F.EVERY_DIMENSION, F.BUDGETS, F.LONG_HISTORY, F.PERSONAL_DASHBOARDS, F.RECOMMENDATIONS,
        F.CSV, F.ADVANCED_ALERTS,
    },
    Plan.ENTERPRISE: {*Feature},
}  # fmt: skip
OF_SWITCH = {
    Switch.TOKEN_TRACKING: {F.COST_BREAKDOWN, F.EVERY_DIMENSION},
    Switch.TEAM_ANALYTICS: {F.TEAM_DASHBOARDS},
    Switch.COST_OPTIMIZATION: {F.RECOMMENDATIONS, F.WRITTEN_SUGGESTIONS},
    Switch.SCHEDULED_REPORTS: {F.SCHEDULED_PDF},
}


@pytest.mark.parametrize("plan", Plan)
def test_the_table_opens_what_the_plan_has_and_everything_where_plans_are_not_enforced(plan):
    assert {each for each in Feature if Standing(plan, is_enforced=True).can(each)} == GIVEN[plan]
    assert all(Standing(plan).can(each) for each in Feature)
    assert Standing(plan, is_enforced=True).history_days == {"free": 7, "pro": 90, "enterprise": None}[plan]
    assert Standing(plan).history_days is None


@pytest.mark.parametrize("switch", Switch)
@pytest.mark.parametrize("is_enforced", [False, True])
def test_a_switch_takes_its_features_from_every_plan(switch, is_enforced):
    standing = Standing(Plan.ENTERPRISE, is_enforced, frozenset({switch}))

    assert {each for each in Feature if not standing.can(each)} == OF_SWITCH[switch]


@pytest.mark.parametrize(
    ("plan", "ends", "expected"),
    [
        ("free", None, Plan.FREE),
        ("free", NOON + timedelta(seconds=1), Plan.PRO),
        ("free", NOON, Plan.FREE),
        ("pro", NOON - timedelta(days=1), Plan.PRO),
        ("enterprise", NOON + timedelta(days=1), Plan.ENTERPRISE),
    ],
)
def test_a_trial_lifts_the_free_plan_to_pro_until_its_moment(plan, ends, expected):
    assert plans.in_force(plan, ends, NOON) is expected


def test_days_of_a_trial_are_counted_as_they_begin():
    lefts = [plans.days_left(NOON + timedelta(hours=hours), NOON) for hours in (14 * 24, 25, 24, 1, 0, -5)]

    assert lefts == [14, 2, 1, 1, 0, 0]


# doors

BUDGET = {"name": "Cap", "amount": "10", "period": "month"}
JUMP = {"kind": "jump", "name": "Jump", "severity": "info", "dimension": "model", "value": "", "sensitivity": "normal",
        "minimum": "5"}  # fmt: skip
ROUTE = {"feature": "summaries", "provider": "openai", "model": "gpt-5", "use_model": "gpt-5-mini"}
DOORS: dict[str, tuple[Feature, str, dict[str, Any] | None]] = {
    "usage by project": (F.EVERY_DIMENSION, "/usage/?group=day&group=project", None),
    "usage of one key": (F.EVERY_DIMENSION, "/usage/?api_key=key_1", None),
    "dashboard of one project": (F.EVERY_DIMENSION, "/dashboard/?project=proj_1", None),
    "dashboard of one customer": (F.EVERY_DIMENSION, "/dashboard/?customer=Initech", None),
    "customers": (F.EVERY_DIMENSION, "/customers/", None),
    "agents": (F.EVERY_DIMENSION, "/agents/", None),
    "runs": (F.EVERY_DIMENSION, "/runs/", None),
    "measured": (F.EVERY_DIMENSION, "/attribution/measured/feature/", None),
    "measured usage": (F.EVERY_DIMENSION, "/usage/measured/", None),
    "cost centres": (F.EVERY_DIMENSION, "/attribution/", None),
    "a tag to add up by": (F.EVERY_DIMENSION, "/attribution/tags/add/", {"name": "region"}),
    "a rule for a cost centre": (
        F.EVERY_DIMENSION, "/attribution/rules/", {"dimension": "project", "value": "p", "cost_center": "R&D"},
    ),
    "the summary": (F.LONG_HISTORY, "/dashboard/summary/", None),
    "a file of usage": (F.CSV, "/api/usage/export?format=csv", None),
    "a file in FOCUS": (F.CSV, "/api/usage/export?format=focus", None),
    "a file of customers": (F.CSV, "/customers.csv", None),
    "a file of measured usage": (F.CSV, "/usage/measured.csv", None),
    "a statement": (F.CSV, "/attribution/statement/", None),
    "figures over JSON": (F.READ_API, "/api/usage/stats", None),
    "customers over JSON": (F.READ_API, "/api/customers", None),
    "budgets over JSON": (F.READ_API, "/api/budgets", None),
    "connections over JSON": (F.READ_API, "/api/providers", None),
    "a monthly budget": (F.BUDGETS, "/api/budgets", BUDGET),
    "a daily budget": (F.EVERY_PERIOD, "/api/budgets", BUDGET | {"period": "day"}),
    "a rule for jumps": (F.ADVANCED_ALERTS, "/alerts/rules/new/?kind=jump", JUMP),
    "a routing rule": (F.RECOMMENDATIONS, "/routing/rules/", ROUTE),
}  # fmt: skip
OPEN = ("/dashboard/", "/usage/", "/optimization/", "/routing/", "/budgets/", "/alerts/", "/settings/plan/",
        "/api/usage/export?format=json", "/api/auth/me", "/clients/")  # fmt: skip


@pytest.fixture
def enforced(settings) -> None:
    settings.PLANS_ENFORCED = True


@pytest.fixture
def alices(acme, alice) -> Browser:
    return Browser(alice)


def on(organization: Organization, plan: str, **fields: Any) -> Organization:
    with organization_scope(organization.pk):
        Organization.objects.filter(pk=organization.pk).update(plan=plan, **fields)
        return Organization.objects.get(pk=organization.pk)


def knocked(browser: Client, path: str, sent: dict[str, Any] | None) -> Any:
    if sent is None:
        answer = browser.get(path, headers=CORNER)
    elif path.startswith("/api/"):
        answer = browser.post(path, json.dumps(sent), **JSON)
    else:
        answer = browser.post(path, sent)
    return answer


def is_refused(answer: Any) -> bool:
    text = body_of(answer)
    told = "not_in_plan" in text or "Not in your plan" in text
    assert told == (answer.status_code == 403), text[:500]
    return told


@pytest.mark.parametrize(("feature", "path", "sent"), DOORS.values(), ids=list(DOORS))
def test_every_door_asks_the_plan_where_plans_are_enforced_and_only_there(
    feature, path, sent, acme, alices, settings, without_guidance
):
    refused = {}
    for settings.PLANS_ENFORCED in (True, False):
        for plan in Plan:
            on(acme, plan)
            refused[settings.PLANS_ENFORCED, plan] = is_refused(knocked(alices, path, sent))

    assert {plan for (is_on, plan), no in refused.items() if is_on and no} == {
        plan for plan in Plan if feature not in GIVEN[plan]
    }
    assert not any(no for (is_on, _), no in refused.items() if not is_on)


def test_every_feature_of_the_table_has_a_door_that_asks_for_it_or_is_to_come():
    assert {feature for feature, _, _ in DOORS.values()} | {*COMING} == {*Feature}


def test_what_is_open_to_everybody_stays_open_on_the_free_plan(acme, alice, alices, enforced):
    on(acme, "free")

    answers = {path: alices.get(path, headers=CORNER) for path in OPEN}
    for answer in answers.values():
        body_of(answer)  # one that streams keeps its scope until it was read
    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(OPEN, 200)
    with organization_scope(acme.pk):
        key = issuing.issue(acme, name="Worker", scopes=["ingest"], environment="live", by=alice).clear
    told = {"provider": "openai", "model": "gpt-5-mini", "tokens": {"input": 1}}
    sent = Client().post("/api/usage/track", json.dumps(told), headers={"Authorization": f"Bearer {key}"}, **JSON)
    assert sent.status_code == 202


def test_the_free_plan_shows_seven_days_and_says_so(acme, alices, enforced):
    make.spend(acme, make.connection(acme), "3", days_ago=3)
    free = on(acme, "free")

    for days, plan in ((7, "free"), (90, "pro")):
        page = body_of(on(acme, plan) and alices.get("/usage/?from=2020-01-01&to=2020-01-31"))
        assert f"Your plan shows the last {days} days" in page
    assert "Your plan shows" not in body_of(on(acme, "free") and alices.get("/usage/?period=7d"))
    assert "Your plan shows" not in body_of(on(acme, "enterprise") and alices.get("/usage/?period=90d"))
    lens = plan_reach.look(QueryDict("period=30d"), free, NOON)
    assert (lens.period.preset, lens.cut) == ("7d", 7)
    assert plan_reach.look(QueryDict("from=2026-03-01&to=2026-03-15"), free, NOON).period.first_day.day == 14


def test_a_smaller_plan_keeps_what_was_made_and_lets_it_go_on(acme, alice, alices, enforced):
    """A ceiling does not fall in silence: an old daily budget still counts, and can be archived, not changed."""
    on(acme, "enterprise")
    knocked(alices, "/api/budgets", BUDGET | {"period": "day"})
    on(acme, "free")
    with organization_scope(acme.pk):
        budget = Budget.objects.owned_by(acme).get()

    assert "Cap" in body_of(alices.get("/budgets/"))
    changed = alices.post(f"/budgets/{budget.pk}/change/", {"name": "Cap", "amount": "900", "unit": "usd",
                          "every": "day", "thresholds": "50", "version": "1"})  # fmt: skip
    assert is_refused(changed)
    assert alices.post(f"/budgets/{budget.pk}/archive/").status_code == 302
    assert is_refused(alices.post(f"/budgets/{budget.pk}/restore/"))
    on(acme, "enterprise")
    assert alices.post(f"/budgets/{budget.pk}/restore/").status_code == 302


def test_unusual_days_are_looked_for_where_the_plan_has_it(acme, enforced, monkeypatch):
    seen: list[str] = []
    for kind in ("anomaly", "new"):
        monkeypatch.setitem(DETECTORS, kind, lambda _look, rule: seen.append(rule.kind) or [])
    monkeypatch.setattr(firing, "fire", lambda *_, **__: None)

    for plan in ("free", "pro"):
        with organization_scope(acme.pk):
            looking.look(on(acme, plan), now=timezone.now())
        seen.append(plan)

    free, pro = seen[: seen.index("free")], seen[seen.index("free") + 1 :]
    assert (set(free), set(pro)) == ({"new"}, {"new", "anomaly", "pro"})


def test_a_trial_counts_down_on_every_page_and_ends_by_itself(acme, alices, enforced):
    on(acme, "free", trial_ends_at=timezone.now() + timedelta(days=2, hours=1))
    page = alices.get("/settings/profile/").content.decode()
    assert "Trial of pro: 3 days left" in page
    assert alices.get("/dashboard/summary/").status_code == 200

    on(acme, "free", trial_ends_at=timezone.now() - timedelta(minutes=1))
    assert "Trial of pro" not in alices.get("/settings/profile/").content.decode()
    assert is_refused(alices.get("/dashboard/summary/"))
    assert "The trial of pro ended" in alices.get("/settings/plan/").content.decode()


def test_a_self_hosted_installation_says_that_everything_is_on(acme, alices):
    page = alices.get("/settings/plan/").content.decode()

    assert "Self-hosted: everything on" in page
    assert "Trial" not in page


def test_the_page_of_a_refusal_says_what_why_and_whom_to_ask(acme, alice, bob, enforced, settings):
    on(acme, "free")
    page = Browser(bob).get("/dashboard/summary/").content.decode()
    assert "History on screen: the plan pro has 90 days. Acme has the plan free, with 7 days." in page
    assert f"Ask an owner of your organization to do that: {alice.email}" in page

    settings.SALES_CONTACT_URL = "https://talk.example/"
    assert 'href="https://talk.example/"' in Browser(alice).get("/dashboard/summary/").content.decode()


def test_what_is_switched_off_says_that_it_is_no_matter_of_plans(acme, alices, settings):
    settings.SWITCHES = settings.SWITCHES | {"token_tracking": False}

    answer = alices.get("/customers/", headers=CORNER)
    assert (answer.status_code, "Switched off here" in answer.content.decode()) == (403, True)
    assert "Token tracking" in alices.get("/settings/plan/").content.decode()


def test_a_sample_shows_everything(acme, enforced):
    assert entitlement.standing_of(on(acme, "free", is_sample=True)).can(F.READ_API)


# staff


@pytest.fixture
def sams(acme) -> Browser:
    browser = Browser(make.user("sam@operator.example", staff=True))
    browser.post("/reauthenticate/", {"password": PASSWORD})
    return browser


@pytest.mark.django_db(transaction=True)
def test_staff_change_a_plan_and_the_audit_log_of_the_organization_says_so(acme, sams):
    answer = sams.post(f"/admin/accounts/organization/{acme.pk}/plan/", {"plan": "enterprise", "trial_ends_at": ""})

    assert answer.status_code == 302
    with organization_scope(acme.pk):
        line = AuditLine.objects.get(action="plan_changed")
        assert Organization.objects.get(pk=acme.pk).plan == "enterprise"
    assert (line.data["before"]["plan"], line.data["after"]["plan"]) == ("free", "enterprise")
    assert sams.post(f"/admin/accounts/organization/{acme.pk}/plan/", {"plan": "gold"}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_nobody_else_changes_a_plan(acme, alice):
    answer = Browser(alice).post(f"/admin/accounts/organization/{acme.pk}/plan/", {"plan": "enterprise"})

    assert answer.status_code == 404
    assert on(acme, "free").plan == "free"
