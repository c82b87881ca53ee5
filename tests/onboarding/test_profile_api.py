"""The profile over JSON: any part at a time, exactly in the contract's names."""

import json
from threading import Thread
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from accounts import invitations
from accounts.models import AuditLine, JournalEntry
from accounts.pacing import HOUR, Pace
from accounts.permissions import Role
from onboarding import journeys
from tests import make
from tests.conftest import Browser
from tests.onboarding.conftest import company_of, journey_of, lines, name_of
from tokentra.lib.tenancy import organization_scope

URL = "/api/onboarding/profile"
KEYS = {
    "userRole", "companyName", "companySize", "companyWebsite", "industry", "acquisitionChannel", "monthlyAiSpend",
    "aiProviders", "useCases", "goals", "other", "segment", "recommendedPath", "completed", "completedAt",
    "skippedSteps", "currentStep",
}  # fmt: skip
EVERYTHING = {
    "userRole": "platform_devops", "companyName": "Acme Labs", "companySize": "1000+", "monthlyAiSpend": "10000_50000",
    "aiProviders": ["openai", "aws"], "useCases": ["chatbot", "other"], "goals": ["compliance"],
    "other": {"useCases": "Weather"},
}  # fmt: skip


def post(browser: Browser, body: dict) -> tuple[int, dict]:
    answer = browser.post(URL, json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


def test_it_has_every_key_before_anything_is_answered(alices):
    profile = alices.get(URL).json()

    assert set(profile) == KEYS
    assert profile["companyName"] == "Acme"
    assert [profile[key] for key in ("userRole", "companySize", "segment", "completedAt")] == [None] * 4
    assert [profile[key] for key in ("aiProviders", "useCases", "goals", "skippedSteps")] == [[]] * 4
    assert (profile["recommendedPath"], profile["currentStep"], profile["completed"]) == (
        "quick_connect",
        "company",
        False,
    )


def test_all_answers_at_once_complete_it(acme, alice, alices):
    status, answer = post(alices, EVERYTHING)

    assert (status, answer) == (200, {
        "success": True, "segment": "enterprise_technical", "recommendedPath": "sdk_first",
        "nextStep": "/onboarding/sdk/", "invites": [],
    })  # fmt: skip
    profile = alices.get(URL).json()
    assert {key: profile[key] for key in EVERYTHING} == EVERYTHING
    assert profile["completed"]
    assert profile["completedAt"]
    assert journey_of(acme, alice).spend_tier == "to_100k"
    assert lines(acme).count("questionnaire_completed") == 1


def test_a_partial_save_keeps_earlier_answers_and_null_takes_one_back(alices):
    post(alices, {"companySize": "2-10", "goals": ["visibility"]})
    post(alices, {"userRole": "engineering"})

    profile = alices.get(URL).json()
    assert (profile["companySize"], profile["goals"], profile["segment"]) == (
        "2-10",
        ["visibility"],
        "startup_technical",
    )
    status, answer = post(alices, {"companySize": None})
    assert (status, answer["segment"]) == (200, None)
    assert alices.get(URL).json()["companySize"] is None


def test_answered_and_skipped_together_complete_it(alices):
    post(alices, {"userRole": "founder_ceo", "companySize": "solo"})
    assert not alices.get(URL).json()["completed"]

    post(alices, {"skippedSteps": ["ai_usage", "goals"]})
    profile = alices.get(URL).json()
    assert profile["completed"]
    assert profile["skippedSteps"] == ["ai_usage", "goals"]
    assert profile["currentStep"] == "connect"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"companySize": "12"}, "companySize"),
        ({"goals": ["visibility", "fame"]}, "goals"),
        ({"aiProviders": ["nobody"]}, "aiProviders"),
        ({"companyName": "A"}, "companyName"),
        ({"companyName": "two\nlines"}, "companyName"),
        ({"other": {"goals": "x"}}, "other.goals"),
        ({"other": {"useCases": "x" * 101}}, "other.useCases"),
        ({"skippedSteps": ["lunch"]}, "skippedSteps"),
        ({"companyWebsite": "javascript:alert(1)"}, "companyWebsite"),
        ({"industry": "piracy"}, "industry"),
        ({"segment": "agency"}, "segment"),
        ({"organizationId": "x"}, "organizationId"),
        ({"goals": "visibility"}, "goals"),
    ],
)
def test_b15_what_is_not_offered_is_refused_by_name_and_nothing_is_stored(body, field, acme, alices):
    status, answer = post(alices, body | {"userRole": "engineering"})

    assert status == 422
    assert field in answer["error"]["fields"]
    assert alices.get(URL).json()["userRole"] is None
    assert name_of(acme) == "Acme"


