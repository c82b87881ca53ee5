"""Organizations: settings by role, switching, samples, and other people's doors that stay shut."""

from datetime import timedelta

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts import organizations, samples
from accounts.bootstrapping import Wanted, bootstrap
from accounts.models import AuditLine, JournalEntry, Membership, Organization, User
from accounts.organizations import memberships
from accounts.pacing import DAY, HOUR, Pace
from accounts.permissions import ALLOWED, Permission, Role, allows
from tests import make
from tests.conftest import Browser
from tokentra.lib.tenancy import organization_scope

CHANGED = {
    "name": "Acme Two",
    "timezone": "Europe/Paris",
    "currency": "EUR",
    "website": "https://acme.example",
    "industry": "software",
    "event_days": "90",
    "audit_days": "730",
}
CLIENT = {"name": "Client One", "timezone": "Europe/Paris", "currency": "EUR"}


def stored(organization: Organization) -> Organization:
    with organization_scope(organization.pk):
        return Organization.objects.get(pk=organization.pk)


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.OWNER, 302), (Role.ADMIN, 302), (Role.FINANCE, 403), (Role.MEMBER, 403), (Role.VIEWER, 403)],
)
def test_owners_and_admins_change_the_organization(acme, role: Role, status: int):
    person = make.member(acme, f"{role}@acme.example", role)

    answer = Browser(person).post("/settings/organization/", CHANGED)

    assert answer.status_code == status
    assert (stored(acme).name == "Acme Two") == (status == 302)


def test_a_changed_organization_is_in_the_audit_log(alice, acme):
    Browser(alice).post("/settings/organization/", CHANGED)

    with organization_scope(acme.pk):
        line = AuditLine.objects.owned_by(acme).get()
    assert (line.action, line.actor, line.object_id) == ("organization_changed", alice, str(acme.pk))
    assert sorted(line.data["after"]) == ["currency", "industry", "name", "timezone", "website"]


def test_what_is_sent_as_it_stood_is_no_change(alice, acme):
    browser = Browser(alice)
    browser.post("/settings/organization/", CHANGED)
    browser.post("/settings/organization/", CHANGED | {"name": " Acme Two "})
    browser.post("/settings/organization/", CHANGED | {"event_days": "120"})

    with organization_scope(acme.pk):
        lines = AuditLine.objects.owned_by(acme).order_by("at")
        assert [list(line.data["after"]) for line in lines][1:] == [["event_days"]]
    assert stored(acme).event_days == 120


@time_machine.travel("2026-11-20T12:00Z", tick=False)
def test_fewer_days_of_events_are_saved_once_it_is_known_what_they_delete(alice, acme):
    browser, fewer = Browser(alice), CHANGED | {"event_days": "50"}

    asked = browser.post("/settings/organization/", fewer)

    assert asked.status_code == 422
    assert "Single calls from before 1 October 2026 are deleted then, for good." in asked.content.decode()
    for again in ("", "90"):
        assert browser.post("/settings/organization/", fewer | {"days_again": again}).status_code == 422
    assert (stored(acme).event_days, stored(acme).name) == (90, "Acme")

    assert browser.post("/settings/organization/", fewer | {"days_again": "50"}).status_code == 302
    assert (stored(acme).event_days, stored(acme).name) == (50, "Acme Two")


@time_machine.travel("2026-11-20T12:00Z", tick=False)
def test_the_day_told_is_the_one_from_which_events_are_kept(alice, acme):
    """Those that may still be sent are kept longer than the shortest days that can be chosen."""
    answer = Browser(alice).post("/settings/organization/", CHANGED | {"event_days": "35"})

    assert "Single calls from before 14 October 2026 are deleted then" in answer.content.decode()


@time_machine.travel("2026-11-20T12:00Z", tick=False)
def test_fewer_days_of_the_audit_log_are_saved_once_it_is_known_what_they_delete(alice, acme):
    browser, fewer = Browser(alice), CHANGED | {"audit_days": "100"}

    asked = browser.post("/settings/organization/", fewer)

    assert asked.status_code == 422
    assert "Lines of the audit log from before 12 August 2026 are deleted then, for good." in asked.content.decode()
    for again in ("", "730"):
        assert browser.post("/settings/organization/", fewer | {"audit_days_again": again}).status_code == 422
    both = browser.post("/settings/organization/", fewer | {"event_days": "50", "audit_days_again": "100"})
    assert both.status_code == 422
    assert "Single calls from before" in both.content.decode()
    assert (stored(acme).audit_days, stored(acme).event_days) == (730, 90)

    assert browser.post("/settings/organization/", fewer | {"audit_days_again": "100"}).status_code == 302
    assert (stored(acme).audit_days, stored(acme).event_days) == (100, 90)


