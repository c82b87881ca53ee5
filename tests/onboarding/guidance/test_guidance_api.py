"""The checklist and the events over JSON: exact shapes, what a client may say, and what it leaves behind."""

import pytest
from django.test import Client

from accounts import journal
from accounts.journal import Event
from accounts.models import JournalEntry, Membership
from accounts.permissions import Role
from onboarding.guidance.client_events import ALLOWED
from onboarding.guidance.guide import Guide
from onboarding.models import Seen
from tests import make
from tests.conftest import Browser
from tests.onboarding.guidance.conftest import lines, seen
from tests.usage.pages.accounts_read import NOW, two_settled_days
from tokentra.lib.tenancy import organization_scope

CONTRACT = [
    "questionnaire_started",
    "provider_connection_started",
    "sdk_setup_started",
    "sdk_language_selected",
    "sdk_api_key_copied",
    "sdk_code_copied",
    "sdk_setup_skipped",
    "tour_started",
    "tour_step_viewed",
    "tour_completed",
    "tour_skipped",
    "tooltip_dismissed",
    "feature_unlock_celebrated",
    "checklist_dismissed",
]
TOUR = {"tourId": "dashboard_intro"}
DATA = {
    "sdk_language_selected": {"language": "python"},
    "tour_started": TOUR,
    "tour_step_viewed": TOUR | {"stepId": "welcome"},
    "tour_completed": TOUR,
    "tour_skipped": TOUR,
    "tooltip_dismissed": {"tooltipId": "export_tip"},
    "feature_unlock_celebrated": {"featureId": "basic_dashboard"},
}


