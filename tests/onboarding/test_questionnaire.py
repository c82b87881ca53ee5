"""The four screens as a browser without scripts sees them: answering, skipping, going back, coming back."""

import pytest

from accounts import invitations
from accounts.pacing import HOUR, Pace
from accounts.permissions import Role
from tests import make
from tests.conftest import Browser
from tests.onboarding.conftest import company_of, journey_of, lines, name_of

COMPANY = {"company_name": "Acme Labs", "user_role": "finops_finance", "company_size": "51-200"}
AI_USAGE = {"monthly_ai_spend": "1000_10000", "ai_providers": ["anthropic", "other"], "ai_providers_other": "Groq",
            "use_cases": ["chatbot"]}  # fmt: skip


def test_every_step_is_saved_and_leads_to_the_next(acme, alice, alices):
    assert alices.get("/", follow=True).redirect_chain[-1][0] == "/onboarding/company/"
    assert alices.post("/onboarding/company/", COMPANY).url == "/onboarding/ai-usage/"
    assert alices.post("/onboarding/ai-usage/", AI_USAGE).url == "/onboarding/goals/"
    assert alices.post("/onboarding/goals/", {"goals": ["visibility", "cost_allocation"]}).url == "/onboarding/team/"

    journey, company = journey_of(acme, alice), company_of(acme)
    assert name_of(acme) == "Acme Labs"
    assert (company.company_size, company.monthly_ai_spend, company.use_cases) == ("51-200", "1000_10000", ["chatbot"])
    assert (company.ai_providers, company.other) == (["anthropic", "other"], {"ai_providers": "Groq"})
    assert (journey.user_role, journey.goals) == ("finops_finance", ["visibility", "cost_allocation"])
    assert (journey.segment, journey.path, journey.spend_tier) == ("midmarket_finops", "guided_tour", "under_10k")
    assert journey.rule_inputs["size"] == "51-200"
    assert journey.rule_version == 1


def test_coming_back_resumes_where_the_person_was(alices):
    alices.post("/onboarding/company/", COMPANY)

    assert alices.get("/", follow=True).redirect_chain[-1][0] == "/onboarding/ai-usage/"


def test_going_back_shows_what_was_answered(alices):
    alices.post("/onboarding/company/", COMPANY)
    alices.post("/onboarding/ai-usage/", AI_USAGE)

    company = alices.get("/onboarding/company/").content.decode()
    usage = alices.get("/onboarding/ai-usage/").content.decode()
    assert 'value="Acme Labs"' in company
    assert 'value="finops_finance" checked' in " ".join(company.split())
    assert 'value="Groq"' in usage
    assert 'value="anthropic" checked' in " ".join(usage.split())


def test_a_skip_is_recorded_for_its_step_and_keeps_earlier_answers(acme, alice, alices):
    alices.post("/onboarding/company/", COMPANY)
    alices.post("/onboarding/skip/company/")
    alices.post("/onboarding/skip/ai_usage/")

    journey = journey_of(acme, alice)
    assert journey.skipped_steps == ["company", "ai_usage"]
    assert journey.done_steps == []
    assert journey.user_role == "finops_finance"


def test_handing_in_nothing_is_skipping(acme, alice, alices):
    assert alices.post("/onboarding/goals/", {}).status_code == 302

    assert journey_of(acme, alice).skipped_steps == ["goals"]
    assert "questionnaire_step_skipped goals" in lines(acme)


def test_everything_skipped_leads_to_the_dashboard_and_is_never_asked_again(acme, alice, alices):
    for step in ("company", "ai_usage", "goals", "team", "connect"):
        answer = alices.post(f"/onboarding/skip/{step}/")

    journey = journey_of(acme, alice)
    assert answer.url == "/dashboard/"
    assert (journey.status, journey.step, journey.segment, journey.path) == (
        "completed",
        "dashboard",
        "",
        "quick_connect",
    )
    assert journey.questionnaire_completed_at
    assert alices.get("/", follow=True).redirect_chain[-1][0] == "/dashboard/"
    assert lines(acme).count("questionnaire_completed") == 1


def test_answering_later_changes_answers_and_begins_nothing_again(acme, alice, alices):
    alices.post("/onboarding/leave/")
    assert journey_of(acme, alice).status == "dismissed"

    assert alices.post("/onboarding/company/", COMPANY).url == "/onboarding/ai-usage/"
    assert journey_of(acme, alice).user_role == "finops_finance"
    assert journey_of(acme, alice).status == "dismissed"
    assert alices.get("/", follow=True).redirect_chain[-1][0] == "/dashboard/"


def test_the_journal_tells_the_way_and_inviting_is_optional(acme, alices):
    alices.get("/onboarding/company/")
    alices.get("/onboarding/company/")
    alices.post("/onboarding/company/", COMPANY)
    alices.post("/onboarding/skip/ai_usage/")
    alices.post("/onboarding/goals/", {"goals": ["exploring"]})
    alices.post("/onboarding/skip/team/")

    assert lines(acme) == [
        "questionnaire_started", "questionnaire_step_completed company", "questionnaire_step_skipped ai_usage",
        "questionnaire_step_completed goals", "questionnaire_completed", "questionnaire_step_skipped team",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("screen", "sent"),
    [
        ("company", {"company_size": "12"}),
        ("company", {"company_name": "A"}),
        ("company", {"company_name": "Ac\u202eme"}),
        ("company", {"company_name": "x" * 101}),
        ("ai-usage", {"ai_providers": ["openai", "nobody"]}),
        ("ai-usage", {"ai_providers": ["other"], "ai_providers_other": "x" * 101}),
    ],
)
def test_b9_what_no_question_offers_is_refused_and_nothing_typed_is_lost(screen, sent, acme, alices):
    answer = alices.post(f"/onboarding/{screen}/", sent | {"use_cases": ["research"], "user_role": "founder_ceo"})

    assert answer.status_code == 422
    assert 'value="research" checked' in " ".join(answer.content.decode().split()) or screen == "company"
    assert 'value="founder_ceo" checked' in " ".join(answer.content.decode().split()) or screen != "company"
    assert name_of(acme) == "Acme"


