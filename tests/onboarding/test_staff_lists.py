"""What staff read of onboarding as lists, and the organizations that sales may want to talk to."""

import csv

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from accounts import journal
from accounts.journal import Event
from accounts.mailed import OutboxMail
from accounts.models import StaffAccess, User
from accounts.permissions import Role
from onboarding import journeys
from onboarding.models import Nudge, Seen, Unlock
from onboarding.questions import BY_KEY
from tests import make
from tests.conftest import Browser
from tokentra.lib.tenancy import organization_scope

LISTS = ("journey", "companyanswers", "unlock", "seen", "nudge", "forward", "saleslead")
SALES = "/admin/onboarding/saleslead/"
LARGE = {"monthly_ai_spend": "over_100000"}
SMALL = {"monthly_ai_spend": "under_100"}


@pytest.fixture(autouse=True)
def has_sales(settings) -> None:
    settings.SALES_CONTACT_URL, settings.SALES_NOTIFY_EMAIL = "https://calendar.example", "sales@operator.example"


@pytest.fixture
def sam(transactional_db) -> User:
    person = make.user("sam@operator.example")
    User.objects.filter(pk=person.pk).update(is_staff=True)
    return person


def organization_of(email: str, name: str):
    person = make.user(email, full_name=f"{name} Owner")
    return make.organization(name, owner=person), person


def answers(organization, person, screen: str, given: dict) -> None:
    from accounts.models import Membership

    with organization_scope(organization.pk):
        membership = Membership.objects.select_related("organization", "user").get(user=person)
        travel = journeys.of(membership)
        journeys.answer(travel, BY_KEY[screen], given, now=travel.journey.started_at)


@pytest.mark.parametrize("name", LISTS)
def test_staff_read_each_list_and_search_it_and_are_written_down(sam, name):
    acme, alice = organization_of("alice@acme.example", "Acme")
    other, mallory = organization_of("mallory@elsewhere.example", "Elsewhere")
    for organization, person in ((acme, alice), (other, mallory)):
        answers(organization, person, "ai_usage", LARGE)
        with organization_scope(organization.pk):
            Unlock.objects.create(organization=organization, feature="anything", trigger="x", at=acme.created_at)
            Seen.objects.create(
                organization=organization, user=person, kind="tour", key="t", state="started", at=acme.created_at
            )
    page = Browser(sam).get(f"/admin/onboarding/{name}/")
    found = Browser(sam).get(f"/admin/onboarding/{name}/?q=acme").content.decode()

    assert page.status_code == 200
    if name != "forward":
        assert "Elsewhere" in page.content.decode()
        assert "Acme" in found
        assert "Elsewhere" not in found
    assert StaffAccess.objects.filter(path=f"/admin/onboarding/{name}/").count() == 2
    assert Browser(alice).get(f"/admin/onboarding/{name}/").status_code == 404
    assert Browser(sam).get(f"/admin/onboarding/{name}/add/").status_code == 403


def test_the_journal_is_searched_by_whose_it_is_and_never_counted(sam):
    acme, alice = organization_of("alice@acme.example", "Acme")
    with organization_scope(acme.pk):
        journal.record(Event.SIGNUP_COMPLETED, alice, acme)
        journal.record(Event.SAMPLE_ENTERED, alice, acme)

    with CaptureQueriesContext(connections["staff"]) as taken:
        page = Browser(sam).get("/admin/accounts/journalentry/?q=alice@&event=signup_completed").content.decode()

    assert "alice@acme.example" in page
    assert page.count('class="data-row') == 1
    lines = [query["sql"] for query in taken if "accounts_journalentry" in query["sql"]]
    assert lines
    assert not [sql for sql in lines if "COUNT(" in sql or "DISTINCT" in sql or "LIKE" in sql]


def test_the_sales_list_has_one_line_for_each_organization_that_leads_there(sam):
    acme, alice = organization_of("alice@acme.example", "Acme")
    bob = make.member(acme, "bob@acme.example", Role.OWNER)
    small, carol = organization_of("carol@small.example", "Small")
    answers(acme, alice, "ai_usage", LARGE)
    answers(acme, alice, "company", {"company_size": "1000+", "user_role": "cto_vp"})
    answers(acme, bob, "company", {"user_role": "founder_ceo"})
    answers(small, carol, "ai_usage", SMALL)
    with organization_scope(acme.pk):
        journal.record(Event.PROVIDER_CONNECTION_COMPLETED, alice, acme)

    page = Browser(sam).get(SALES).content.decode()
    file = b"".join(Browser(sam).get(f"{SALES}file/?connected=yes")).decode()
    none = b"".join(Browser(sam).get(f"{SALES}file/?connected=no")).decode()

    assert page.count('class="data-row') == 1
    assert "Small" not in page
    [line] = csv.DictReader(file.splitlines())
    assert line["organization"] == "Acme"
    assert line["email"] == "alice@acme.example"
    assert line["monthly_ai_spend"] == "More than $100,000"
    assert line["company_size"] == "1000+ employees"
    assert line["role"] == "CTO / VP Engineering"
    assert line["connected"] == "yes"
    assert len(none.splitlines()) == 1
    assert StaffAccess.objects.filter(path=f"{SALES}file/").count() == 2


def test_sales_is_told_once_for_each_organization(acme, alice):
    answers(acme, alice, "ai_usage", SMALL)
    assert not OutboxMail.objects.exists()

    answers(acme, alice, "ai_usage", LARGE)
    answers(acme, alice, "ai_usage", SMALL)
    answers(acme, alice, "ai_usage", LARGE)

    mail = OutboxMail.objects.get()
    assert mail.to == "sales@operator.example"
    assert mail.subject == "Acme may want to talk"
    assert "More than $100,000" in mail.text
    assert alice.email in mail.text
    with organization_scope(acme.pk):
        assert Nudge.objects.owned_by(acme).filter(kind="sales_notice").count() == 1


@pytest.mark.parametrize("missing", ["SALES_NOTIFY_EMAIL", "SALES_CONTACT_URL"])
def test_nobody_is_told_where_the_operator_did_not_ask(acme, alice, settings, missing):
    setattr(settings, missing, "")

    answers(acme, alice, "ai_usage", LARGE)

    assert not OutboxMail.objects.exists()
    with organization_scope(acme.pk):
        assert not Nudge.objects.owned_by(acme).exists()
