"""Events are read one by one, priced, kept once, and every discard is counted."""

import json
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.sdk_keys.conftest import issued
from tests.usage.measuring.conftest import NOON, event
from tokentra.lib.ids import uuid7
from tokentra.lib.masking import SIGNS, SIGNS_IN_ANY_CASE
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope
from usage.call_kinds import CallKind
from usage.discarded import Discard
from usage.measured import Event, MeasuredDay
from usage.measuring import tracking
from usage.measuring.reading import Reader, Refused
from usage.measuring.shape import LONGEST_PROVIDER, Plain
from usage.measuring.texts import shallow
from usage.measuring.tracking import Opened, events_of, made, opened

ID = "0198c0de-0000-7000-8000-00000000000a"


def only(answer):
    [result] = answer.results
    return result


def spent(acme, dimension="all", value=""):
    with organization_scope(acme.pk):
        rows = MeasuredDay.objects.owned_by(acme).filter(dimension=dimension, value=value, by="")
        return sum((row.amount for row in rows), Decimal(0)), sum(row.calls for row in rows)


def discards(acme):
    with organization_scope(acme.pk):
        return dict(Discard.objects.owned_by(acme).values_list("reason", "count"))


def test_an_event_is_kept_with_its_price_and_what_it_says(acme, send, held):
    said = event(id=ID, customerId="c-1", userId="u-1", feature="chat", runId="r-1", latencyMs=1200, region="eu")

    answer = send(said)

    assert (answer.status, answer.accepted, answer.results) == (202, 1, [])
    [kept] = held()
    assert (str(kept.id), kept.ref, kept.day, kept.occurred_at) == (ID, None, NOON.date(), NOON)
    assert (kept.input, kept.cache_read, kept.output, kept.reasoning) == (900, 100, 45, None)
    assert (kept.customer, kept.user_ref, kept.feature, kept.run) == ("c-1", "u-1", "chat", "r-1")
    assert kept.tags == {"region": "eu"}
    # 900 x 0.15 + 100 x 0.075 + 45 x 0.60 dollars a million
    assert (kept.amount, kept.basis) == (Decimal("0.0001695"), "computed")
    assert spent(acme) == spent(acme, "customer", "c-1") == (Decimal("0.0001695"), 1)


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"tokens": {"input": float("nan")}}, "invalid_field", "tokens.input"),
        ({"tokens": {"input": -1}}, "invalid_field", "tokens.input"),
        ({"tokens": {"input": 1.5}}, "invalid_field", "tokens.input"),
        ({"tokens": {"input": True}}, "invalid_field", "tokens.input"),
        ({"tokens": {"input": "12"}}, "invalid_field", "tokens.input"),
        ({"tokens": {"input": 10**12 + 1}}, "invalid_field", "tokens.input"),
        ({"tokens": {"input": 10**30}}, "invalid_field", "tokens.input"),
        ({"tokens": {"output": 5, "reasoning": 6}}, "invalid_field", "tokens.reasoning"),
        ({"tokens": {"inputs": 5}}, "unknown_field", "tokens.inputs"),
        ({"customerId": "a\0b"}, "invalid_text", ""),
        ({"customerId": "\ud800"}, "invalid_text", ""),
        ({"region": "\ud800"}, "invalid_text", ""),
        ({"customerId": "x" * 257}, "invalid_field", "customerId"),
        ({"customerId": 7}, "invalid_field", "customerId"),
        ({"units": {"a\0b": 1}}, "invalid_text", ""),
        ({"units": {"\ud800": 1}}, "invalid_text", ""),
        ({"id": ""}, "invalid_field", "id"),
        ({"id": "x" * 65}, "invalid_field", "id"),
        ({"provider": ""}, "invalid_field", "provider"),
        ({"provider": "x" * 257}, "invalid_field", "provider"),
        ({"provider": "\u00e9" * 129}, "invalid_field", "provider"),
        ({"provider": "  "}, "missing_field", "provider"),
        ({"model": None}, "invalid_field", "model"),
        ({"status": "fine"}, "invalid_field", "status"),
        ({"units": {"search": -1}}, "invalid_field", "units.search"),
        ({"units": {"search": "NaN"}}, "invalid_field", "units.search"),
        ({"cost": {"amount": "-0.1"}}, "invalid_field", "cost.amount"),
        ({"cost": {"amount": "1e10"}}, "invalid_field", "cost.amount"),
        ({"cost": {"amount": "sNaN"}}, "invalid_field", "cost.amount"),
        ({"cost": {"amount": "1_000"}}, "invalid_field", "cost.amount"),
        ({"cost": {"amount": "\uff11"}}, "invalid_field", "cost.amount"),
        ({"cost": {"amount": " 1 "}}, "invalid_field", "cost.amount"),
        ({"cost": {"amount": "1\n"}}, "invalid_field", "cost.amount"),
        ({"cost": {"amount": "1e99999999999999999999"}}, "invalid_field", "cost.amount"),
        ({"cost": {"amount": float("inf")}}, "invalid_field", "cost.amount"),
        ({"cost": {"amount": True}}, "invalid_field", "cost.amount"),
        ({"cost": {"amount": "1", "currency": "usd"}}, "invalid_field", "cost.currency"),
        ({"cost": {"amount": "1", "currency": "USD\n"}}, "invalid_field", "cost.currency"),
        ({"tokens": None}, "nothing_used", "tokens"),
        ({"tags": [1]}, "invalid_field", "tags"),
        ({"occurredAt": "2026-11-20T12:00:00"}, "timestamp_out_of_range", "occurredAt"),
    ],
)
def test_b28_one_bad_event_is_said_by_its_place_and_the_others_are_kept(wrong, code, field, acme, send, held):
    good = event(id="good")

    answer = send(good, event(id="bad") | wrong, event(id="also good"))

    result = only(answer)
    assert (answer.status, answer.accepted, answer.rejected) == (202, 2, 1)
    assert (result.index, result.status, result.code, result.field) == (1, "rejected", code, field)
    assert result.message.endswith(".")
    assert {kept.ref for kept in held()} == {"good", "also good"}
    assert discards(acme) == {code: 1}


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"id": 7}, "id", "An id is a text of 1 to 64 characters."),
        ({"id": ""}, "id", "An id is a text of 1 to 64 characters."),
        ({"status": "fine"}, "status", "A status is ok, error, timeout or cancelled."),
        ({"usageSource": "guess"}, "usageSource", "A usageSource is reported, estimated or missing."),
        ({"units": {"": 1}}, "units", "The name of a unit has 1 to 64 characters."),
        ({"units": {"u" * 65: 1}}, "units", "The name of a unit has 1 to 64 characters."),
        ({"cost": {"amount": None}}, "cost.amount", 'Write a cost as a plain decimal, such as "0.0012".'),
        ({"cost": {"amount": 1, "currency": "usd"}}, "cost.currency", "Write a currency as three capital letters"),
        ({"cost": {"amount": 1, "currency": None}}, "cost.currency", "Write a currency as three capital letters"),
        ({"occurredAt": 1763640000}, "occurredAt", "Write occurredAt with its zone, as 2026-01-31T23:59:59Z."),
        ({"occurredAt": "yesterday"}, "occurredAt", "Write occurredAt with its zone, as 2026-01-31T23:59:59Z."),
    ],
)
def test_b28_what_is_wrong_is_said_with_what_to_do(wrong, field, sentence, send):
    result = only(send(event(id="bad") | wrong))

    assert (result.code, result.field) == ("invalid_field", field)
    assert result.message.startswith(sentence)


