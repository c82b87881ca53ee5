"""What the names of a span's attributes can tell is worked out once for each set of names, and only so much is kept."""

import pytest

from usage.measuring.otlp import dialects, wording
from usage.measuring.otlp.wording import said_of, wording_of

WORDS = ("abcd", ("a", "b", "c", None), ("a", "b", None, None), (None, "b", None, None))
SYSTEM, INPUT = "gen_ai.system", "gen_ai.usage.input_tokens"


@pytest.fixture(autouse=True)
def nothing_known():
    wording.kept.cache_clear()


def test_spans_with_the_same_names_share_what_these_tell():
    one, other = (wording_of(tuple(says)) for says in ({SYSTEM: "openai", INPUT: 1}, {SYSTEM: None, INPUT: 2}))

    assert one is other
    assert one.dialect is dialects.GEN_AI
    assert (one.asked, one.counts) == ((("provider", SYSTEM),), (("input", INPUT),))


@pytest.mark.parametrize(
    ("response", "request_", "model"),
    [("answered", "asked", "answered"), (None, "asked", "asked"), (None, None, "older")],
)
def test_of_names_for_one_thing_the_best_that_tells_it_counts_wherever_it_stands(response, request_, model):
    attributes = {"llm.request.model": "older", "gen_ai.request.model": request_, "gen_ai.response.model": response}

    assert said_of(attributes, wording_of(tuple(attributes)).asked) == {"model": model}


@pytest.mark.parametrize(("letters", "count"), [(wording.LONGEST_KEPT, 1), (wording.LONGEST_KEPT + 1, 0)])
def test_long_names_are_not_kept(letters, count):
    wording_of(("x" * letters,))

    assert wording.kept.cache_info().currsize == count


def test_so_many_sets_of_names_are_kept():
    for number in range(wording.MOST_KEPT + 10):
        wording_of((f"name.{number}",))

    assert wording.kept.cache_info().currsize == wording.MOST_KEPT


@pytest.mark.parametrize(
    ("name", "owners", "own"),
    [
        ("tokentra.customer_id", {"customerId": "said"}, {}),
        ("tokentra.project", {"project": "said"}, {}),
        ("traceloop.association.properties.plan", {}, {"plan": "said"}),
        (dialects.IS_TOTAL, {}, {}),
        ("customer_id", {}, {}),
    ],
)
def test_names_of_a_customers_own(name, owners, own):
    attributes, found = {name: "said"}, wording_of((name,))

    assert (said_of(attributes, found.owners), said_of(attributes, found.own)) == (owners, own)


def test_of_names_of_a_customers_own_the_last_that_tells_something_counts_and_all_come_before_a_librarys():
    names = ("ai.telemetry.metadata.userId", "user.id", "tokentra.user_id", "tokentra.userId")
    asked = wording_of(names).owners

    told = [said_of(dict(zip(names, values, strict=True)), asked)["userId"] for values in WORDS]

    assert told == ["d", "c", "a", "b"]