def test_an_option_that_is_not_offered_is_named(alices):
    _, answer = post(alices, {"goals": ["fame"]})

    assert "fame" in answer["error"]["fields"]["goals"][0]


def test_only_owners_and_admins_answer_for_the_company(acme, bob):
    status, answer = post(Browser(bob), {"userRole": "engineering", "companySize": "2-10"})

    assert (status, answer["error"]["code"]) == (403, "role_too_small")
    assert "companySize" in answer["error"]["message"]
    assert post(Browser(bob), {"userRole": "engineering", "goals": ["visibility"]})[0] == 200
    assert post(Browser(bob), {"teamInvites": ["x@acme.example"]})[0] == 403


def test_two_people_share_the_company_and_keep_their_own_answers(acme, alice, alices):
    ada = Browser(make.member(acme, "ada@acme.example", Role.ADMIN))
    post(alices, EVERYTHING)

    assert post(ada, {"userRole": "finops_finance"})[1]["segment"] == "enterprise_finops"
    assert ada.get(URL).json()["companySize"] == "1000+"
    assert alices.get(URL).json()["segment"] == "enterprise_technical"
    assert company_of(acme).company_size == "1000+"


def test_invitations_are_answered_one_by_one(alices):
    _, answer = post(alices, {"teamInvites": ["new@acme.example", "not an address", "alice@acme.example"]})

    by_email = {each["email"]: each for each in answer["invites"]}
    assert by_email["new@acme.example"]["status"] == "pending"
    assert by_email["not an address"]["status"] == "refused"
    assert by_email["not an address"]["reason"]
    assert by_email["alice@acme.example"]["status"] == "member"


def test_invitations_are_answered_in_the_keys_of_the_contract_without_a_link_where_mail_is_sent(alices, settings):
    settings.MAIL_IS_CONFIGURED = True

    answer = alices.post(URL, {"teamInvites": ["new@acme.example", "no"]}, content_type="application/json")

    assert answer.json()["invites"] == [
        {"email": "new@acme.example", "status": "pending"},
        {"email": "no", "status": "refused", "reason": "Enter a valid email address."},
    ]
    assert "tt_invite_" not in answer.content.decode()


def test_where_nothing_is_mailed_the_link_goes_to_the_one_who_invites_and_to_nobody_else(acme, bob, alices, settings):
    settings.MAIL_IS_CONFIGURED = False

    answer = alices.post(URL, {"teamInvites": ["new@acme.example"]}, content_type="application/json")

    [told] = answer.json()["invites"]
    assert set(told) == {"email", "status", "link"}
    assert "no-store" in answer["Cache-Control"]
    assert "Join Acme" in Client().get(urlsplit(told["link"]).path, follow=True).content.decode()
    token = told["link"].rstrip("/").rpartition("/")[2]
    again = post(alices, {"teamInvites": ["new@acme.example"]})[1]["invites"]
    assert again == [{"email": "new@acme.example", "status": "pending", "reason": again[0]["reason"]}]
    for reader in (alices, Browser(bob)):
        for page in (URL, "/settings/team/", "/api/auth/me", "/onboarding/team/"):
            assert token not in reader.get(page).content.decode(), page
    with organization_scope(acme.pk):
        kept = [*JournalEntry.objects.owned_by(acme).values(), *AuditLine.objects.owned_by(acme).values()]
    assert token not in str(kept)