def test_a_model_is_one_whatever_stands_around_its_name(send, held):
    send(event(), event(model=" gpt-4o-mini\n"), event(model="\tgpt-4o-mini", id="mine"))

    assert {(kept.model, kept.basis) for kept in held()} == {("gpt-4o-mini", "computed")}


@pytest.mark.parametrize("blank", ["", " ", "   ", "\t", "\n ", "\u00a0"])
@pytest.mark.parametrize("name", ["customerId", "userId", "feature", "agent", "runId", "environment", "region"])
def test_a_name_of_spaces_alone_is_none(name, blank, send, held):
    send(event(**{name: blank}))

    [kept] = held()
    assert {kept.customer, kept.user_ref, kept.feature, kept.agent, kept.run, kept.environment} <= {None, ""}
    assert not kept.tags


@pytest.mark.parametrize("text", [" acme", "acme ", "a b", '"acme"'])
def test_a_name_with_spaces_stays_as_it_is(text, send, held):
    send(event(customerId=text))

    assert [kept.customer for kept in held()] == [text]


def test_a_provider_whose_name_has_a_slash_is_no_other_one(acme, send, held):
    send(event(provider="router/eu", model="x"), event(provider="router", model="eu/x"))

    assert {(kept.provider, kept.model) for kept in held()} == {("router-eu", "x"), ("router", "eu/x")}
    assert spent(acme, "model", "router-eu/x")[1] == spent(acme, "model", "router/eu/x")[1] == 1


