"""What came of the requests of a key, and of keys that nobody has, as their owner is told."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.core.cache import cache, caches
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.journal import Event
from accounts.models import JournalEntry, Milestone
from accounts.permissions import Role
from sdk_keys import attempts, nearly
from sdk_keys.models import Attempt
from sdk_keys.outcomes import NEARLY, OUTCOMES
from tests import make
from tests.conftest import Browser
from tests.sdk_keys.conftest import issued, now_of
from tests.sdk_keys.test_api import proved
from tokentra.lib import api_keys
from tokentra.lib.tenancy import organization_scope
from usage.measuring import tracking
from usage.measuring.discards import REASONS

pytestmark = pytest.mark.django_db

TRACK, SPANS = "/api/usage/track", "/v1/traces"
CALL = {"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 900, "output": 45}}
TEST = {"provider": "tokentra", "model": "test-event", "tokens": {}, "cost": {"amount": "0"}}
KEYS = "/settings/sdk/"
LOOK, TROUBLE = "/settings/sdk/arriving/", "/settings/sdk/troubleshooting/"


@pytest.fixture(autouse=True)
def _nothing_held() -> None:
    tracking.forget()
    cache.clear()


@pytest.fixture
def made(acme, alice):
    return issued(acme, by=alice)


def send(key: str, body: object = None, path: str = TRACK):
    text = body if isinstance(body, str) else json.dumps(CALL if body is None else body)
    headers = {"Authorization": f"Bearer {key}"}
    return Client().post(path, text, content_type="application/json", headers=headers)


def noted(organization) -> dict[str, Attempt]:
    with organization_scope(organization.pk):
        return {each.outcome: each for each in Attempt.objects.owned_by(organization)}


def seen_by(person, path: str = LOOK) -> str:
    return Browser(person).get(path).content.decode()


def test_a_call_is_shown_with_tokens_cost_and_where_its_price_comes_from(acme, alice, made):
    assert send(made.clear, CALL | {"latencyMs": 812, "customerId": "customer-7"}).status_code == 202

    page = seen_by(alice)

    assert "Your call is here" in page
    for words in ("gpt-4o-mini", "900 in, 45 out", "$0.00016", "The price book: genai-prices", "812 ms", "customer-7"):
        assert words in page, words
    assert "hx-trigger" not in page  # it has seen what it waited for


@pytest.mark.parametrize(
    ("body", "outcome", "words"),
    [
        (
            CALL | {"occurredAt": "2024-01-01T00:00:00Z"},
            "timestamp_out_of_range",
            ["2024-01-01T00:00:00+00:00", "clock"],
        ),
        (CALL | {"model": "gpt-99"}, "unpriced", ["gpt-99", "Stored without a price", "Compare the model"]),
        (
            CALL | {"model": "gpt-4o", "tokens": {"cacheWrite5m": 1}},
            "unpriced",
            ["or has no rate for something that the call used", "Settings, Prices"],
        ),
        (CALL | {"tokens": {"inputs": 1}}, "unknown_field", ["tokens.inputs", "Correct its name"]),
        ({"model": "gpt-4o-mini"}, "missing_field", ["provider", "A field is missing"]),
        ('{"provider": "openai"', "unreadable_json", ["no JSON", "single quotes"]),
        ({"events": [3]}, "invalid_event", ["An item is no event"]),
        (TEST, "test", ["Test event stored", "costs nothing"]),
    ],
)
def test_each_outcome_is_told_with_its_reason_and_what_to_do(body, outcome, words, acme, alice, made):
    send(made.clear, body)

    assert set(noted(acme)) == {outcome}
    page = seen_by(alice)
    assert all(word in page for word in [*words, made.key.masked]), page


def test_a_key_in_the_address_is_told_to_its_owner(acme, alice, made):
    send(made.clear, CALL, f"{TRACK}?key={made.clear}")

    page = seen_by(alice)
    assert "It stood in the <code>address</code>" in page
    assert "replace it" in page


@pytest.mark.parametrize("how", ["revoked", "replaced", "scope"])
def test_a_key_that_opens_nothing_is_told_to_its_owner(how, acme, alice):
    key = issued(acme, *(["read"] if how == "scope" else []), by=alice)
    with organization_scope(acme.pk):
        if how != "scope":
            now_of(key.key).__class__.objects.filter(pk=key.key.pk).update(revoked_at=timezone.now())

    assert send(key.clear).status_code in (401, 403)

    assert set(noted(acme)) == {"key_scope" if how == "scope" else "key_revoked"}
    assert ("scope ingest" if how == "scope" else "This key has ended") in seen_by(alice)


@pytest.mark.parametrize("path", [TRACK, SPANS])
def test_both_ways_in_are_told_apart(path, acme, alice, made):
    send(made.clear, "{}" if path == SPANS else TEST, path)
    send(made.clear, "no json", path)

    assert {each.way for each in noted(acme).values()} == {"spans" if path == SPANS else "events"}
    assert ("OpenTelemetry" in seen_by(alice)) is (path == SPANS)


def changed(key: str) -> str:
    return key[:-1] + ("a" if key[-1] != "a" else "b")


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (changed, "mistyped"),
        (lambda key: key[:30], "short"),
        (lambda key: f"{key}x", "long"),
        (lambda key: key[:12] + (body := "0" * 28) + api_keys.checksum(key[:12] + body), "unknown"),
    ],
)
def test_a_wrong_key_is_told_to_whose_key_it_begins_like_and_to_nobody_else(
    wrong, fault, acme, alice, made, elsewhere, mallory
):
    issued(elsewhere, by=mallory)
    key = wrong(made.clear)

    assert send(key).status_code == 401

    assert NEARLY[fault].title in seen_by(alice)
    assert NEARLY[fault].title in seen_by(alice, TROUBLE)
    for title in (each.title for each in NEARLY.values()):
        assert title not in seen_by(mallory)
    assert key not in seen_by(alice)


def test_what_is_no_key_of_ours_is_kept_nowhere(acme, made):
    for key in ("sk-nobody", "tt_", "tt_live_", "tt_prod_abcdefgh", "x" * 5000):
        send(key)

    assert nearly.like({made.key.prefix, "tt_live_", "tt_prod_abcd"}) == []


def test_strangers_fill_a_fixed_number_of_places(settings):
    names = {nearly.place(f"tt_live_{number:04d}") for number in range(5000)}

    assert len(names) > 4000
    assert all(0 <= int(name.rpartition(":")[2]) < nearly.PLACES for name in names)


def test_the_latest_of_each_outcome_stays_one_row_however_much_is_sent(acme, made):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for number in range(5):
            clock.shift(2)
            caches["process"].clear()
            send(made.clear, CALL | {"id": f"call-{number}"})
        last = timezone.now()

    [row] = noted(acme).values()
    assert row.at == last


def test_within_a_second_one_note_is_enough(acme, made, django_assert_num_queries):
    send(made.clear, TEST | {"id": "one"})
    first = noted(acme)["test"].event_id
    send(made.clear, TEST | {"id": "two"})

    assert noted(acme)["test"].event_id == first


def test_a_database_that_takes_no_note_costs_no_event(acme, made, monkeypatch):
    def away(*_, **__):
        raise OperationalError("away")

    monkeypatch.setattr(attempts.Attempt.objects, "bulk_create", away)

    assert send(made.clear).json()["accepted"] == 1


def test_the_first_call_is_a_fact_and_a_test_event_is_none(acme, made):
    def happened() -> list[tuple]:
        with organization_scope(acme.pk):
            lines = JournalEntry.objects.owned_by(acme).filter(event=Event.SDK_FIRST_REQUEST)
            return list(lines.values_list("user", flat=True))

    send(made.clear, TEST)
    send(made.clear, CALL | {"tokens": {"inputs": 1}})
    assert happened() == []

    for number in range(2):
        caches["process"].clear()
        send(made.clear, CALL | {"id": str(number)})

    assert happened() == [None]
    with organization_scope(acme.pk):
        assert Milestone.objects.filter(event="feature_unlocked").exists()


def test_who_sees_their_first_call_has_set_up(acme, alice, made):
    def done() -> int:
        with organization_scope(acme.pk):
            return JournalEntry.objects.owned_by(acme).filter(event=Event.SDK_SETUP_COMPLETED, user=alice).count()

    send(made.clear, TEST)
    seen_by(alice)
    assert done() == 0
    send(made.clear)
    seen_by(alice)
    seen_by(alice)
    assert done() == 1


def test_a_page_that_waits_is_drawn_again_only_when_something_came(acme, alice, made):
    browser = Browser(alice)
    first = browser.get(LOOK)
    mark = first.context["arriving"].mark
    again = {"mark": mark, "since": first.context["arriving"].since.isoformat()}

    assert browser.get(LOOK, again, headers={"HX-Request": "true"}).status_code == 204
    send(made.clear, TEST)

    assert "Test event stored" in browser.get(LOOK, again, headers={"HX-Request": "true"}).content.decode()


def test_it_looks_on_while_what_came_last_asks_for_a_mend(acme, alice, made):
    for number, (body, looks_on) in enumerate(
        [(CALL | {"model": "gpt-99"}, True), (CALL | {"occurredAt": "2024-01-01T00:00:00Z"}, True), (CALL, False)]
    ):
        send(made.clear, body | {"id": f"call-{number}"})

        page = seen_by(alice)

        assert ("hx-trigger" in page) is looks_on
        assert "Your call is here" in page


def asks_again(page: str) -> str:
    """The address at which the page looks for what is new."""
    found = re.search(r'hx-get="(/settings/sdk/arriving/[^"]*)"', page)
    assert found, "it looks no more"
    return unescape(found[1])


@pytest.mark.parametrize("how", ["new", "replacing", "by the wizard"])
def test_the_page_of_a_new_key_waits_for_a_call_with_that_key(how, acme, alice, made):
    send(made.clear, CALL)
    path, told = {
        "new": (f"{KEYS}new/", {"name": "x", "scopes": ["ingest"], "environment": "live", "lasts": "always"}),
        "replacing": (f"{KEYS}{made.key.pk}/replace/", {"old": "in_a_day"}),
        "by the wizard": ("/onboarding/sdk/", {"instead_of": made.key.pk}),
    }[how]
    browser = proved(alice)
    page = browser.post(path, told).text
    key = api_keys.found_in(page)

    assert "Waiting for the first event with this key" in page
    assert made.key.masked not in page.partition('id="arriving"')[2]
    caches["process"].clear()
    send(made.clear, CALL | {"id": "another of the old key"})
    assert browser.get(asks_again(page), headers={"HX-Request": "true"}).status_code == 204
    send(key, CALL | {"id": "the first of the new one", "customerId": "customer-9"})
    shown = browser.get(asks_again(page), headers={"HX-Request": "true"}).text
    assert "Your call is here" in shown
    assert "customer-9" in shown
    assert "hx-trigger" not in shown


def test_the_wizard_waits_for_the_same_key_when_it_is_loaded_again(acme, alice, made):
    browser = proved(alice)
    send(made.clear, CALL | {"customerId": "customer-8"})
    key = api_keys.found_in(browser.post("/onboarding/sdk/", {"instead_of": made.key.pk}).text)

    page = browser.get("/onboarding/sdk/").text

    assert "Waiting for the first event with this key" in page
    assert "customer-8" not in page
    send(key, CALL | {"id": "the first of the new one", "customerId": "customer-9"})
    assert "customer-9" in browser.get("/onboarding/sdk/").text


def test_a_page_that_rests_looks_on_where_it_is_told_to_and_for_the_same_key(alice, made):
    browser, long_ago = Browser(alice), timezone.now() - timedelta(minutes=16)
    rests = browser.get(LOOK, {"since": long_ago.isoformat(), "key": made.key.pk}).text

    again = browser.get(asks_again(rests), headers={"HX-Request": "true"}).text

    assert "Look again" in rests
    assert "hx-trigger" not in rests
    assert "Look again" not in again
    assert f"key={made.key.pk}" in asks_again(again)


@pytest.mark.parametrize("told", ["", "x", "another's"])
def test_a_key_that_is_not_theirs_is_none_to_wait_for(told, acme, alice, made, elsewhere, mallory):
    theirs = issued(elsewhere, by=mallory)
    send(theirs.clear, CALL)
    key = str(theirs.key.pk) if told == "another's" else told

    page = Browser(alice).get(LOOK, {"key": key}).text

    assert "Your call is here" not in page
    assert ("Make your key first" in page) is (told == "another's")


def test_after_a_minute_it_says_what_may_be_wrong_and_after_a_quarter_of_an_hour_it_rests(alice, made):
    browser, now = Browser(alice), timezone.now()

    def after(**time) -> str:
        return browser.get(LOOK, {"since": (now - timedelta(**time)).isoformat()}).content.decode()

    assert "Nothing after a minute" not in after(seconds=30)
    assert "Nothing after a minute" in after(seconds=70)
    assert "hx-trigger" in after(minutes=14)
    assert "hx-trigger" not in after(minutes=16)
    assert "Look again" in after(minutes=16)


def test_a_page_that_waits_is_drawn_again_when_it_has_waited_for_long(acme, alice, made):
    browser, now = Browser(alice), timezone.now()
    mark = browser.get(LOOK).context["arriving"].mark
    since = (now - timedelta(seconds=70)).isoformat()

    again = browser.get(LOOK, {"mark": mark, "since": since}, headers={"HX-Request": "true"})

    assert "Nothing after a minute" in again.content.decode()


def test_whoever_reads_rules_alone_has_sent_nothing(acme, alice, made):
    assert Client().get("/api/routing", headers={"Authorization": f"Bearer {made.clear}"}).status_code == 200

    assert "rules_read" in noted(acme)
    assert "Routing rules read" not in seen_by(alice)
    assert "Routing rules read" in seen_by(alice, TROUBLE)


@pytest.mark.parametrize(
    "since", ["", "yesterday", "2026-13-45T00:00:00Z", "2026-01-01T00:00:00", "2999-01-01T00:00:00Z"]
)
def test_a_time_that_makes_no_sense_is_now(since, alice, made):
    assert "Nothing after a minute" not in Browser(alice).get(LOOK, {"since": since}).content.decode()


def test_looking_costs_a_handful_of_queries(acme, alice, made, django_assert_max_num_queries):
    for body in (CALL, TEST, CALL | {"model": "gpt-99"}, "{", CALL | {"tokens": {"x": 1}}):
        send(made.clear, body)
    browser = Browser(alice)
    browser.get(LOOK)

    with django_assert_max_num_queries(16):
        browser.get(LOOK)


def test_members_see_what_came_of_their_own_keys(acme, alice, made):
    bob = make.member(acme, "bo@acme.example", Role.MEMBER)
    own = issued(acme, by=bob)
    send(made.clear, CALL | {"model": "gpt-98"})
    send(own.clear, TEST)

    for path in (LOOK, TROUBLE):
        theirs = seen_by(bob, path)
        assert "Test event stored" in theirs
        assert "Stored without a price" not in theirs
        assert "Stored without a price" in seen_by(alice, path)


def test_the_page_of_all_keys_names_those_that_were_never_used(acme, alice, made):
    issued(acme, by=alice, name="Idle")
    send(made.clear, TEST)

    page = seen_by(alice, TROUBLE)

    assert page.index("Test event stored") < page.index("Idle") < page.index("No event or span was ever sent")
    assert "python -m tokentra_sdk check" in page
    assert "npx @tokentra/sdk check" in page


def test_the_key_that_was_used_last_comes_first(acme, alice, made):
    later = issued(acme, by=alice, name="Later")
    for key in (made, later):
        send(key.clear, TEST)
    with organization_scope(acme.pk):
        Attempt.objects.filter(key=made.key).update(at=timezone.now() - timedelta(minutes=9))
    first = seen_by(alice, TROUBLE)
    with organization_scope(acme.pk):
        Attempt.objects.filter(key=later.key).update(at=timezone.now() - timedelta(minutes=19))
    second = seen_by(alice, TROUBLE)

    assert first.index(later.key.masked) < first.index(made.key.masked)
    assert second.index(made.key.masked) < second.index(later.key.masked)


def test_every_reason_why_something_is_not_kept_has_words_here():
    without = {
        "content",
        "error_text",
        "secret_masked",
        "too_many_tags",
        "too_many_units",
        "tag_cut",
        "tag_not_text",
    }  # of events that are kept

    assert set(REASONS) - without <= set(OUTCOMES)
    assert [code for code, outcome in OUTCOMES.items() if outcome.tone == "bad" and not outcome.fix] == []
