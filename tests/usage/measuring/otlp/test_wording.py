"""What the names of a span's attributes can tell is worked out once for each set of names, and only so much is kept."""

import pytest

from usage.measuring.otlp import dialects, wording
from usage.measuring.otlp.wording import wording_of

SYSTEM, INPUT = "gen_ai.system", "gen_ai.usage.input_tokens"


@pytest.fixture(autouse=True)
def nothing_known():
    wording.kept.cache_clear()


def test_spans_with_the_same_names_share_what_these_tell():
    one, other = (wording_of(tuple(says)) for says in ({SYSTEM: "openai", INPUT: 1}, {SYSTEM: None, INPUT: 2}))

    assert one is other
    assert one.dialect is dialects.GEN_AI
    assert (one.asked, one.counts) == ({"provider": (SYSTEM,)}, {"input": (INPUT,)})


def test_of_names_for_one_thing_the_best_comes_first_wherever_it_stands():
    found = wording_of(("llm.request.model", "gen_ai.request.model", "gen_ai.response.model"))

    assert found.asked["model"] == ("gen_ai.response.model", "gen_ai.request.model", "llm.request.model")


@pytest.mark.parametrize(("letters", "count"), [(wording.LONGEST_KEPT, 1), (wording.LONGEST_KEPT + 1, 0)])
def test_long_names_are_not_kept(letters, count):
    wording_of(("x" * letters,))

    assert wording.kept.cache_info().currsize == count


def test_so_many_sets_of_names_are_kept():
    for number in range(wording.MOST_KEPT + 10):
        wording_of((f"name.{number}",))

    assert wording.kept.cache_info().currsize == wording.MOST_KEPT


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("tokentra.customer_id", ("tokentra.customer_id", "customer_id", "customerId")),
        ("traceloop.association.properties.plan", ("traceloop.association.properties.plan", "plan", "")),
        (dialects.IS_TOTAL, None),
        ("customer_id", None),
    ],
)
def test_names_of_a_customers_own(name, own):
    assert wording_of((name,)).own == ((own,) if own else ())