@pytest.mark.parametrize("item", [None, 7, "text", [], [[]]])
def test_b28_what_is_no_event_is_refused_alone(item, send):
    answer = send(item, event())

    assert (answer.accepted, answer.rejected) == (1, 1)
    assert answer.results[0].code == "invalid_event"


def test_all_rejected_is_422_with_the_same_body(send, held):
    answer = send(event(tokens=None), event(model=None))

    assert (answer.status, answer.rejected, len(answer.results)) == (422, 2, 2)
    assert held() == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "unreadable_json"),
        (b"{", 400, "unreadable_json"),
        (b"[]", 400, "unreadable_json"),
        (b'"text"', 400, "unreadable_json"),
        (b"\xff\xfe", 400, "unreadable_json"),
        (b'{"provider": "openai", "model": "x\xff"}', 400, "unreadable_json"),
        (b'{"events": [{"provider": "openai", "model": "x\xff"}]}', 400, "unreadable_json"),
        (b"[" * 100_000, 400, "unreadable_json"),
        (b'{"events": {}}', 400, "unreadable_json"),
        (b'{"events": [], "more": 1}', 400, "unreadable_json"),
        (json.dumps({"events": [{}] * 1001}).encode(), 413, "too_many_events"),
    ],
)
def test_b27_b29_an_unreadable_batch_is_refused_whole(body, status, code):
    with pytest.raises(Problem) as refused:
        opened(body)

    assert (refused.value.status, refused.value.code) == (status, code)


def test_b28_a_not_a_number_in_one_event_costs_no_other(send):
    events = opened(
        b'{"events": [{"provider": "a", "model": "b", "tokens": {"input": NaN}}, {"provider": "openai"}]}'
    ).events

    assert len(events) == 2
    assert [result.code for result in send(*events).results] == ["invalid_field", "missing_field"]


DEEP = [b"[" * 1_000 + b"]" * 1_000, b'{"a":' * 1_000 + b"[]" + b"}" * 1_000, b'[{"]}\\"[":[' * 2_000 + b"]}]" * 2_000]


@pytest.mark.parametrize("deep", DEEP, ids=["lists", "objects", "both"])
@pytest.mark.parametrize(
    ("where", "are_kept"), [("foo", True), ("units", False), ("tokens", False), ("customerId", False)]
)
def test_b28_a_deep_value_in_one_event_costs_no_other(where, are_kept, deep, acme, send, held):
    good, odd = (json.dumps(event(id=id, note='[{"]')).encode() for id in ("good", "odd"))
    body = b'{"events":[%b,%b,"%b":%b},%b]}' % (good, odd[:-1], where.encode(), deep, good.replace(b"good", b"too"))

    answer = tracking.track(acme.pk, opened(body).events, key_id=None, now=NOON)

    assert (answer.accepted, answer.rejected) == ((3, 0) if are_kept else (2, 1))
    assert {each.ref for each in held()} == {"good", "too"} | ({"odd"} if are_kept else set())
    assert [each.tags for each in held()] == [{"note": '[{"]'}] * answer.accepted


def test_b28_a_deep_body_is_scanned_in_one_go():
    """With a look back for each bracket this would take hours."""
    text = '{"a":' + '[{"]":[' * 200_000 + "]}]" * 200_000 + "}"

    assert shallow(text, 3) == '{"a":[{"]":null}]}'


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("[[[1],2],[[3]],4]", "[[null,2],[null],4]"),
        ('[[["]]]"]],"[[["]', '[[null],"[[["]'),
        ("[[[", "[[null"),
        ("[]]]", "[]]]"),
        ('["a', '["a'),
        ('[[["\\"]", 1]]]', "[[null]]"),
        ("{}", "{}"),
        ("", ""),
    ],
)
def test_what_lies_deeper_is_null(said, told):
    assert shallow(said, 2) == told


