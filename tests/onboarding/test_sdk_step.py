"""The step that brings the first event in: whose it is, its one key, and what follows it."""

import re

import pytest
from django.core.cache import caches
from django.utils import timezone

from accounts.journal import Event
from accounts.models import JournalEntry
from accounts.permissions import Role
from sdk_keys import ending, setting_up
from sdk_keys.models import ApiKey, KeyState
from tests import make
from tests.conftest import Browser
from tests.make import PASSWORD
from tests.onboarding.conftest import journey_of
from tests.sdk_keys.conftest import issued, now_of
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

STEP = "/onboarding/sdk/"
TECHNICAL = {"user_role": "engineering", "company_size": "2-10"}
KEY = re.compile(r"tt_live_[0-9A-Za-z]{38}")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    caches["process"].clear()


@pytest.fixture
def proved(alices) -> Browser:
    alices.post("/reauthenticate/", {"password": PASSWORD})
    return alices


def keys_of(organization) -> list[ApiKey]:
    with organization_scope(organization.pk):
        return list(ApiKey.objects.owned_by(organization).order_by("created_at"))


def lines(organization, event: Event) -> int:
    with organization_scope(organization.pk):
        return JournalEntry.objects.owned_by(organization).filter(event=event).count()


def shown_in(answer) -> set[str]:
    return set(KEY.findall(answer.content.decode()))


def test_the_technical_path_passes_it_before_connecting(acme, alice, alices):
    alices.post("/onboarding/company/", TECHNICAL | {"company_name": "Acme"})
    for step in ("ai_usage", "goals"):
        alices.post(f"/onboarding/skip/{step}/")
    assert alices.post("/onboarding/skip/team/").url == STEP
    assert "Step 5 of 6" in alices.get(STEP).content.decode()
    assert alices.get("/onboarding/providers/").status_code == 200

    assert alices.post("/onboarding/sdk/done/").url == "/onboarding/providers/"

    assert journey_of(acme, alice).done_steps[-1] == "sdk"
    assert alices.get("/", follow=True).redirect_chain[-1][0] == "/onboarding/providers/"


def test_skipping_it_is_in_the_journal_and_leads_on(acme, alices):
    alices.post("/onboarding/company/", TECHNICAL)

    assert alices.post("/onboarding/skip/sdk/").url == "/onboarding/providers/"

    assert lines(acme, Event.SDK_SETUP_SKIPPED) == 1


def test_other_paths_do_not_pass_it_and_may_open_it(acme, alices):
    alices.post("/onboarding/company/", {"user_role": "finops_finance", "company_size": "2-10"})
    alices.post("/onboarding/skip/team/")

    assert alices.post("/onboarding/skip/sdk/").status_code == 404
    page = alices.get(STEP).content.decode()
    assert "Step " not in page
    assert "Connect a provider as well" in page
    assert alices.post("/onboarding/sdk/done/").url == "/onboarding/"


def test_a_provider_is_not_offered_to_those_who_have_one_or_may_not_connect_it(acme, alice, alices):
    bob = make.member(acme, "bo@acme.example", Role.MEMBER)
    assert "Connect a provider as well" in alices.get(STEP).content.decode()
    assert "Connect a provider as well" not in Browser(bob).get(STEP).content.decode()

    make.spend(acme, make.connection(acme, by=alice), "1")

    assert "Connect a provider as well" not in alices.get(STEP).content.decode()


def test_a_key_that_was_replaced_is_not_held_again_once_its_successor_ended(acme, alice):
    old = issued(acme, by=alice).key
    now = timezone.now()
    with organization_scope(acme.pk):
        member = acme.memberships.get(user=alice)
        ApiKey.objects.filter(pk=old.pk).update(last_used_at=now)
        new = setting_up.make(member, instead_of=old.pk, now=now)
        assert setting_up.key_of(member, now=now).pk == new.key.pk
        ending.revoke(new.key, by=alice)

        assert setting_up.key_of(member, now=now) is None


def test_who_wants_a_key_and_no_questions_has_it_in_one_step(acme, alice, proved):
    assert "Just give me an API key" in proved.get("/onboarding/company/").content.decode()
    assert "Just give me an API key" not in proved.get("/onboarding/goals/").content.decode()

    made = proved.post(STEP, {"leaves": "questions"})

    assert len(shown_in(made)) == len(keys_of(acme)) == 1
    assert journey_of(acme, alice).status == "dismissed"
    assert proved.get("/", follow=True).redirect_chain[-1][0] == "/dashboard/"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_who_may_have_no_keys_is_told_so(role, acme):
    assert Browser(make.member(acme, "vera@acme.example", role)).get(STEP).status_code == 403