def test_an_invited_member_is_asked_two_questions_about_themselves(acme, bob):
    bobs = Browser(bob)

    first = bobs.get("/onboarding/company/").content.decode()
    assert "Step 1 of 2" in first
    assert "company_name" not in first
    assert (
        bobs.post("/onboarding/company/", {"user_role": "engineering", "company_name": "Bobs"}).url
        == "/onboarding/goals/"
    )
    assert bobs.post("/onboarding/goals/", {"goals": ["visibility"]}).url == "/dashboard/"
    assert name_of(acme) == "Acme"
    assert journey_of(acme, bob).status == "completed"


def test_an_invited_admin_is_led_past_the_company_to_connecting(acme):
    admin = Browser(make.member(acme, "ada@acme.example", Role.ADMIN))

    admin.post("/onboarding/skip/company/")
    assert admin.post("/onboarding/skip/goals/").url == "/onboarding/providers/"


def test_a_second_organization_of_ones_own_asks_for_nothing_but_a_provider(acme, alice, alices):
    client = make.organization("Client", owner=alice)
    alices.post(f"/organizations/{client.pk}/enter/")

    assert alices.get("/", follow=True).redirect_chain[-1][0] == "/onboarding/providers/"
    assert alices.get("/onboarding/company/").url == "/onboarding/"


def test_somebody_alone_is_not_asked_for_a_team(acme, alice, alices):
    alices.post("/onboarding/company/", {"company_size": "solo"})

    assert "Step 3 of 4" in alices.get("/onboarding/goals/").content.decode()
    assert alices.post("/onboarding/goals/", {"goals": ["visibility"]}).url == "/onboarding/providers/"


def test_the_contact_page_is_there_while_somebody_can_be_talked_to(acme, alice, alices, settings):
    settings.SALES_CONTACT_URL = "https://calendar.example/acme"
    alices.post("/onboarding/ai-usage/", {"monthly_ai_spend": "over_100000"})
    alices.post("/onboarding/skip/goals/")

    assert alices.post("/onboarding/skip/team/").url == "/onboarding/contact/"
    assert "https://calendar.example/acme" in alices.get("/onboarding/contact/").content.decode()
    assert alices.post("/onboarding/contact/").url == "/onboarding/providers/"

    settings.SALES_CONTACT_URL = ""
    assert alices.get("/onboarding/contact/").url == "/onboarding/"


def test_nobody_is_led_through_a_sample_workspace(alice, acme, alices):
    sample = make.organization("Sample", owner=alice, is_sample=True)
    alices.post(f"/organizations/{sample.pk}/enter/")

    assert alices.get("/", follow=True).redirect_chain[-1][0] == "/dashboard/"


def test_the_team_step_invites_and_keeps_what_was_refused(acme, alices):
    answer = alices.post("/onboarding/team/", {"team_invites": "new@acme.example, broken@"})

    assert answer.status_code == 422
    assert "Invited already: new@acme.example." in answer.content.decode()
    assert lines(acme).count("team_invite_sent") == 1


def test_without_a_mail_server_the_links_are_shown_once(acme, alices, settings):
    page = alices.post("/onboarding/team/", {"team_invites": "third@acme.example"})

    assert page.status_code == 200
    assert page["Cache-Control"] == "no-store"
    assert "/invitations/tt_invite_" in page.content.decode()
    assert 'href="/onboarding/providers/"' in page.content.decode()

    settings.MAIL_IS_CONFIGURED = True
    assert alices.post("/onboarding/team/", {"team_invites": "new@acme.example"}).url == "/onboarding/providers/"


def test_links_are_shown_also_where_some_address_was_refused(acme, alices):
    page = alices.post("/onboarding/team/", {"team_invites": "new@acme.example, broken@"}).content.decode()

    assert "/invitations/tt_invite_" in page


def test_b7_past_the_limit_of_a_person_the_step_says_when_and_keeps_the_addresses(acme, alices, monkeypatch):
    monkeypatch.setattr(invitations, "OF_A_PERSON", (Pace(1, HOUR),))
    alices.post("/onboarding/team/", {"team_invites": "a@b.example"})

    answer = alices.post("/onboarding/team/", {"team_invites": "c@d.example, e@f.example"})

    assert answer.status_code == 429
    assert 3500 < int(answer["Retry-After"]) <= 3600
    assert "c@d.example: 1 an hour is the most that is sent by one person" in answer.content.decode()
    assert "c@d.example\ne@f.example</textarea>" in answer.content.decode()


def test_a_list_of_addresses_has_an_end(acme, alices):
    answer = alices.post("/onboarding/team/", {"team_invites": "a@b.example," * 1000})

    assert answer.status_code == 422
    assert "team_invite_sent" not in lines(acme)
