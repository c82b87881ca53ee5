"""The connect step: what is offered first, the way through it, and what waits on the dashboard."""

import pytest

from accounts.permissions import Role
from providers.models import Connection
from tests import make
from tests.conftest import Browser
from tests.onboarding.conftest import journey_of
from tests.providers.conftest import KEYS, fake, now, short  # noqa: F401  # fixtures of the providers' tests
from tokentra.lib.tenancy import organization_scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("short", "fake")]

STEP = "/onboarding/providers/"


def test_what_the_company_uses_comes_first_and_what_cannot_be_read_is_said(alices):
    plain = alices.get(STEP).content.decode()
    assert plain.index("Connect OpenAI") < plain.index("Connect Anthropic")

    alices.post("/onboarding/ai-usage/", {"ai_providers": ["cohere", "anthropic"]})
    page = alices.get(STEP).content.decode()
    assert page.index("Recommended for you") < page.index("Connect Anthropic") < page.index("Connect OpenAI")
    assert "TokenTra cannot read accounts of Cohere." in page


def test_connecting_on_the_way_leads_back_to_the_way(acme, alice, alices):
    alices.post("/onboarding/skip/company/")
    page = alices.get("/providers/connect/openai/?next=/onboarding/connected/").content.decode()
    assert 'class="sidebar"' not in page

    sent = {"admin_key": KEYS["openai"], "next": "/onboarding/connected/"}
    assert alices.post("/providers/connect/openai/", sent).url == "/onboarding/connected/"
    done = alices.get("/onboarding/connected/").content.decode()
    assert "is connected" in done
    assert "Connect Anthropic" in done
    assert "connect" in journey_of(acme, alice).done_steps
    assert journey_of(acme, alice).step == "ai_usage"  # the questions that are left still wait


def test_connecting_as_the_last_step_ends_the_way(acme, alice, alices):
    for step in ("company", "ai_usage", "goals", "team"):
        alices.post(f"/onboarding/skip/{step}/")
    alices.post("/providers/connect/openai/", {"admin_key": KEYS["openai"]})
    alices.get("/onboarding/connected/")

    assert journey_of(acme, alice).status == "completed"
    assert alices.get("/", follow=True).redirect_chain[-1][0] == "/dashboard/"


@pytest.mark.parametrize(
    "next_", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_b6_only_ways_of_our_own_are_followed(next_, alices):
    answer = alices.post("/providers/connect/openai/", {"admin_key": KEYS["openai"], "next": next_})

    assert answer.url.startswith("/providers/")


def test_without_a_connection_the_connected_page_leads_back(alices):
    assert alices.get("/onboarding/connected/").url == STEP


def test_asking_for_a_key_is_part_of_the_way(alices):
    made = alices.post("/providers/connect/openai/ask/", {"next": "/onboarding/connected/"}).content.decode()

    assert 'href="/onboarding/connected/"' in made
    assert "Waiting for a key" in alices.get(STEP).content.decode()


@pytest.mark.parametrize(("role", "shown"), [(Role.ADMIN, {"team", "providers"}), (Role.VIEWER, set())])
def test_the_waiting_cards_lead_where_this_role_may_go(role, shown, acme):
    browser = Browser(make.member(acme, "ada@acme.example", role))

    cards = browser.get("/onboarding/waiting/").content.decode()

    assert {
        name for name, path in (("team", "/settings/team/"), ("providers", "/providers/")) if path in cards
    } == shown


def test_people_who_decide_begin_at_the_summary_once_there_is_one(alices):
    alices.post("/onboarding/company/", {"user_role": "cto_vp"})
    alices.post("/onboarding/leave/")
    assert alices.get("/", follow=True).redirect_chain[-1][0] == "/dashboard/"

    alices.post("/providers/connect/openai/", {"admin_key": KEYS["openai"]})
    assert alices.get("/", follow=True).redirect_chain[-1][0] == "/dashboard/summary/"


def test_whose_only_connection_was_disconnected_is_offered_to_connect_again(acme, alices):
    alices.post("/onboarding/company/", {"user_role": "cto_vp"})
    alices.post("/onboarding/leave/")
    alices.post("/providers/connect/openai/", {"admin_key": KEYS["openai"]})
    with organization_scope(acme.pk):
        mine = Connection.objects.get()
    connected = alices.get(STEP).status_code
    alices.post(f"/providers/{mine.pk}/disconnect/", {"data": "keep", "typed": mine.name})

    assert connected == 302
    assert alices.get(STEP).status_code == 200
    assert alices.get("/", follow=True).redirect_chain[-1][0] == "/dashboard/summary/"  # the figures are still there


def test_an_agency_is_offered_a_workspace_for_a_client(alices):
    assert "client workspace" not in alices.get("/onboarding/waiting/").content.decode()

    alices.post("/onboarding/goals/", {"goals": ["client_billing"]})
    assert "Create a client workspace" in alices.get("/onboarding/waiting/").content.decode()
