"""/routing/: from measured calls to a proposal, to a rule, to what it did; and who may change it."""

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.urls import reverse

from accounts.models import AuditLine
from accounts.permissions import Role
from tests import make
from tests.conftest import Browser
from tests.usage.measuring.conftest import NOON, event
from tokentra.lib.tenancy import organization_scope
from usage.routing import making
from usage.routing.rule import RoutingRule
from usage.rules.routing import Call

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
PAGE, ADD = "/routing/", "/routing/rules/"
RULE = {"feature": "summaries", "provider": "openai", "model": "gpt-4o", "use_model": "gpt-4o-mini"}
VERSIONED = "gpt-4o-2024-08-06"


def calls(number=120, *, ago=DAY, feature="summaries", model=VERSIONED, name="", now=NOON, **said):
    """2,500 in and 10 out of a million cost ten cents at the price of gpt-4o: a thousandth each."""
    at, told = (now - ago).isoformat(), {"tokens": {"input": 360, "output": 10}} | said
    ids = (f"{name}{feature}{model}{at}{n}"[-60:] for n in range(number))
    return [event(id=id, occurredAt=at, feature=feature, model=model, **told) for id in ids]


def text(browser, path=PAGE, status=200):
    answer = browser.get(path)
    assert answer.status_code == status, answer.content
    return words(answer)


def words(answer):
    return " ".join(unescape(re.sub(r"(?s)<svg.*?</svg>|<[^>]+>", " ", answer.content.decode())).split())


def rules(organization):
    with organization_scope(organization.pk):
        return list(RoutingRule.objects.owned_by(organization).order_by("feature"))


def audited(organization):
    with organization_scope(organization.pk):
        lines = AuditLine.objects.owned_by(organization).filter(action__startswith="routing").order_by("at", "id")
        return list(lines.values_list("action", flat=True))


def act(browser, organization, name):
    (rule,) = rules(organization)
    return browser.post(reverse(f"usage:{name}_routing_rule", args=[rule.pk]), follow=True)


@pytest.fixture(autouse=True)
def _open(alices):
    alices.post("/onboarding/features/smart_routing/")


def test_without_calls_it_says_what_is_needed(alices):
    page = text(alices)

    assert "Proposals come from your calls" in page
    assert "names a feature with each" in page


def test_measured_calls_make_a_proposal_with_its_evidence(alices, send):
    send(*calls(60), *calls(60, ago=2 * DAY, model="gpt-4o"), *calls(99, feature="chat"))

    page = text(alices)

    assert "summaries: gpt-4o-mini for gpt-4o" in page
    assert "Calls 120" in page
    assert "Days with calls 2" in page
    assert "Cost as measured $0.12" in page
    assert "The same tokens, gpt-4o-mini $0.0072" in page
    assert "Low confidence" in page
    assert "chat: " not in page


def test_calls_without_a_feature_and_those_of_today_propose_nothing(alices, send):
    send(*calls(feature=None), *calls(ago=timedelta(0)))

    assert "Proposals come from your calls" in text(alices)


def test_a_proposal_becomes_a_rule_that_is_off_and_keeps_what_it_rests_on(acme, alice, alices, send):
    send(*calls())

    page = words(alices.post(ADD, RULE, follow=True))

    (rule,) = rules(acme)
    assert "is there, and off" in page
    assert "Proposed on 120 calls, $0.12" in page
    assert "summaries: gpt-4o-mini" not in page, "what has a rule is not proposed again"
    assert (rule.is_enabled, rule.created_by_id, rule.created_at) == (False, alice.pk, NOON)
    assert (rule.basis["calls"], rule.basis["confidence"]) == ("120", "low")


def test_enabling_disabling_and_removing_are_written_down_once(acme, alices):
    alices.post(ADD, RULE)

    assert "On: programs that read the rules" in words(act(alices, acme, "enable"))
    act(alices, acme, "enable")
    assert rules(acme)[0].enabled_at == NOON
    assert "no longer find one for summaries" in words(act(alices, acme, "disable"))
    assert rules(acme)[0].enabled_at is None
    act(alices, acme, "remove")

    assert rules(acme) == []
    assert audited(acme) == [f"routing_rule_{done}" for done in ("made", "enabled", "disabled", "removed")]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model": "gpt-nobody-knows"}, "The price book knows no model gpt-nobody-knows of openai."),
        ({"use_model": "claude-sonnet-4-5"}, "The price book knows no model claude-sonnet-4-5 of openai."),
        ({"use_model": "gpt-4o"}, "Choose another model"),
        ({"provider": "no provider"}, "Enter a valid"),
        ({"feature": ""}, "Name the feature."),
        ({"feature": "x" * 257}, "at most 256"),
        ({"feature": "a\0b"}, "Null characters"),
    ],
)
def test_what_no_program_could_follow_is_refused_and_stays_as_typed(changed, said, acme, alices):
    answer = alices.post(ADD, RULE | changed)

    assert answer.status_code == 422
    assert said in words(answer)
    assert 'value="openai"' in answer.content.decode() or "provider" in changed
    assert rules(acme) == []
    assert alices.get(ADD).url == PAGE


DEARER = {"feature": "summaries", "provider": "openai", "model": "gpt-4o-mini", "use_model": "gpt-4o"}