@pytest.mark.parametrize(
    ("odd", "code", "field"),
    [
        ('"tokens": {"input": %s}', "invalid_field", "tokens.input"),
        ('"units": {"search": %s}', "invalid_field", "units.search"),
        ('"cost": {"amount": %s}', "invalid_field", "cost.amount"),
        ('"customerId": %s', "invalid_field", "customerId"),
        ('"region": %s', "", ""),
        ('"content": %s', "", ""),
    ],
)
@pytest.mark.parametrize("number", ["9" * 5_000, "-" + "9" * 5_000, "9" * 5_000 + ".5", "1e999"])
def test_b28_a_very_long_number_in_one_event_costs_no_other(number, odd, code, field, acme, send):
    good = json.dumps(event(id="good"))
    body = f'{{"events": [{good[:-1].replace("good", "odd")}, {odd % number}}}, {good}]}}'

    answer = tracking.track(acme.pk, opened(body.encode()).events, key_id=None, now=NOON)

    assert answer.accepted == (1 if code else 2)
    assert [(result.code, result.field) for result in answer.results] == ([(code, field)] if code else [])


def test_b28_half_a_character_in_a_large_body_costs_no_other_event(acme, send):
    events = events_of(json.dumps({"events": [event(id="odd", customerId="\ud800"), event(id="good")]}).encode())

    answer = tracking.track(acme.pk, events, key_id=None, now=NOON, weighs=True)

    assert (answer.accepted, only(answer).code) == (1, "invalid_text")


@pytest.mark.parametrize(
    "wrong", [{"model": None}, {"tokens": {"input": -1}}, {"customerId": "a\0"}, {"provider": " "}]
)
def test_what_is_left_out_of_an_event_that_is_refused_is_not_counted_beside_it(wrong, acme, send):
    odd = {"content": "words", "tags": {"a": ["b"], "n" * 70: "x", "note": "sk-proj-nobody-key0"}}

    answer = send(event(**odd) | wrong, event(content="words"))

    assert (answer.accepted, answer.rejected) == (1, 1)
    assert discards(acme) == {answer.results[0].code: 1, "content": 1}


def test_b31_an_unknown_model_is_kept_unpriced_and_counted_as_such(acme, send, held):
    send(event(model="nobody-heard-of-it"))

    [kept] = held()
    assert (kept.amount, kept.basis, kept.rate_ref) == (None, "unpriced", "unknown model")
    with organization_scope(acme.pk):
        row = MeasuredDay.objects.owned_by(acme).get(dimension="all")
    assert (row.amount, row.unpriced_calls, row.unpriced_tokens) == (0, 1, 1045)


def test_b32_the_same_event_again_changes_nothing(acme, send, held):
    said = event(id="mine", customerId="c-1")
    send(said)
    before = spent(acme)

    again = send(said)

    assert (again.status, again.accepted, again.duplicates) == (202, 0, 1)
    assert (only(again).status, only(again).id) == ("duplicate", "mine")
    assert spent(acme) == before
    assert len(held()) == 1


def test_b32_twice_in_one_batch_is_once(acme, send):
    said = event(id="mine")

    answer = send(said, said)

    assert (answer.accepted, answer.duplicates, only(answer).index) == (1, 1, 1)
    assert spent(acme)[1] == 1


@pytest.mark.parametrize("together", [True, False])
def test_b33_the_first_of_an_id_wins_and_the_other_is_counted(together, acme, send):
    one, other = event(id="mine"), event(id="mine", tokens={"input": 1})
    answer = send(one, other) if together else (send(one), send(other))[1]

    assert (answer.conflicts, only(answer).status, only(answer).code) == (1, "conflict", "id_in_use")
    assert spent(acme) == (Decimal("0.0001695"), 1)
    assert discards(acme) == {"id_in_use": 1}


