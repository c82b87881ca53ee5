"""What chats and pagers are sent: the shapes that they document, with names that do nothing there."""

import json

import pytest
from django.utils import timezone

from budgets.alerting import crossings, states
from budgets.channels import payloads, sending
from tests.budgets.alerting.channels_of import KEY, add, alerts_now, due_now, fire, to_channels
from tests.budgets.alerting.conftest import budget, cross
from tests.conftest import Browser
from tokentra.lib.tenancy import organization_scope

pytestmark = [pytest.mark.django_db, pytest.mark.worker]


def test_slack_teams_and_pagerduty_are_sent_the_shapes_that_they_document(acme, alice, hook, settings):
    receiver, url = hook
    settings.PAGERDUTY_URL = url
    browser = Browser(alice)
    for kind, address in (("slack", url), ("teams", url), ("pagerduty", KEY)):
        assert add(browser, kind, address, name=kind).status_code == 302
    alert = fire(acme, 100)

    sending.deliver_due()

    by_shape = {frozenset(told): told for told in (json.loads(body) for _, body in receiver.taken)}
    slack = by_shape[frozenset({"text", "blocks"})]
    assert [block["type"] for block in slack["blocks"]] == ["header", "section", "section", "context"]
    assert slack["blocks"][0]["text"] == {
        "type": "plain_text",
        "text": "\N{LARGE RED CIRCLE} Research has used up its budget",
    }
    assert slack["blocks"][2]["fields"][0] == {"type": "mrkdwn", "text": "*Spent*\n$82.10"}
    teams = by_shape[frozenset({"type", "attachments"})]["attachments"][0]
    assert teams["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (teams["content"]["type"], teams["content"]["version"]) == ("AdaptiveCard", "1.4")
    assert {"title": "Spent", "value": "$82.10"} in teams["content"]["body"][2]["facts"]
    pager = next(told for told in by_shape.values() if "routing_key" in told)
    assert (pager["event_action"], pager["routing_key"], pager["dedup_key"]) == ("trigger", KEY, f"tokentra-{alert.pk}")
    assert (pager["payload"]["severity"], pager["payload"]["source"]) == ("critical", "Acme")
    assert pager["payload"]["summary"] == "Research has used up its budget"


def test_pagerduty_follows_what_people_do_here_and_a_chat_does_not(acme, alice, hook, settings):
    receiver, url = hook
    settings.PAGERDUTY_URL = url
    browser = Browser(alice)
    add(browser, "pagerduty", KEY)
    add(browser, "slack", url)
    alert = fire(acme)

    with organization_scope(acme.pk):
        states.acknowledge(acme, [alert.pk], by=alice, now=timezone.now())
        states.resolve(alerts_now(acme), by=alice, now=timezone.now())
    sending.deliver_due()

    told = [json.loads(body) for _, body in receiver.taken]
    assert sorted(each["event_action"] for each in told if "event_action" in each) == [
        "acknowledge",
        "resolve",
        "trigger",
    ]
    assert len({each["dedup_key"] for each in told if "dedup_key" in each}) == 1
    assert sum("blocks" in each for each in told) == 1


def test_names_do_not_become_links_or_calls_to_everybody_in_a_chat(acme, alice, hook):
    receiver, url = hook
    add(Browser(alice), "slack", url)
    cross(budget(acme, name="<!channel> & <https://evil.example|x>"), 80, "82")
    with organization_scope(acme.pk):
        crossings.tell(acme, now=timezone.now())

    sending.deliver_due()

    text = json.loads(receiver.taken[0][1])["text"]
    assert "<" not in text
    assert "&lt;!channel&gt; &amp; &lt;https" in text


def test_names_do_not_become_links_in_a_card():
    name = "[Approve](https://evil.example) *now*"
    now = timezone.now()
    message = payloads.Message(
        "1", "2", "fired", now, now, "new", "info", f"New model: {name}", name, "https://ours.example/", name,
        numbers=((name, name),),
    )  # fmt: skip

    body = payloads.teams(message)["attachments"][0]["content"]["body"]

    plain = r"\[Approve\]\(https://evil.example\) \*now\*"
    texts = [each["text"] for each in body if "text" in each]
    assert texts == [f"New model: {plain}", plain, plain]
    assert body[2]["facts"] == [{"title": plain, "value": plain}]


def test_a_pager_hears_the_end_after_the_beginning_and_of_what_is_opened_again(acme, alice, hook, settings):
    receiver, url = hook
    settings.PAGERDUTY_URL = url
    add(Browser(alice), "pagerduty", KEY)
    fire(acme)
    receiver.status = 503
    sending.deliver_due()
    receiver.status = 202
    with organization_scope(acme.pk):
        states.resolve(alerts_now(acme), by=alice, now=timezone.now())
    sending.deliver_due()
    assert len(receiver.taken) == 1, "the end waits for the beginning"
    first, last = to_channels(acme)
    assert last.next_try_at > first.next_try_at

    with organization_scope(acme.pk):
        states.reopen(alerts_now(acme), by=alice, now=timezone.now())
    due_now(acme)
    sending.deliver_due()

    told = [json.loads(body) for _, body in receiver.taken[1:]]
    assert [each["event_action"] for each in told] == ["trigger", "resolve", "trigger"]
    assert told[2]["payload"]["summary"] == "Opened again: Research has used 80% of its budget"