def test_a_dearer_rule_is_asked_about_with_the_figures_of_its_calls_before_it_is_saved(acme, alices, send):
    send(*calls(model="gpt-4o-mini-2024-07-18"))

    answer = alices.post(ADD, DEARER)

    page = words(answer)
    assert answer.status_code == 422
    assert "This rule would cost more" in page
    assert "The 120 calls of the last 30 days" in page
    assert "cost $0.0072 with gpt-4o-mini, and $0.12 with gpt-4o: 1,567% more" in page
    assert rules(acme) == []

    known = re.search('name="dearer" value="([^"]+)"', answer.content.decode())[1]
    other = alices.post(ADD, DEARER | {"dearer": known, "feature": "chat"})
    assert (other.status_code, rules(acme)) == (422, []), "that another rule is dearer is not known"
    alices.post(ADD, DEARER | {"dearer": known})
    assert [rule.use_model for rule in rules(acme)] == ["gpt-4o"]


def test_without_calls_a_dearer_rule_is_told_by_the_price_of_a_short_one(acme, alices):
    page = words(alices.post(ADD, DEARER))

    assert "No call of this feature with gpt-4o-mini was measured" in page
    assert "costs $0.0003 with it, and $0.005 with gpt-4o" in page
    assert rules(acme) == []


def test_a_suggestion_leads_to_its_rule_which_is_ready_but_for_what_is_not_known(alices, send):
    send(*calls(1))
    link = f"{PAGE}?provider=openai&model=gpt-4o&use_model=gpt-4o-mini"

    page = alices.get(link).content.decode()

    for value in ("summaries", "openai", "gpt-4o", "gpt-4o-mini"):
        assert f'value="{value}"' in page.split('id="add-rule"')[1].split("</form>")[0]
    send(*calls(1, feature="chat"))
    assert 'value="summaries"' not in alices.get(link).content.decode().split("<datalist")[0], "it is one of two"


def test_calls_have_one_rule_and_an_organization_so_many(acme, alices, monkeypatch):
    alices.post(ADD, RULE)
    twice = alices.post(ADD, RULE | {"use_model": "gpt-4.1-mini"})
    monkeypatch.setattr(making, "MOST_RULES", 1)
    more = alices.post(ADD, RULE | {"feature": "chat"})

    assert (twice.status_code, more.status_code) == (409, 422)
    assert "There is a rule for these calls" in words(twice)
    assert "up to 1 rules" in words(more)
    assert [rule.use_model for rule in rules(acme)] == ["gpt-4o-mini"]


def test_what_a_rule_did_is_told_once_there_are_enough_calls(acme, alices, send):
    alices.post(ADD, RULE)
    with time_machine.travel(NOON - 3 * DAY, tick=False):
        act(alices, acme, "enable")
    send(*calls(100, ago=4 * DAY), *calls(50, ago=3 * DAY))
    send(*calls(10), *calls(89, model="gpt-4o-mini-2024-07-18"))

    page = text(alices)
    assert "89 calls with gpt-4o-mini, 10 with gpt-4o" in page
    assert "Not enough calls yet: 100 with a price" in page

    send(*calls(1, model="gpt-4o-mini", name="last"))

    page = text(alices)
    assert "90 calls with gpt-4o-mini, 10 with gpt-4o" in page
    assert re.search(r"A call costs 8\d(\.\d)?% less: \S+ before, \S+ since", page), page


@pytest.mark.parametrize("role", [Role.FINANCE, Role.MEMBER, Role.VIEWER])
def test_others_read_and_change_nothing(role, acme, alices, send):
    send(*calls(feature="chat"))
    alices.post(ADD, RULE)
    reader = Browser(make.member(acme, "reader@acme.example", role))
    reader.post("/onboarding/features/smart_routing/")

    page = text(reader)

    assert "summaries" in page
    assert "chat: gpt-4o-mini for gpt-4o" in page
    assert "Owners and admins make rules" in page
    assert ADD not in reader.get(PAGE).content.decode()
    assert reader.post(ADD, RULE | {"feature": "chat"}).status_code == 403
    for name in ("enable", "disable", "remove"):
        assert act(reader, acme, name).status_code == 403
    assert [rule.is_enabled for rule in rules(acme)] == [False]


def test_b13_rules_of_another_organization_are_not_there(acme, alices, mallorys):
    alices.post(ADD, RULE)
    mallorys.post("/onboarding/features/smart_routing/")

    for name in ("enable", "disable", "remove"):
        assert act(mallorys, acme, name).status_code == 404
    assert "Go to" not in text(mallorys), "there is no table of rules"
    assert len(rules(acme)) == 1


def test_it_takes_a_bounded_number_of_queries(acme, alice, alices, send, django_assert_max_num_queries):
    send(*calls(), *calls(feature="chat"))
    with organization_scope(acme.pk):
        for n in range(20):
            call = Call(f"feature {n}", "openai", "gpt-4o")
            rule = making.make(acme, call, "gpt-4o-mini", basis={}, by=alice, now=NOON)
            making.enable(rule, by=alice, now=NOON)
    alices.get(PAGE)

    with django_assert_max_num_queries(24):
        alices.get(PAGE)