@pytest.mark.parametrize(
    "change",
    [{"tokens": {"input": 901}}, {"customerId": "c-2"}, {"tags": {"region": "us"}}, {"units": {"search": 2}},
     {"latencyMs": 5}, {"occurredAt": (NOON - timedelta(hours=1)).isoformat()}, {"cost": {"amount": 1}}, {"runId": "r"}],
)  # fmt: skip
def test_b33_whatever_differs_is_a_conflict(change, send):
    said = event(id="mine", customerId="c-1", tags={"region": "eu"}, units={"search": 1})
    send(said)

    assert only(send(said)).status == "duplicate"
    assert only(send(said | change)).status == "conflict"


def test_b32_an_event_without_a_time_is_the_same_when_it_comes_again(send):
    said = event(id="mine")
    del said["occurredAt"]
    send(said)

    assert only(send(said, now=NOON + timedelta(minutes=1))).status == "duplicate"


def test_b32_what_was_priced_anew_meanwhile_is_the_same(acme, send):
    said = event(id="mine")
    send(said)
    with organization_scope(acme.pk):
        Event.objects.owned_by(acme).update(amount=None)
        CallKind.objects.owned_by(acme).update(basis="unpriced", rate="no price")

    assert only(send(said)).status == "duplicate"


READ_BOTH_WAYS: tuple[dict[str, Any], ...] = (
    {"id": ID, "customerId": "c", "tags": {"a": "b", "n": 1.5, "big": 2**70, "yes": True, "no": None, "messages": "x"}},
    {"id": "mine", "units": {"search": 1.5}, "cost": {"amount": 0.1, "currency": "EUR"}, "status": None},
    {"tokens": {"input": 5}, "latencyMs": None, "occurredAt": "2026-11-20T13:30:00.123456+02:00", "tags": {}},
    {"provider": " Gemini ", "feature": "t\u00e4sk", "prompt": "", "tags": {"n" * 70: "x" * 300}},
)


@pytest.mark.parametrize("said", READ_BOTH_WAYS)
def test_events_are_read_the_same_at_once_and_one_by_one(said, acme):
    body = json.dumps({"events": [event(**said)]}).encode()
    [at_once], [alone] = opened(body).events, events_of(body)

    found = [
        (reader.read(raw), reader.discards)
        for raw in (at_once, alone)
        for reader in [Reader(acme.pk, None, NOON)]
    ]  # fmt: skip

    assert (type(at_once), type(alone)) == (Plain, dict)
    assert msgspec.to_builtins(found[0]) == msgspec.to_builtins(found[1])


@pytest.mark.parametrize(
    "odd", [{"region": "eu"}, {"tags": {"a": ["b"]}}, {"prompt": ["text"]}, {"tokens": {"input": -1}}, {"model": None}]
)
def test_an_event_that_is_not_plain_is_read_one_by_one_with_its_batch(odd, send):
    assert [type(each) for each in opened(json.dumps({"events": [event(), event(**odd)]}).encode()).events] == [
        dict
    ] * 2


@pytest.mark.parametrize(
    ("text", "are_clean"),
    [
        *[("Gr\u00fc\u00dfe", True), ("\u00c0 la carte", True), ("secre t", True), ("task-1", False), ("a\0", False)],
        *[(text, False) for text in (" ", "\n", "\u00a0", "\u2003x", "\u3000")],
        *[(sign, False) for sign in (*SIGNS, *SIGNS_IN_ANY_CASE, *map(str.upper, SIGNS_IN_ANY_CASE))],
    ],
)
def test_texts_are_looked_at_where_a_body_may_hold_what_must_not_be_kept(text, are_clean):
    body = json.dumps({"events": [event(feature=text)]}, ensure_ascii=text == "a\0").encode()

    assert opened(body).are_clean == are_clean
    assert made([event(feature=text)], dict).are_clean == are_clean


@pytest.mark.parametrize(
    "said", [{"id": "task-1"}, {"tags": {"task-1": "a"}}, {"tags": {"a": "task-1"}}, {"units": {"task-1": 1}}]
)
def test_every_text_of_what_was_made_of_something_else_is_looked_at(said):
    assert not made([event(**said)], dict).are_clean