def test_limits_of_days_are_told_before_and_after_they_are_passed(alice, acme):
    browser = Browser(alice)
    page = browser.get("/settings/organization/").content.decode()
    refused = browser.post("/settings/organization/", CHANGED | {"event_days": "34", "audit_days": "4000"})

    assert "35 to 1,100 days. Each model call" in page
    assert "90 to 3,650 days. Older lines" in page
    assert "Type the number of days again" not in page
    assert page.count("form-optional") == 2  # website and industry
    assert refused.status_code == 422
    assert "<span>35 to 1,100 days.</span>" in refused.content.decode()
    assert "<span>90 to 3,650 days.</span>" in refused.content.decode()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "A\nB"},
        {"name": ""},
        {"name": "A" * 10_240},
        {"timezone": "Mars/Olympus"},
        {"website": "javascript:alert(1)"},
        {"currency": "XXX"},
        {"industry": "alchemy"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_b9_settings_that_cannot_be_are_drawn_again_with_422(alice, acme, change: dict[str, str]):
    answer = Browser(alice).post("/settings/organization/", CHANGED | change)

    assert answer.status_code == 422
    assert stored(acme).name == "Acme"


TAKEN = "The name was taken from your address."


def test_a_name_is_said_to_come_from_the_address_only_where_nobody_gave_it(db, client):
    """A sign-up takes it from the address; an operator and a program give it, if with the same letters."""
    body = {"email": "june@acme.example", "password": make.PASSWORD}
    client.post("/signup/", {"email": "jo@acme.example", "password1": make.PASSWORD})
    client.post("/api/auth/signup", body | {"organizationName": "Acme"}, content_type="application/json")
    bootstrap(Wanted.checked("owner@acme.example", make.PASSWORD, "Acme", staff=False))

    told = {
        name: TAKEN in Browser(User.objects.get(email=f"{name}@acme.example")).get("/settings/organization/").text
        for name in ("jo", "june", "owner")
    }

    assert told == {"jo": True, "june": False, "owner": False}


def test_b15_a_form_sets_what_it_shows_and_nothing_else(alice, acme, elsewhere):
    Browser(alice).post(
        "/settings/organization/",
        CHANGED | {"plan": "enterprise", "id": str(elsewhere.pk), "is_sample": "on"},
    )
    Browser(alice).post("/settings/profile/", {"full_name": "Alice", "is_staff": "on", "email": "x@y.example"})

    assert (stored(acme).plan, stored(acme).is_sample) == ("free", False)
    assert stored(elsewhere).name == "Elsewhere"
    alice.refresh_from_db()
    assert (alice.full_name, alice.is_staff, alice.email) == ("Alice", False, "alice@acme.example")


def test_settings_lead_people_to_what_they_may_change(alice, acme, bob):
    assert Browser(alice).get("/settings/")["Location"] == "/settings/organization/"
    assert Browser(bob).get("/settings/")["Location"] == "/settings/profile/"
    assert "Organization</a>" not in Browser(bob).get("/settings/profile/").content.decode()


def test_a_person_switches_between_their_organizations(alice, acme):
    browser = Browser(alice)
    made = browser.post("/organizations/new/", CLIENT)
    assert made.status_code == 302
    assert "Client One" in browser.get("/settings/organization/").content.decode()
    assert sorted(m.organization.name for m in memberships(alice)) == ["Acme", "Client One"]

    browser.post(f"/organizations/{acme.pk}/enter/")

    assert "What holds for everybody in Acme." in browser.get("/settings/organization/").content.decode()


def test_a_form_that_was_open_before_a_switch_changes_no_other_organization(alice, acme):
    """A second tab, whose form shows the one organization while the session acts for another."""
    browser = Browser(alice, enforce_csrf_checks=True)
    browser.get("/settings/organization/")
    of_acme = {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
    browser.post("/organizations/new/", CLIENT | of_acme)

    refused = browser.post("/settings/organization/", CHANGED | of_acme)

    assert refused.status_code == 403
    assert "before you switched organizations" in refused.text
    assert sorted(m.organization.name for m in memberships(alice)) == ["Acme", "Client One"]
    anew = {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
    assert browser.post("/settings/organization/", CHANGED | anew).status_code == 302


def test_a_client_workspace_is_ones_own_and_written_down(alice, acme):
    browser = Browser(alice)
    page = browser.get("/organizations/new/").content.decode()
    assert "Create client workspace" in page

    browser.post("/organizations/new/", CLIENT | {"website": "client.example", "plan": "enterprise"})

    made = next(m for m in memberships(alice) if m.organization != acme)
    home = made.organization
    assert (made.role, made.is_invitee) == ("owner", False)
    assert (home.name, home.website, home.timezone, home.currency, home.plan) == (
        "Client One", "https://client.example", "Europe/Paris", "EUR", "free",
    )  # fmt: skip
    with organization_scope(home.pk):
        assert AuditLine.objects.owned_by(home).get().action == "organization_created"
        assert JournalEntry.objects.owned_by(home).filter(event="organization_created", user=alice).count() == 1


@pytest.mark.parametrize("change", [{"name": "A\nB"}, {"name": ""}, {"timezone": "Mars/X"}, {"currency": "XXX"}])
def test_b9_a_workspace_that_cannot_be_is_not_made(alice, acme, change: dict[str, str]):
    answer = Browser(alice).post("/organizations/new/", CLIENT | change)

    assert answer.status_code == 422
    assert [m.organization for m in memberships(alice)] == [acme]


def test_somebody_who_makes_workspaces_without_end_is_told_when_to_go_on(alice, acme, bob, monkeypatch):
    monkeypatch.setattr(organizations, "PACES", (Pace(3, HOUR), Pace(4, DAY)))
    start = timezone.now()

    def make_one(person: User, name: str, after: timedelta = 0 * HOUR) -> HttpResponse:
        with time_machine.travel(start + after, tick=False):
            return Browser(person).post("/organizations/new/", CLIENT | {"name": name})

    assert [make_one(alice, name).status_code for name in ("One", "Two", "Three")] == [302, 302, 429], "Acme counts"
    refused = make_one(alice, "Client Three", HOUR / 2)
    assert (refused.status_code, refused["RateLimit-Limit"]) == (429, "3")
    assert 1700 < int(refused["Retry-After"]) <= 1800
    page = refused.content.decode()
    assert "3 an hour is the most that one person creates. Create the next one in 30 minutes." in page
    assert 'value="Client Three"' in page
    assert make_one(bob, "Own").status_code == 302, "where bob was asked into does not count"

    assert make_one(alice, "Three", HOUR).status_code == 302
    a_day = make_one(alice, "Four", HOUR)
    assert (a_day.status_code, a_day["RateLimit-Limit"]) == (429, "4")
    assert "in 23 hours" in a_day.content.decode()
    assert sorted(m.organization.name for m in memberships(alice)) == ["Acme", "One", "Three", "Two"]


def test_the_menu_of_organizations_is_a_fragment_of_its_page(alice, acme):
    make.organization("Client One", owner=alice)
    browser = Browser(alice)

    page = browser.get("/organizations/").content.decode()
    menu = browser.get("/organizations/", headers={"HX-Request": "true"}).content.decode()

    assert "<html" in page
    assert "<html" not in menu
    assert "Client One" in menu


def test_b13_nobody_enters_another_organization(mallory, elsewhere, acme):
    browser = Browser(mallory)
    foreign = browser.post(f"/organizations/{acme.pk}/enter/")
    missing = browser.post("/organizations/0192a9b6-0000-7000-8000-000000000000/enter/")

    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert "Acme" not in browser.get("/settings/organization/").content.decode()
    assert "Acme" not in browser.get("/organizations/").content.decode()


def test_b14_an_organization_named_in_a_session_body_or_header_is_not_believed(mallory, elsewhere, acme):
    browser = Browser(mallory)
    session = browser.session
    session["organization_id"] = str(acme.pk)
    session.save()
    body = CHANGED | {"organization": str(acme.pk), "organization_id": str(acme.pk)}

    browser.post("/settings/organization/", body, headers={"X-Organization": str(acme.pk)})

    assert (stored(acme).name, stored(elsewhere).name) == ("Acme", "Acme Two")


def test_b16_a_query_without_a_filter_sees_one_organization(alice, acme, mallory, elsewhere):
    for organization, person in ((acme, alice), (elsewhere, mallory)):
        with organization_scope(organization.pk):
            JournalEntry.objects.create(organization=organization, event="x", user=person, at=organization.created_at)

    with organization_scope(acme.pk):
        assert {entry.organization_id for entry in JournalEntry.objects.all()} == {acme.pk}
        assert set(Organization.objects.all()) == {acme}
        assert {m.organization_id for m in Membership.objects.all()} == {acme.pk}


def test_people_without_an_organization_can_make_one(db):
    browser = Browser(make.user("dana@acme.example"))
    assert browser.get("/settings/organization/")["Location"] == "/organizations/none/"
    assert "You belong to no organization" in browser.get("/organizations/none/").content.decode()

    browser.post("/organizations/new/", CLIENT)

    assert browser.get("/settings/organization/").status_code == 200


def test_a_sample_workspace_is_ones_own_entered_left_and_removed(alice, acme, bob):
    first = samples.enter_sample(alice)
    assert samples.enter_sample(alice) == first
    assert first.is_sample
    assert samples.enter_sample(bob) != first
    assert [m.organization for m in memberships(alice)] == [acme, first]

    assert samples.leave(alice) == acme
    assert samples.remove(alice)

    assert samples.sample_of(alice) is None
    assert not samples.remove(alice)
    assert samples.sample_of(bob) is not None


TABLE = {
    Permission.SEE_COSTS: "owner admin finance member viewer",
    Permission.MANAGE_KEYS: "owner admin",
    Permission.MANAGE_OWN_KEYS: "owner admin member",
    Permission.MANAGE_CONNECTIONS: "owner admin",
    Permission.MANAGE_ROUTING: "owner admin",
    Permission.MANAGE_BUDGETS: "owner admin finance",
    Permission.ASK_BUDGET: "owner admin finance member",
    Permission.APPROVE_BUDGET: "owner admin finance",
    Permission.MANAGE_PEOPLE: "owner admin",
    Permission.MANAGE_SETTINGS: "owner admin",
    Permission.READ_AUDIT: "owner admin",
    Permission.OWN: "owner",
}


@pytest.mark.parametrize("permission", Permission)
def test_roles_may_what_the_table_says(permission: Permission):
    assert {role for role in Role if allows(role, permission)} == {Role(name) for name in TABLE[permission].split()}
    assert set(ALLOWED) == set(Permission)


# the demonstration's door


@pytest.fixture
def demo(settings, db):
    settings.DEMO_TOKEN = "a-token-of-this-start"
    person = make.user("demo@tokentra.example")
    make.organization("Demo", owner=person)


def test_the_demonstration_signs_its_visitor_in_on_this_machine(demo):
    browser = Client()

    assert browser.get("/demo/a-token-of-this-start/", HTTP_HOST="127.0.0.1:8000")["Location"] == "/"

    assert browser.get("/settings/profile/", HTTP_HOST="127.0.0.1:8000").status_code == 200


@pytest.mark.parametrize(
    ("token", "host", "peer"),
    [
        ("another-token", "127.0.0.1:8000", "127.0.0.1"),
        ("a-token-of-this-start", "tokentra.acme.example", "127.0.0.1"),
        ("a-token-of-this-start", "127.0.0.1:8000", "203.0.113.9"),
        ("ü", "127.0.0.1:8000", "127.0.0.1"),
    ],
)
def test_the_demonstration_opens_to_nobody_else(demo, settings, token: str, host: str, peer: str):
    settings.ALLOWED_HOSTS = ["*"]

    assert Client().get(f"/demo/{token}/", HTTP_HOST=host, REMOTE_ADDR=peer).status_code == 404


@pytest.mark.parametrize("token", ["", "x"])
def test_without_a_demonstration_there_is_no_door(settings, db, token: str):
    settings.DEMO_TOKEN = ""

    assert Client().get(f"/demo/{token}/", HTTP_HOST="127.0.0.1").status_code == 404
