"""Which features' calls are proposed to go to a cheaper model, and that a saving never exceeds its spend."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.usage.test_insights import price
from usage.rows import Tokens
from usage.rules.families import undated
from usage.rules.routing import Call, FeatureUse, propose

CALL = Call("summaries", "openai", "gpt-4o")
USE = FeatureUse(
    CALL,
    days=frozenset(date(2026, 11, 1) + timedelta(days=n) for n in range(14)),
    calls=10_100,
    errors=100,
    unpriced=0,
    cost=Decimal("13.50"),
    tokens=Tokens(input=3_000_000, output=600_000),
)


def test_short_calls_to_a_model_with_a_cheaper_sibling_are_proposed_with_their_evidence():
    (found,) = propose([USE], price)

    assert (found.call, found.use_model, found.calls, found.days) == (CALL, "gpt-4o-mini", 10_100, 14)
    assert found.cost == found.affected == Decimal("13.50")
    assert found.cost_then == Decimal("0.81")
    assert (found.low, found.high) == (Decimal("6.345"), Decimal("12.69"))
    assert found.confidence == "medium"
    assert "$13.50 spent on these calls" in found.formula


@pytest.mark.parametrize(
    "changed",
    [
        {"calls": 199, "tokens": Tokens(input=30_000, output=6_000)},  # 99 that were answered
        {"tokens": Tokens(input=10_000_001, output=600_000)},
        {"tokens": Tokens(input=3_000_000, output=2_500_001)},
        {"tokens": Tokens(input=3_000_000, output=600_000, audio_in=1)},
        {"tokens": Tokens()},
        {"unpriced": 1},
        {"cost": Decimal("0.005")},
        {"call": replace(CALL, model="gpt-4o-mini")},  # has no smaller one
        {"call": replace(CALL, provider="elsewhere")},
        {"call": replace(CALL, model="gpt-5")},  # its sibling has no price here
    ],
)
def test_what_is_not_alike_or_has_no_price_is_not_proposed(changed):
    assert propose([replace(USE, **changed)], price) == []


def test_what_was_paid_less_than_the_book_says_bounds_the_saving_and_so_does_the_book():
    cheap, dear = (propose([replace(USE, cost=Decimal(cost))], price)[0] for cost in ("1", "100"))

    assert (cheap.affected, dear.affected) == (Decimal(1), Decimal("13.5"))


def test_the_largest_saving_comes_first():
    other = replace(USE, call=replace(CALL, feature="chat"), cost=Decimal(2))

    assert [each.call.feature for each in propose([other, USE], price)] == ["summaries", "chat"]


@settings(max_examples=60)
@given(
    cost=st.decimals(0, 1_000_000, places=12),
    tokens=st.tuples(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 2 * 10**6)),
)
def test_a_saving_is_never_above_the_spend_that_it_applies_to(cost, tokens):
    use = replace(USE, cost=cost, tokens=Tokens(input=tokens[0], cache_read=tokens[1], output=tokens[2]))

    for found in propose([use], price):
        assert 0 <= found.low <= found.high <= found.affected <= cost


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("claude-3-5-sonnet-20241022", "claude-3-5-sonnet"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
        ("claude-sonnet-4@20250514", "claude-sonnet-4"),
        ("gpt-4o-audio-preview", "gpt-4o-audio-preview"),
        ("gpt-4-0613", "gpt-4-0613"),
        ("-latest", "-latest"),
    ],
)
def test_a_version_is_told_from_its_model(said, name):
    assert undated(said) == name
