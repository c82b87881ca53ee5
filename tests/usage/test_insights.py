"""Rules that look for savings: what they find, what they leave alone, and that they never promise too much."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usage import insights
from usage.rows import TOKEN_CLASSES, Tokens
from usage.rules import batch, caching, cheaper_model
from usage.rules.evidence import DayUse, Evidence, HourUse
from usage.rules.families import STEPS, smaller_than

START = date(2026, 10, 1)
BOOK = {  # dollars per million: input, cache read, cache write, output
    "gpt-4o": ("2.50", "1.25", None, "10"),
    "gpt-4o-mini": ("0.15", "0.075", None, "0.60"),
    "claude-sonnet-4-5": ("3", "0.30", "3.75", "15"),
    "claude-haiku-4-5": ("1", "0.10", "1.25", "5"),
}


def price(provider: str, model: str, tokens: Tokens, *, batch: bool = False) -> Decimal | None:
    if model not in BOOK:
        return None
    rates = dict(zip(("input", "cache_read", "cache_write_5m", "output"), BOOK[model], strict=True))
    if any(tokens.get(name) and not rates.get(name) for name in TOKEN_CLASSES):
        return None
    dollars = sum((tokens.get(name) * Decimal(rate) for name, rate in rates.items() if rate), Decimal(0)) / 1_000_000
    return dollars / 2 if batch else dollars


def use(
    day: int = 0,
    *,
    model: str = "gpt-4o",
    provider: str = "openai",
    requests: int | None = 1_000,
    **tokens: int,
) -> DayUse:
    return DayUse(START + timedelta(days=day), provider, model, Tokens(**tokens), requests)


def batched(day: int) -> DayUse:
    return replace(use(day, input=300_000, output=60_000), batch=True)


def evidence(*days: DayUse, hours: tuple[HourUse, ...] = (), length: int = 30, spend: str = "") -> Evidence:
    models = {each.about for each in days}
    cost = {
        about: Decimal(spend)
        if spend
        else sum((price(*about, each.tokens) or Decimal(0) for each in days if each.about == about), Decimal(0))
        for about in models
    }
    return Evidence(START, START + timedelta(days=length), days, hours, cost)


def hourly(levels: list[int], *, days: int = 14, model: str = "gpt-4o") -> tuple[HourUse, ...]:
    first = datetime(2026, 10, 1, tzinfo=UTC)
    return tuple(
        HourUse(first + timedelta(days=day, hours=hour), "openai", model, tokens)
        for day in range(days)
        for hour, tokens in enumerate(levels)
    )


def test_short_calls_to_a_large_model_suggest_its_smaller_sibling():
    seen = evidence(*(use(day, input=300_000, output=60_000) for day in range(20)))

    (found,) = cheaper_model.find(seen, price)

    assert found.title == "Try gpt-4o-mini for short calls to gpt-4o"
    assert found.affected == found.spend == Decimal("27.000000000000")
    assert (found.low, found.high) == (Decimal("6.345"), Decimal("19.035"))
    assert found.confidence == "medium"
    assert "short and simple" in found.summary
    assert "on average 300 tokens in and 60 out" in found.summary


def test_a_saving_is_a_share_of_what_really_counted_so_that_a_discount_passes_through():
    seen = evidence(*(use(day, input=300_000, output=60_000) for day in range(20)), spend="13.50")

    (found,) = cheaper_model.find(seen, price)

    assert found.affected == Decimal("13.5")
    assert found.high == Decimal("9.5175")


@pytest.mark.parametrize(
    ("quiet", "why"),
    [
        (use(input=5_000_000, output=60_000), "long prompts"),
        (use(input=300_000, output=900_000), "long answers"),
        (use(input=300_000, output=60_000, requests=None), "nobody says how many requests"),
        (use(input=9_000, output=1_000, requests=30), "too few requests"),
        (use(input=300_000, output=60_000, model="gpt-4o-mini"), "no smaller model declared"),
        (use(input=300_000, output=60_000, model="gpt-4.1"), "no rate in the book"),
        (use(input=300_000, output=60_000, audio_in=5), "audio"),
        (replace(use(input=300_000, output=60_000), batch=True), "batch work already"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_cheaper_model_is_suggested_without_grounds(quiet: DayUse, why: str):
    assert list(cheaper_model.find(evidence(quiet), price)) == []


@pytest.mark.parametrize(
    ("model", "smaller"),
    [
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4o-2024-08-06", "gpt-4o-mini"),
        ("claude-sonnet-4-5-20250929", "claude-haiku-4-5"),
        ("claude-sonnet-4-5@20250929", "claude-haiku-4-5"),
        ("gpt-4o-audio-preview", ""),
        ("gpt-4o-mini", ""),
        ("somebody-elses-model", ""),
    ],
)
def test_families_know_a_model_with_and_without_its_date(model: str, smaller: str):
    assert smaller_than("anthropic" if model.startswith("claude") else "openai", model) == smaller


def test_no_family_steps_to_a_model_of_its_own_list():
    assert [step for step in STEPS if step.smaller in step.models] == []


def test_long_uncached_prompts_suggest_caching():
    seen = evidence(
        *(
            use(day, model="claude-sonnet-4-5", provider="anthropic", input=8_000_000, output=200_000)
            for day in range(10)
        )
    )

    (found,) = caching.find(seen, price)

    assert found.title == "Cache repeated input on claude-sonnet-4-5"
    assert found.affected == Decimal("240")
    # one write at 3.75 and five reads at 0.30 for six times 3.00
    assert found.high == (240 * Decimal("0.60") * (1 - Decimal("5.25") / 18)).quantize(Decimal("1e-12"))
    assert found.confidence == "medium"


@pytest.mark.parametrize(
    "quiet",
    [
        use(input=500_000, output=100_000),
        use(input=3_000_000, cache_read=2_000_000),
        use(input=8_000_000, requests=None),
    ],
    ids=["short prompts", "cached already", "unknown requests"],
)
def test_no_caching_is_suggested_without_grounds(quiet: DayUse):
    assert list(caching.find(evidence(quiet), price)) == []


def test_work_at_one_level_around_the_clock_suggests_batches():
    days = tuple(use(day, input=2_400_000) for day in range(14))
    seen = evidence(*days, hours=hourly([100_000] * 24))

    (found,) = batch.find(seen, price)

    assert found.title == "Move steady work on gpt-4o to batch"
    assert found.affected == found.spend == Decimal("84")
    assert (found.low, found.high) == (Decimal("10.5"), Decimal("25.2"))


def test_what_is_batch_work_already_is_left_out_of_the_spend():
    both = tuple(each for day in range(20) for each in (use(day, input=300_000, output=60_000), batched(day)))

    (found,) = cheaper_model.find(evidence(*both, spend="30"), price)

    assert found.spend == Decimal("20")  # the batch half was half the price


@pytest.mark.parametrize(
    ("levels", "length"),
    [([0] * 16 + [300_000] * 8, 14), ([100_000] * 24, 6)],
    ids=["office hours only", "less than a week of hours"],
)
def test_no_batches_are_suggested_without_grounds(levels: list[int], length: int):
    days = tuple(use(day, input=2_400_000) for day in range(6))

    assert list(batch.find(evidence(*days, hours=hourly(levels, days=length)), price)) == []


def test_findings_on_one_model_are_not_added_up_twice():
    days = tuple(use(day, input=300_000, output=60_000) for day in range(20))
    found = insights.find(evidence(*days, hours=hourly([15_000] * 24, days=20)), price)

    low, high = insights.together(found)

    assert {each.rule for each in found} == {"cheaper-model", "batch"}
    assert high < sum(each.high for each in found)
    assert max(each.high for each in found) <= high <= found[0].spend
    assert low >= max(each.low for each in found)


def test_the_largest_sure_saving_comes_first():
    found = insights.find(
        evidence(
            *(use(day, input=300_000, output=60_000) for day in range(20)),
            *(use(day, model="claude-sonnet-4-5", provider="anthropic", input=80_000_000) for day in range(10)),
        ),
        price,
    )

    assert [each.low for each in found] == sorted((each.low for each in found), reverse=True)
    assert found[0].model == "claude-sonnet-4-5"


def test_every_finding_says_how_it_was_computed():
    days = tuple(use(day, input=300_000, output=60_000) for day in range(20))

    for found in insights.find(evidence(*days, hours=hourly([15_000] * 24, days=20)), price):
        assert found.formula.count("$") >= 2
        assert found.why_confidence
        assert found.facts


counts = st.integers(0, 10**9)
uses = st.builds(
    DayUse,
    day=st.dates(START, START + timedelta(days=29)),
    provider=st.just("openai"),
    model=st.sampled_from(["gpt-4o", "gpt-4o-mini"]),
    tokens=st.builds(Tokens, input=counts, cache_read=counts, output=counts),
    requests=st.none() | st.integers(0, 10**6),
    batch=st.booleans(),
)
hours = st.builds(
    HourUse,
    start=st.integers(0, 14 * 24).map(lambda n: datetime(2026, 10, 1, tzinfo=UTC) + timedelta(hours=n)),
    provider=st.just("openai"),
    model=st.sampled_from(["gpt-4o", "gpt-4o-mini"]),
    tokens=counts,
)


@settings(max_examples=150)
@given(st.lists(uses, max_size=8), st.lists(hours, max_size=40), st.decimals(0, 10**7, places=12))
def test_a_saving_never_exceeds_the_spend_it_applies_to(days: list[DayUse], by_hour: list[HourUse], spend: Decimal):
    seen = replace(evidence(*days, hours=tuple(by_hour)), spend={each.about: spend for each in days})

    found = insights.find(seen, price)

    for each in found:
        assert 0 <= each.low <= each.high <= each.affected <= each.spend <= spend
    low, high = insights.together(found)
    assert 0 <= low <= high <= sum(seen.spend.values(), Decimal(0))