@pytest.mark.parametrize(
    "odd", [event(feature="\ud800"), Refused("invalid_field", "Nothing."), event(latencyMs=10**5000)]
)
def test_what_was_made_of_something_else_is_looked_at_where_it_is_no_json(odd):
    events = [event(), odd]

    assert made(events, dict) == Opened(events, are_clean=False)


def test_events_that_were_made_of_something_else_are_read_as_those_of_a_body():
    events = [event(occurredAt=NOON, feature="a"), event(tags={"a": "b"})]

    assert [type(each) for each in made(events, dict).events] == [Plain] * 2
    assert made([*events, event(region="eu")], dict).events == [*events, event(region="eu")]
    assert made([], dict) == Opened([], are_clean=True)


def test_an_id_names_one_event_of_a_day(acme, send):
    """Identity is organization, UTC day and id (decisions.md 9)."""
    yesterday = (NOON - timedelta(days=1)).isoformat()

    assert send(event(id="mine"), event(id="mine", occurredAt=yesterday)).accepted == 2


def test_b34_an_event_without_an_id_gets_one_from_what_it_says(acme, send, held):
    said = event()
    first, again = send(said), send(said)

    assert (only(first).status, only(again).status) == ("accepted", "duplicate")
    assert only(first).id == only(again).id == str(held()[0].id)
    assert UUID(only(first).id).version == 8


def test_an_id_of_the_senders_own_leads_to_the_same_uuid_for_ever(send, held):
    assert send(event(id="mine")).accepted == 1
    assert str(held()[0].id) == "3fd30542-fe3f-81b1-8bd4-a4b2dc0b6fb3"  # with another, what is sent again counts twice


def test_b34_without_an_id_another_organization_gets_another(acme, elsewhere, send):
    assert only(send(event())).id != only(send(event(), to=elsewhere)).id


def test_b34_without_an_id_it_is_another_by_another_key_and_the_same_in_another_order(acme, send):
    one, other = (issued(acme, "ingest").key.pk for _ in range(2))
    said = event(tags={"a": "1", "b": "2"})
    turned = dict(reversed(said.items())) | {"tags": {"b": "2", "a": "1"}}

    ids = [
        only(tracking.track(acme.pk, [each], key_id=key, now=NOON)).id
        for key, each in ((one, said), (one, turned), (other, said))
    ]

    assert ids[0] == ids[1] != ids[2]


def test_an_event_without_a_time_takes_that_of_its_id_or_of_its_arrival(acme, send, held):
    minted = uuid7()
    at = NOON.replace(microsecond=0)
    for id in (str(minted), "no uuid"):
        said = event(id=id)
        del said["occurredAt"]
        send(said, now=at if id == "no uuid" else datetime.now(UTC))

    times = sorted(kept.occurred_at for kept in held())
    assert times[0] == at
    assert abs((times[1] - datetime.now(UTC)).total_seconds()) < 5


def test_b36_an_id_whose_time_lies_past_the_calendar_is_refused_alone(send):
    far = event(id="ffffffff-ffff-7fff-bfff-ffffffffffff")
    del far["occurredAt"]

    answer = send(far, event())

    assert (answer.accepted, answer.rejected, answer.results[0].code) == (1, 1, "timestamp_out_of_range")


def test_b32_a_uuid_is_the_same_in_capitals(send):
    id = str(uuid7())

    assert send(event(id=id)).accepted == 1
    assert send(event(id=id.upper())).duplicates == 1


def test_a_uuid_is_answered_as_it_was_sent(send):
    id = str(uuid7()).upper()

    assert [(each.status, each.id) for each in send(event(id=id), event(id=id.lower())).results] == [
        ("duplicate", id.lower())
    ]
    assert only(send(event(id=id))).id == id
    assert only(send(event(id=id, model="another"))).id == id


@pytest.mark.parametrize(
    ("at", "is_kept"),
    [
        (NOON - timedelta(days=30), True),
        (NOON - timedelta(days=30, seconds=1), False),
        (NOON + timedelta(minutes=10), True),
        (NOON + timedelta(minutes=10, seconds=1), False),
    ],
)
def test_b36_times_are_kept_within_their_range_and_never_shifted(at, is_kept, send, held):
    answer = send(event(id="call-1", occurredAt=at.isoformat()))

    assert answer.accepted == is_kept
    if is_kept:
        assert (held()[0].occurred_at, held()[0].received_at) == (at, NOON)
    else:
        assert (only(answer).code, only(answer).id) == ("timestamp_out_of_range", "call-1")