def tell(browser, name, data=None, status=200):
    body = {"eventName": name} | ({"eventData": data} if data is not None else {})
    answer = browser.post("/api/onboarding/events", body, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()


def checklist(browser):
    answer = browser.get("/api/onboarding/checklist")
    assert answer.status_code == 200, answer.content
    return answer.json()


def happened(event, user, organization):
    with organization_scope(organization.pk):
        journal.record(event, user, organization)


# The checklist


def test_the_checklist_has_the_contracts_keys_and_links_that_open(alices):
    answer = checklist(alices)

    assert set(answer) == {"items", "completedCount", "totalCount", "percentComplete"}
    assert answer["items"][0] == {
        "id": "connect_provider",
        "title": "Connect an AI provider",
        "description": "Read usage and bills from your own account",
        "icon": "plug-connected",
        "completed": False,
        "completionEvent": "provider_connection_completed",
        "actionUrl": "/providers/",
        "actionLabel": "Connect a provider",
        "priority": 1,
        "category": "setup",
        "optional": False,
    }
    assert [each["priority"] for each in answer["items"]] == list(range(1, len(answer["items"]) + 1))
    for item in answer["items"]:
        assert alices.get(item["actionUrl"], follow=True).status_code == 200, item["actionUrl"]


def test_facts_complete_it_and_each_is_written_once(acme, alice, bob, alices):
    for person in (bob, alice, alice):
        happened(Event.PROVIDER_CONNECTION_COMPLETED, person, acme)
        happened(Event.QUESTIONNAIRE_COMPLETED, person, acme)
        happened(Event.DASHBOARD_DATA_LOADED, person, acme)
        happened(Event.TEAM_INVITE_SENT, alice, acme)
        happened(Event.BUDGET_CREATED, alice, acme)
        happened(Event.ALERT_CREATED, alice, acme)

    assert checklist(alices)["percentComplete"] == 100
    checklist(alices)

    written = sorted(each["item"] for each in lines(acme, "checklist_item_completed"))
    assert written == ["complete_profile"] * 2 + [
        "configure_alert",
        "connect_provider",
        "invite_team",
        "set_budget",
        "view_insights",
    ]
    assert len(lines(acme, "checklist_fully_completed")) == 1


def test_looking_completes_nothing_and_begins_no_journey(acme, alices):
    before = checklist(alices)

    assert before["completedCount"] == 0
    assert checklist(alices) == before
    assert alices.get("/api/auth/me").json()["user"]["onboarding"]["status"] == "not_started"
    assert lines(acme, "checklist_fully_completed") == []


def test_the_profile_leads_to_the_first_question_without_an_answer(alices):
    def profile():
        return next(each for each in checklist(alices)["items"] if each["id"] == "complete_profile")

    assert profile()["actionUrl"] == "/onboarding/company/"
    alices.post("/onboarding/company/", {"company_name": "Acme", "user_role": "engineering", "company_size": "2-10"})
    assert profile()["actionUrl"] == "/onboarding/ai-usage/"
    alices.post("/onboarding/leave/")
    assert profile()["completed"] is False


def test_an_invited_member_has_their_own_short_list(bobs):
    assert {each["id"] for each in checklist(bobs)["items"]} == {"complete_profile", "setup_sdk", "view_insights"}


def test_a_sample_workspace_has_nothing_to_set_up(acme, alice, alices):
    sample = make.organization("Sample", owner=alice, is_sample=True)
    alices.post(f"/organizations/{sample.pk}/enter/")

    assert checklist(alices) == {"items": [], "completedCount": 0, "totalCount": 0, "percentComplete": 100}


# Events


def test_the_allowed_events_are_those_of_the_contract():
    assert [str(event) for event in ALLOWED] == CONTRACT


@pytest.mark.parametrize("name", CONTRACT)
def test_an_allowed_event_is_written_and_repeating_it_does_no_harm(name, acme, alice, alices):
    for _ in range(2):
        assert tell(alices, name, DATA.get(name))["success"] is True

    assert len(lines(acme, name)) == (1 if name in ("questionnaire_started", "sdk_setup_started") else 2)
    with organization_scope(acme.pk):
        assert Seen.objects.owned_by(acme).count() <= 1


@pytest.mark.parametrize("event", [event for event in Event if str(event) not in CONTRACT])
def test_b16_a_fact_is_the_servers_to_write(event, acme, alices):
    before = lines(acme, event)

    said = tell(alices, event.value, {}, 422)["error"]

    assert said["code"] == "server_fact"
    assert said["message"].startswith(f"TokenTra writes {event} itself")
    assert "Clients may send: questionnaire_started" in said["message"]
    assert lines(acme, event) == before


@pytest.mark.parametrize("name", ["", "nothing_like_it", "TOUR_STARTED", "x" * 60])
def test_an_unknown_event_is_told_so(name, alices):
    assert tell(alices, name, None, 422)["error"]["code"] == "unknown_event"


@pytest.mark.parametrize(
    ("name", "data", "field"),
    [
        ("tour_started", {}, "eventData.tourId"),
        ("tour_started", {"tourId": "nowhere"}, "eventData.tourId"),
        ("tour_started", {"tourId": 7}, "eventData.tourId"),
        ("tour_started", TOUR | {"stepsViewed": 99}, "eventData.stepsViewed"),
        ("tour_step_viewed", TOUR | {"stepId": "last"}, "eventData"),
        ("tooltip_dismissed", {"tooltipId": "x" * 5000}, "eventData.tooltipId"),
        ("feature_unlock_celebrated", {"featureId": "free_money"}, "eventData.featureId"),
        ("provider_connection_started", {"provider": "acme"}, "eventData.provider"),
        ("sdk_language_selected", {"language": "Py thon"}, "eventData.language"),
        ("sdk_code_copied", {"language": "x" * 41}, "eventData.language"),
        ("checklist_dismissed", {"note": "x" * 100_000}, "eventData.note"),
    ],
)
def test_data_that_an_event_does_not_carry_is_refused_by_its_name(name, data, field, acme, alices):
    error = tell(alices, name, data, 422)["error"]

    assert error["code"] == "invalid_field"
    assert list(error["fields"]) == [field]
    assert lines(acme, name) == []


def test_a_tour_keeps_its_latest_state_and_how_far_it_went(acme, alice, alices):
    def held():
        with organization_scope(acme.pk):
            row = Seen.objects.owned_by(acme).get(user=alice, kind="tour")
            return row.state, row.steps_viewed, row.steps_total

    tell(alices, "tour_started", TOUR)
    assert held() == ("started", 0, 6)
    for step in ("welcome", "total_spend", "welcome"):  # back and forth counts once
        tell(alices, "tour_step_viewed", TOUR | {"stepId": step})
    tell(alices, "tour_skipped", TOUR)
    assert held() == ("skipped", 2, 6)
    assert lines(acme, "tour_skipped") == [{"tour": "dashboard_intro", "steps_viewed": 2, "steps_total": 6}]


def test_a_tour_that_runs_again_counts_from_its_new_beginning(acme, alice, alices):
    import time_machine

    for hour, steps in ((0, ("welcome", "total_spend")), (1, ("welcome",))):
        with time_machine.travel(NOW.replace(hour=15 + hour), tick=False):
            tell(alices, "tour_started", TOUR)
            for step in steps:
                tell(alices, "tour_step_viewed", TOUR | {"stepId": step})
            tell(alices, "tour_completed", TOUR)

    assert [each["steps_viewed"] for each in lines(acme, "tour_completed")] == [2, 1]


def test_what_was_dismissed_or_celebrated_is_kept_for_that_person(acme, alice, bob, alices):
    tell(alices, "tooltip_dismissed", {"tooltipId": "date_range_tip"})
    tell(alices, "checklist_dismissed")
    tell(alices, "feature_unlock_celebrated", {"featureId": "basic_dashboard"})

    assert seen(acme, alice) == {
        "tooltip date_range_tip": "dismissed",
        "card checklist": "dismissed",
        "celebration basic_dashboard": "completed",
    }
    assert seen(acme, bob) == {}


def test_what_is_not_unlocked_cannot_be_celebrated_away(acme, alice, alices):
    error = tell(alices, "feature_unlock_celebrated", {"featureId": "optimization_engine"}, 422)["error"]

    assert error["code"] == "not_unlocked"
    assert seen(acme, alice) == {}


def test_an_event_answers_with_the_unlocks_that_wait_to_be_celebrated(acme, alice, alices):
    happened(Event.PROVIDER_CONNECTION_COMPLETED, alice, acme)

    answer = tell(alices, "checklist_dismissed")["unlockedFeatures"]

    assert [each["id"] for each in answer] == ["basic_dashboard", "provider_insights"]
    assert answer[0] == {
        "id": "basic_dashboard",
        "name": "Cost dashboard",
        "celebrationMessage": "Your dashboard is ready!",
        "nextSteps": [],  # a provider is connected already
    }
    left = tell(alices, "feature_unlock_celebrated", {"featureId": "basic_dashboard"})["unlockedFeatures"]
    assert [each["id"] for each in left] == ["provider_insights"]


def test_who_joined_after_an_unlock_is_not_bothered_with_it(acme, alice):
    import time_machine

    happened(Event.PROVIDER_CONNECTION_COMPLETED, alice, acme)
    with time_machine.travel(NOW.replace(hour=18), tick=False):
        late = make.member(acme, "late@acme.example", Role.MEMBER)
        assert tell(Browser(late), "checklist_dismissed")["unlockedFeatures"] == []


def test_a_client_that_never_stops_is_told_to_wait(alices):
    for _ in range(120):
        tell(alices, "sdk_code_copied")

    answer = alices.post("/api/onboarding/events", {"eventName": "sdk_code_copied"}, content_type="application/json")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


def test_strangers_and_other_sites_tell_nothing(acme, alice):
    body = {"eventName": "checklist_dismissed"}
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")

    assert Client().post("/api/onboarding/events", body, content_type="application/json").status_code == 401
    assert careful.post("/api/onboarding/events", body, content_type="application/json").status_code == 403
    assert lines(acme, "checklist_dismissed") == []


def test_d9_one_organizations_guidance_says_nothing_of_anothers(acme, alice, elsewhere, mallory):
    happened(Event.PROVIDER_CONNECTION_COMPLETED, alice, acme)
    two_settled_days(acme)
    mallorys = Browser(mallory)

    assert checklist(mallorys)["completedCount"] == 0
    assert [each["id"] for each in tell(mallorys, "tour_started", TOUR)["unlockedFeatures"]] == ["basic_dashboard"]
    assert lines(acme, "tour_started") == []


def test_a_guide_reads_a_bounded_number_of_rows(acme, alice, alices, django_assert_max_num_queries):
    two_settled_days(acme)
    checklist(alices)
    with organization_scope(acme.pk):
        membership = Membership.objects.select_related("organization", "user").get(organization=acme, user=alice)
        assert Guide(membership, now=NOW).to_celebrate  # what is new is recorded at the first look
        with django_assert_max_num_queries(14):
            guide = Guide(membership, now=NOW)
            assert guide.steps
            assert guide.to_celebrate
        JournalEntry.objects.bulk_create(
            [JournalEntry(organization=acme, event="tour_started", user=alice, at=NOW, data={}) for _ in range(50)]
        )
        with django_assert_max_num_queries(14):
            guide = Guide(membership, now=NOW)
            assert guide.steps
            assert guide.to_celebrate
