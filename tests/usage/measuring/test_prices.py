"""The fast prices answer what the pricer answers, to the last digit."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from usage.latency import BOUNDS, Quantile, bucket, quantile
from usage.measuring.prices import PriceTable, half_even
from usage.measuring.shape import Sent, Tokens
from usage.pricing import Override, Pricer
from usage.rows import Ledger, UsageRow
from usage.rows import Tokens as Counts
from usage.spenders.sums import Sums
from usage.spenders.took import Took

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
MODELS = [
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("openai", "o3-mini"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-opus-4-5"),
    ("google", "gemini-2.5-flash-lite"),
    ("mistral", "mistral-large-latest"),
    ("openai", "unknown"),
    ("deepseek", "deepseek-chat"),
]
MIXED = ("google", "gemini-2.5-flash-lite")  # cached audio costs more: a row of usage does not say whether it was any
COUNT = st.integers(0, 33_000)  # a prompt of three kinds stays within the window of the row
OWN = Override(UUID(int=1), "openai", "", AT.date(), processing="any", discount_percent=Decimal("7.5"))


@given(
    st.sampled_from(MODELS),
    st.fixed_dictionaries({"input": COUNT, "cache_read": COUNT, "cache_write_5m": COUNT, "output": COUNT}),
    st.sampled_from(["", "default", "batch", "flex", "priority"]),
    st.sampled_from([(), (OWN,)]),
)
def test_the_same_as_the_pricer(model, counts, tier, overrides):
    assume(model != MIXED or not counts["cache_read"])
    provider, name = model
    sent = Sent(provider=provider, model=name, tokens=Tokens(**counts), service_tier=tier)
    row = UsageRow(
        Ledger.MEASURED, "", AT, 1, provider, name, service_tier=tier, batch=tier == "batch",
        context_window="1-100000", tokens=Counts(**counts), requests=1,
    )  # fmt: skip

    fast, slow = PriceTable(overrides).price(sent, AT, {}), Pricer(overrides).price(row)

    assert fast.amount == slow.amount
    assert fast.basis == slow.basis


UNITS = {"unit:read_unit": Decimal("0.000016"), "unit:rerank_unit": Decimal("0.002")}


@pytest.mark.parametrize(
    ("units", "tokens", "dollars"),
    [
        ({"read_unit": "5"}, {}, "0.00008"),
        ({"read_unit": "0.25", "rerank_unit": "2"}, {}, "0.004004"),
        ({"read_unit": "5", "write_unit": "1"}, {}, "no rate for the unit write_unit"),
        ({"read_unit": "5"}, {"input": 8}, "no rate for input"),
        ({}, {}, "0"),
    ],
)
def test_units_have_the_price_that_an_organization_gives_them_or_none(units, tokens, dollars):
    own = Override(UUID(int=2), "pinecone", "", AT.date(), rates=UNITS)
    sent = Sent(provider="pinecone", model="shop", tokens=Tokens(**tokens))

    answer = PriceTable([own]).price(sent, AT, {name: Decimal(count) for name, count in units.items()})

    assert (answer.rate_ref if answer.amount is None else answer.amount) == (
        dollars if dollars.startswith("no") else Decimal(dollars)
    )
    assert PriceTable().price(sent, AT, {"read_unit": Decimal(5)}).amount is None


def test_units_beside_tokens_are_added_where_they_have_a_price():
    own = Override(UUID(int=2), "openai", "gpt-4o-mini", AT.date(), rates={"unit:web_search": Decimal("0.01")})
    sent = Sent(provider="openai", model="gpt-4o-mini", tokens=Tokens(input=1_000_000))
    units = {"web_search": Decimal(3), "file_search": Decimal(1)}

    assert PriceTable([own]).price(sent, AT, units).amount == Decimal("0.18")
    assert PriceTable().price(sent, AT, units).amount == Decimal("0.15")


@pytest.mark.parametrize(
    ("total", "rounded"), [(0, 0), (4, 0), (5, 0), (6, 1), (15, 2), (25, 2), (25 * 10**30 + 5, 25 * 10**29)]
)
def test_half_goes_to_even(total, rounded):
    assert half_even(total, 10) == rounded


@pytest.mark.parametrize(
    ("took", "place"), [(0, 0), (25, 0), (26, 1), (40, 1), (41, 2), (BOUNDS[-1], 22), (10**12, 23)]
)
def test_a_latency_lies_in_its_bucket(took, place):
    assert bucket(took) == place


@given(st.lists(st.integers(20, 700_000), min_size=1, max_size=300), st.sampled_from([0.5, 0.95]))
def test_a_quantile_lies_within_its_bucket(latencies, share):
    counts = [0] * 24
    for latency in latencies:
        counts[bucket(latency)] += 1
    true = sorted(latencies)[max(-(-len(latencies) * share // 1).__int__() - 1, 0)]

    told = quantile(counts, share)

    assert not told.is_open
    assert bucket(told.ms) == bucket(true) or abs(told.ms - BOUNDS[bucket(true)]) <= 1


@pytest.mark.parametrize(
    ("in_time", "longer", "told"),
    [
        (0, 1, Quantile(BOUNDS[-1], is_open=True)),
        (18, 2, Quantile(BOUNDS[-1], is_open=True)),
        (19, 1, Quantile(BOUNDS[-1])),
    ],
)
def test_a_quantile_beyond_the_last_bound_is_more_than_it(in_time, longer, told):
    assert quantile([*[0] * 22, in_time, longer], 0.95) == told


def test_a_quantile_within_the_first_bound_is_no_more_than_it():
    assert quantile([2, *[0] * 23], 0.5) == Quantile(25, is_least=True)
    assert Took(Sums(calls=2, spread=(2, *[0] * 23))).median == "up to 25 ms"


def test_without_calls_there_is_no_quantile():
    assert quantile([0] * 24, 0.5) is None