@pytest.mark.parametrize(
    "name",
    [
        *("content", "messages", "Completion", "input", "system_prompt", "systemPrompt", "SYSTEM-PROMPT", "userPrompt"),
        *("promptText", "inputMessages", "output.messages", "outputText", "toolArguments", "tool_arguments", "text"),
        *("response", "responseText", "query"),
    ],
)
def test_b42_what_people_wrote_is_dropped_and_counted(name, acme, send, held):
    send(event(**{name: "the secret recipe"}, tags={name: "the secret recipe", "kept": "yes"}))

    assert held()[0].tags == {"kept": "yes"}
    assert discards(acme) == {"content": 2}


def test_b42_the_text_of_a_prompt_is_no_name_of_one(acme, send, held):
    send(event(id="a", prompt="Dear model, " * 50), event(id="b", prompt="greeting-v2"))

    assert {kept.prompt for kept in held()} == {None, "greeting-v2"}
    assert discards(acme) == {"content": 1}


def test_b42_what_looks_like_a_secret_is_masked_and_counted(acme, send, held):
    key = "sk-proj-" + "a1B2" * 12
    send(event(userId=f"user with {key}", tags={"note": key, "authorization": "Bearer abcdefghijklmnop"}))

    [kept] = held()
    assert key not in json.dumps([kept.user_ref, kept.tags])
    assert "abcdefghijklmnop" not in json.dumps(kept.tags)
    assert discards(acme) == {"secret_masked": 3}


@pytest.mark.parametrize("text", ["=1+1", "<script>alert(1)</script>", "\u202egnp.exe", "🙂" * 10])
def test_b43_a_text_is_a_text(text, send, held):
    send(event(customerId=text, tags={"note": text}))

    assert (held()[0].customer, held()[0].tags) == (text, {"note": text})


def test_b43_a_long_tag_is_cut_with_a_mark(acme, send, held):
    send(event(tags={"note": "x" * 10**6, "n" * 100: "y"}))

    [kept] = held()
    assert kept.tags == {"note": "x" * 255 + "…", "n" * 63 + "…": "y"}
    assert discards(acme) == {"tag_cut": 2}