def test_a_sample_workspace_sends_nothing(acme, alice, alices):
    sample = make.organization("Sample", owner=alice, is_sample=True)
    alices.post(f"/organizations/{sample.pk}/enter/")

    assert alices.get(STEP).url == "/settings/sdk/"


def test_looking_makes_no_key_and_begins_once(acme, alices):
    for _ in range(2):
        page = alices.get(STEP)
        assert page["Cache-Control"] == "no-store"
        assert "Make my key" in page.content.decode()

    assert keys_of(acme) == []
    assert lines(acme, Event.SDK_SETUP_STARTED) == 1


def test_the_key_is_shown_once_and_a_refresh_makes_no_other(acme, proved):
    made = proved.post(STEP, {"with": "node"})
    [key] = keys_of(acme)
    [clear] = shown_in(made)
    assert (clear[:12], clear[-4:], key.scopes) == (key.prefix, key.last_four, ["ingest"])
    assert made["Cache-Control"] == "no-store"
    assert 'value="node" checked' in re.sub(r"\s+", " ", made.content.decode())

    assert proved.post(STEP, {"with": "node"}).url == f"{STEP}?with=node"  # loaded again

    page = proved.get(STEP)
    assert shown_in(page) == set()
    assert key.masked in page.content.decode()
    assert keys_of(acme) == [key]


def test_a_key_that_was_never_used_is_replaced_at_once(acme, proved):
    [first] = shown_in(proved.post(STEP))
    [old] = keys_of(acme)

    [second] = shown_in(proved.post(STEP, {"instead_of": str(old.pk)}))

    assert second != first
    _, new = keys_of(acme)
    assert (now_of(old).revoked_at is not None, now_of(old).replaced_by_id) == (True, new.pk)
    assert proved.post(STEP, {"instead_of": str(old.pk)}).status_code == 302  # sent twice
    assert len(keys_of(acme)) == 2


def test_one_in_use_works_on_for_a_day(acme, alice, proved, client):
    [clear] = shown_in(proved.post(STEP))
    [old] = keys_of(acme)
    client.post("/api/usage/track", {}, content_type="application/json", headers={"Authorization": f"Bearer {clear}"})

    page = proved.get(STEP).content.decode()
    assert "works for 24 hours more" in page
    proved.post(STEP, {"instead_of": str(old.pk)})

    assert now_of(old).state(now_of(old).created_at) is KeyState.ENDING
    assert now_of(old).revoked_at is None


def test_the_key_of_a_sign_up_by_json_is_the_one_that_stands_here(acme, alice, alices):
    held = issued(acme, by=alice, name="First key").key

    page = alices.get(STEP).content.decode()

    assert held.masked in page
    assert "Make my key" not in page


def test_a_key_of_somebody_else_or_of_another_scope_is_not(acme, alice, bob, alices):
    issued(acme, by=bob)
    issued(acme, "read", by=alice)

    assert "Make my key" in alices.get(STEP).content.decode()


@pytest.mark.parametrize("told", ["not-an-id", "01a216fe-e4ec-7e8c-826e-a22bb6ae9be8"])
def test_what_names_no_key_of_theirs_replaces_none(told, acme, proved):
    proved.post(STEP)

    assert proved.post(STEP, {"instead_of": told}).status_code == 302

    assert len(keys_of(acme)) == 1


def test_without_a_recent_password_it_is_asked_for_first(acme, alice):
    browser = Browser(alice)
    plain = browser.post(STEP, {"with": "curl"})
    within = browser.post(STEP, {"with": "curl"}, headers={"HX-Request": "true"})

    assert plain.status_code == 302
    assert "/reauthenticate/" in plain.url
    assert within["HX-Redirect"] == f"/reauthenticate/?next={STEP}?with=curl"
    assert keys_of(acme) == []


def test_only_a_part_of_the_page_is_drawn_for_the_page_itself(acme, proved):
    made = proved.post(STEP, {"with": "curl"}, headers={"HX-Request": "true"}).content.decode()

    assert made.lstrip().startswith("<sdk-setup")
    assert len(set(KEY.findall(made))) == 1
