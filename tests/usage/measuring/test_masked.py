"""Whatever masking knows as a secret is masked wherever in an event it stands, before any of it is kept or answered."""

import json
from datetime import UTC, datetime

import pytest

from sdk_keys.models import Attempt
from tests.lib.test_masking import CANARIES
from tests.sdk_keys.conftest import issued
from tests.usage.measuring.conftest import NOON, event
from tests.usage.measuring.test_door import post
from tokentra.lib.masking import MASK
from tokentra.lib.tenancy import organization_scope
from usage.call_kinds import CallKind
from usage.discarded import Discard
from usage.measured import Event, MeasuredDay
from usage.measuring.door import told
from usage.measuring.reading import Reader
from usage.measuring.shape import LONGEST_ID, TEXTS, Plain, in_json
from usage.measuring.tracking import opened

HEADERS = {
    "Authorization": "Basic Y2FuYXJ5OmNhbmFyeQ==",
    "Proxy-Authorization": "Token canary",
    "api-key": "canary-without-a-shape",
    "X-API-Key": "canary-without-a-shape",
    "x-goog-api-key": "canary",
    "Cookie": "a=1; sessionid=canary",
    "X-Amz-Security-Token": "canary/without+a=shape",
    "api_key": "canary-without-a-shape",
    "apiKey": "canary",
    "openai_api_key": "canary",
    "client_secret": "canary",
    "access_token": "canary",
    "password": "canary",
}
LINES = [
    *(f"{name}: {value}" for name, value in HEADERS.items()),
    "Bearer canary.without-shape~1/2=",
    "bearer\tcanary.without-shape",
    'Authorization: Digest username="canary", response="canary"',
]
SHAPES = [
    *(shape[:LONGEST_ID] for shape in CANARIES.values()),
    "-----BEGIN PRIVATE KEY-----\nMIIcanary\nmore",
    *(turned(line) for line in LINES for turned in (str, str.lower, str.upper)),
]
FIELDS = list(map(in_json, TEXTS))


def kept(organization):
    """Everything that came of what was sent."""
    with organization_scope(organization.pk):
        models = Event, CallKind, MeasuredDay, Discard, Attempt
        return "".join(str(list(model.objects.values())) for model in models)


def tells(text):
    return any(part in text.lower() for part in ("canary", "y2fuyxj5"))


def counts(organization):
    with organization_scope(organization.pk):
        return dict(Discard.objects.values_list("reason", "count"))


@pytest.mark.parametrize("shape", SHAPES)
def test_b42_every_shape_that_is_masked_is_masked_in_every_place(shape, acme, send):
    places = [
        *({field: shape} for field in FIELDS),
        {"tags": {"note": shape}},
        {"tags": {shape: "x"}},
        {"units": {shape: 1}},
        {"id": shape},
    ]
    events = [event(**said) for said in places]

    first, again = send(*events), send(*events)

    assert (first.accepted, again.duplicates) == (len(places), len(places))
    assert not tells(kept(acme))
    assert not tells(str(told(first)) + str(told(again)))
    assert counts(acme) == {"secret_masked": 2 * len(places)}


@pytest.mark.parametrize("shape", SHAPES)
def test_b42_wherever_it_stands_alone_it_is_looked_for(shape):
    found = opened(json.dumps({"events": [event(tags={"note": shape})]}).encode())

    assert (type(found.events[0]), found.are_clean) == (Plain, False)


@pytest.mark.parametrize(("name", "value"), HEADERS.items())
@pytest.mark.parametrize("turned", [str, str.lower, str.upper])
def test_b42_a_tag_whose_name_marks_a_secret_keeps_nothing_of_it(turned, name, value, acme):
    tag = {turned(name): value}
    found = opened(json.dumps({"events": [event(tags=tag)]}).encode())
    reader = Reader(acme.pk, None, NOON, is_clean=found.are_clean)

    reads = [reader.read(raw) for raw in (*found.events, event(**tag))]

    assert [read.tags for read in reads] == [{turned(name): MASK}] * 2
    assert reader.discards == {"secret_masked": 2}


def test_b42_a_secret_as_a_name_costs_its_value_nothing(send, held):
    send(event(tags={CANARIES["openai project"]: "x", "region": "eu"}))

    assert held()[0].tags == {MASK: "x", "region": "eu"}


def test_b42_a_token_that_was_cut_is_masked(send, held):
    send(event(tags={"note": CANARIES["jwt"].replace(".", "canary" * 60 + ".")}))

    assert held()[0].tags == {"note": MASK}


def test_b42_two_secret_ids_are_two_events_and_the_same_again_is_none(send, held):
    ids = [f"{CANARIES['openai project']}{number}" for number in (1, 2)]
    events = [event(id=id) for id in ids]

    first, again = send(*events), send(*events)

    assert (first.accepted, again.duplicates, [result.id for result in again.results]) == (2, 2, [MASK, MASK])
    assert [each.ref for each in held()] == [MASK, MASK]


@pytest.mark.parametrize(
    "wrong",
    [
        {"tokens": {CANARIES["aws id"]: 1}},
        {"units": {CANARIES["aws id"]: -1}},
        {"status": CANARIES["aws id"]},
        {"id": CANARIES["aws id"], "model": ""},
        {"id": f"{CANARIES['aws id']} {'x' * 100}"},
    ],
)
def test_b42_what_is_refused_is_answered_and_noted_without_the_secret(wrong, acme):
    sent = event(occurredAt=datetime.now(UTC).isoformat()) | wrong

    answer = post(issued(acme, "ingest").clear, sent)

    assert answer.status_code == 422
    assert not tells(answer.content.decode() + kept(acme))


def test_texts_that_were_masked_are_no_longer_than_texts_may_be(send, held):
    send(event(feature="cookie:x," * 28))

    assert len(held()[0].feature) == 256