def test_b43_the_longest_texts_are_added_up_whatever_they_are_written_in(acme, send):
    dice = random.Random(43)
    said = {name: longest(dice, 256) for name in ("model", "customerId", "userId", "feature", "agent", "tool", "runId")}

    send(event(provider=longest(dice, LONGEST_PROVIDER // 4), **said), event())

    assert spent(acme)[1] == 2
    assert spent(acme, "customer", said["customerId"])[1] == 1


def longest(dice, size):
    """A text of characters of four bytes each, which nothing makes shorter."""
    return "".join(chr(dice.randrange(0x20000, 0x2A000)) for _ in range(size))


@pytest.mark.parametrize(
    ("count", "kept"), [("0.1234567890125", "0.123456789012"), ("1e-20000", None), ("1e-9", "0.000000001")]
)
def test_units_are_kept_in_as_many_places_as_amounts(count, kept, acme, send, held):
    send(event(units={"search": count}))

    units = {"search": kept} if kept else {}
    assert (held()[0].units or {}) == units
    with organization_scope(acme.pk):
        assert MeasuredDay.objects.owned_by(acme).get(dimension="all").units == units


def test_b42_a_secret_that_names_a_unit_is_masked(acme, send, held):
    send(event(units={"sk-" + "a" * 40: 3}))

    assert held()[0].units == {"[masked]": "3"}
    assert discards(acme) == {"secret_masked": 1}


def test_only_twenty_tags_are_kept(acme, send, held):
    send(event(tags={f"tag{n}": n for n in range(25)}))

    assert len(held()[0].tags) == 20
    assert discards(acme) == {"too_many_tags": 5}


def test_a_reported_cost_is_taken_as_it_is_and_never_mixed_with_dollars(acme, send, held):
    send(event(id="usd", cost={"amount": "0.0012"}), event(id="eur", cost={"amount": "5", "currency": "EUR"}))

    assert {(kept.ref, kept.amount, kept.currency, kept.basis) for kept in held()} == {
        ("usd", Decimal("0.0012"), None, "reported"),
        ("eur", Decimal(5), "EUR", "reported"),
    }
    with organization_scope(acme.pk):
        sums = dict(MeasuredDay.objects.owned_by(acme).filter(dimension="all").values_list("currency", "amount"))
    assert sums == {"USD": Decimal("0.0012"), "EUR": Decimal(5)}


@pytest.mark.parametrize(
    ("said", "basis", "amount"),
    [
        ({"usageSource": "estimated"}, "estimated", Decimal("0.0001695")),
        ({"usageSource": "missing"}, "unpriced", None),
        ({"tokens": None, "status": "error", "errorCode": "rate_limit"}, "computed", Decimal(0)),
        ({"tokens": None, "units": {"search": 2}}, "unpriced", None),
        ({"tokens": {"input": 10**6}, "serviceTier": "batch"}, "computed", Decimal("0.075")),
        # cached audio of this model costs more than cached text, so it matters whether there was any
        ({"provider": "google", "model": "gemini-2.5-flash", "tokens": {"cacheRead": 10**6}}, "computed", Decimal("0.03")),
        ({"provider": "google", "model": "gemini-2.5-flash", "tokens": {"cacheRead": 9, "audioIn": 1}}, "unpriced", None),
        ({"provider": "gcp.gemini", "model": "gemini-2.5-pro", "tokens": {"input": 200_001}}, "computed", Decimal("0.5000025")),
        ({"provider": "gcp.gemini", "model": "gemini-2.5-pro", "tokens": {"input": 200_000}}, "computed", Decimal("0.25")),
    ],
)  # fmt: skip
def test_what_a_call_costs(said, basis, amount, send, held):
    send(event(**said))

    assert (held()[0].basis, held()[0].amount) == (basis, amount)


def test_another_organizations_events_are_not_there(acme, elsewhere, send):
    send(event(id="mine"), to=elsewhere)

    assert send(event(id="mine")).accepted == 1
    with organization_scope(acme.pk):
        assert Event.objects.count() == 1


def test_a_day_is_that_of_the_organizations_zone_beside_utc(acme, send, held):
    with organization_scope(acme.pk):
        acme.timezone = "Asia/Kathmandu"
        acme.save(update_fields=["timezone"])

    send(event(occurredAt="2026-11-19T18:20:00Z"))

    assert (held()[0].day, held()[0].zone_day) == (date(2026, 11, 19), date(2026, 11, 20))


@pytest.mark.parametrize(
    "more", [{"tags": {"region": "eu"}}, {"region": "eu", "prompt": ["a"]}, {"region": "eu", "zzz": None}]
)
def test_b32_the_same_said_otherwise_in_one_request_is_a_duplicate(more, acme, send):
    answer = send(event(id="x", region="eu"), event(id="x", **more))

    assert (answer.accepted, answer.duplicates, answer.conflicts) == (1, 1, 0)


ONE_NAME = [
    ("a\x1fb", "a\ufffdb", "a\ufffdb"),
    ("sk-proj-nobody-key0", "sk-proj-nobody-key1", "[masked]"),
    ("[masked]", "sk-proj-nobody-key1", "[masked]"),
]


@pytest.mark.parametrize(("one", "other", "name"), ONE_NAME)
def test_counts_of_units_that_are_kept_under_one_name_are_added(one, other, name, send, held):
    send(event(units={one: 1, other: 2}))

    assert held()[0].units == {name: "3"}


@pytest.mark.parametrize("wrong", ["sNaN", "NaN", "Infinity", "9e999999", 10**12])
@pytest.mark.parametrize(("one", "other", "name"), ONE_NAME)
def test_b28_what_cannot_be_added_under_one_name_is_refused_alone(one, other, name, wrong, send):
    answer = send(event(units={one: 1, other: wrong}), event(id="good"))

    assert (answer.accepted, only(answer).code, only(answer).field) == (1, "invalid_field", f"units.{name}")