def test_b7_past_the_limit_of_a_person_it_answers_429_and_saves_nothing(acme, alice, alices, monkeypatch):
    monkeypatch.setattr(invitations, "OF_A_PERSON", (Pace(1, HOUR),))
    both = post(alices, {"teamInvites": ["a@b.example", "c@d.example"]})
    assert [each["status"] for each in both[1]["invites"]] == ["pending", "refused"]

    body = {"userRole": "engineering", "teamInvites": ["c@d.example"]}
    late = alices.post(URL, json.dumps(body), content_type="application/json")

    assert (late.status_code, late.json()["error"]["code"]) == (429, "too_many_invitations")
    assert 3500 < int(late["Retry-After"]) <= 3600
    assert (late["RateLimit-Limit"], late["RateLimit-Remaining"]) == ("1", "0")
    assert alices.get(URL).json()["userRole"] is None
    assert post(alices, {"userRole": "engineering"})[0] == 200


def test_the_next_step_follows_the_path(alices, settings):
    settings.SALES_CONTACT_URL = "https://calendar.example/x"
    told = [
        ({"goals": ["exploring"]}, "quick_connect", "/onboarding/providers/"),
        ({"goals": ["client_billing"]}, "guided_tour", "/onboarding/providers/"),
        ({"goals": [], "userRole": "engineering", "companySize": "solo"}, "sdk_first", "/onboarding/sdk/"),
        ({"monthlyAiSpend": "over_100000"}, "sales_assisted", "/onboarding/contact/"),
    ]
    for body, path, url in told:
        answer = post(alices, body)[1]
        assert (answer["recommendedPath"], answer["nextStep"]) == (path, url)
        assert alices.get(url).status_code in {200, 302}


def test_me_says_how_far_this_person_is(alices):
    assert alices.get("/api/auth/me").json()["user"]["onboarding"] == {"status": "not_started", "step": "company"}

    alices.post("/onboarding/skip/company/")
    assert alices.get("/api/auth/me").json()["user"]["onboarding"] == {"status": "in_progress", "step": "ai_usage"}

    alices.post("/onboarding/leave/")
    assert alices.get("/api/auth/me").json()["user"]["onboarding"]["status"] == "dismissed"


def test_what_was_typed_behind_other_stays_until_it_is_sent_anew(alices):
    post(alices, {"aiProviders": ["other"], "other": {"aiProviders": "Groq"}})

    post(alices, {"aiProviders": ["openai", "other"]})
    assert alices.get(URL).json()["other"] == {"aiProviders": "Groq"}
    post(alices, {"other": {"aiProviders": "Together"}})
    assert alices.get(URL).json()["other"] == {"aiProviders": "Together"}
    post(alices, {"aiProviders": ["openai"]})
    assert alices.get(URL).json()["other"] == {}
    assert post(alices, {"other": {"aiProviders": "two\nlines"}})[0] == 422


@pytest.mark.django_db(transaction=True)
def test_two_programs_that_answer_at_once_lose_nothing(acme, alice):
    """The second waits for the first, and then sees what it said."""
    alices = Browser(alice)  # its session is there before the first transaction begins, which nobody else sees into
    with organization_scope(acme.pk):
        first = journeys.of(acme.memberships.get(user=alice))
        later = Thread(target=post, args=(alices, {"companySize": "2-10"}))
        later.start()
        journeys.write(first, {"monthly_ai_spend": "under_100", "user_role": "engineering"})
        journeys.moved(first, now=timezone.now())
        assert later.is_alive()
    later.join(10)

    company, journey = company_of(acme), journey_of(acme, alice)
    assert (company.company_size, company.monthly_ai_spend) == ("2-10", "under_100")
    assert (journey.user_role, journey.segment) == ("engineering", "startup_technical")
