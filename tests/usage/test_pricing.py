import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.usage.accounts_of import MINI, billed, used
from usage import price_book
from usage.pricing import Override, Pricer, rounded
from usage.rows import TOKEN_CLASSES, Basis, Ledger, Tokens, UsageRow

MILLION = 1_000_000
OF_CLASSES = {name: Tokens(**{name: MILLION}) for name in TOKEN_CLASSES}


def on(day: date, hour: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def row(provider: str, model: str, day: date = date(2026, 11, 10), **fields) -> UsageRow:
    fields.setdefault("tokens", OF_CLASSES["input"])
    return UsageRow(Ledger.USAGE, "usage", on(day, 9), 3600, provider, model, **fields)


def price(provider: str, model: str, day: date = date(2026, 11, 10), **fields) -> Decimal | str:
    """Dollars, or the reason why there are none."""
    answer = Pricer().price(row(provider, model, day, **fields))
    return answer.rate_ref if answer.amount is None else answer.amount


@pytest.mark.parametrize(
    ("what", "row_fields", "dollars"),
    [
        ("a dated snapshot", ("openai", "gpt-5-mini-2025-08-07"), "0.25"),
        ("a model by its other name", ("anthropic", "claude-haiku-4-5-20251001"), "1"),
        ("the day before a change", ("openai", "gpt-5.6-sol", date(2026, 8, 20)), "5"),
        ("the day of a change", ("openai", "gpt-5.6-sol", date(2026, 8, 21)), "4"),
        ("a fine-tune that the book lists", ("openai", "ft:gpt-4o-mini-2024-07-18:acme::a1"), "0.30"),
    ],
)
def test_a_million_tokens_of_input_cost(what, row_fields, dollars):
    assert price(*row_fields) == Decimal(dollars)


@pytest.mark.parametrize("dated", ["1234", "v1234567890", "v1:1234", "-2024-01-01", "v1:1", "latest"])
def test_a_name_that_nearly_ends_in_dates_is_no_model_of_the_book_and_takes_no_time(dated):
    """Trying all ways in which such a name may be read would take longer than anybody waits."""
    assert price("anthropic", f"claude-2{dated * 30}x") == "unknown model"


@pytest.mark.parametrize(
    "dated",
    [
        "",
        "-latest",
        "-20240307",
        "@20240307",
        "-2024-03-07",
        "-v1",
        "-v2:1",
        ":v1:0",
        "-20240307-v1:0",
        "-0307-preview",
    ],
)
def test_a_model_has_the_price_of_its_undated_name(dated):
    assert price("anthropic", f"claude-2{dated}") == price("anthropic", "claude-2")


@pytest.mark.parametrize(
    ("name", "dollars"),
    [
        ("input", "4"),
        ("cache_read", "0.4"),
        ("cache_write_30m", "5"),
        ("cache_write_12h", "no rate for cache_write_12h"),
        ("cache_write_1h", "no rate for cache_write_1h"),
        ("output", "20"),
        ("audio_in", "no rate for audio_in"),
        ("image_out", "no rate for image_out"),
    ],
)
def test_each_class_has_its_own_rate_or_none(name, dollars):
    answer = price("openai", "gpt-5.6-sol", tokens=OF_CLASSES[name])

    assert str(answer) == dollars or answer == Decimal(dollars)


@pytest.mark.parametrize(("name", "dollars"), [("cache_write_5m", "6.25"), ("cache_write_1h", "10")])
def test_cache_writes_cost_by_their_duration(name, dollars):
    assert price("anthropic", "claude-opus-4-5", tokens=OF_CLASSES[name]) == Decimal(dollars)


def test_audio_has_its_own_price():
    assert price("openai", "gpt-audio", tokens=OF_CLASSES["audio_out"]) == 64


def test_one_class_without_a_rate_leaves_the_whole_row_unpriced():
    mixed = Tokens(input=MILLION, output=MILLION, audio_in=1)

    assert price("openai", "gpt-5.6-sol", tokens=mixed) == "no rate for audio_in"


def test_cached_tokens_of_unknown_modality_are_not_guessed():
    assert price("openai", "gpt-realtime-mini", tokens=OF_CLASSES["cache_read"]) == "no rate for cache_read"


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-7"),
        ("openai", "gpt-5-max"),
        ("openai", "ft:gpt-4.1-2025-04-14:acme::a1"),
        ("anthropic", "claude-sonnet-4-52"),
        ("anthropic", "claude-3-5-haiku-ultra"),
        ("nobody", "gpt-5"),
        ("openai", ""),
    ],
)
def test_a_model_never_takes_the_price_of_another(provider, model):
    assert price(provider, model) == "unknown model"


BATCH_LISTED = date(2026, 10, 14)
TIERS_LISTED = date(2026, 10, 12)


@pytest.mark.parametrize(
    ("what", "provider", "model", "day", "fields", "dollars"),
    [
        ("batch in the book", "openai", "gpt-5.4", BATCH_LISTED, {"batch": True}, "1.25"),
        ("batch before the book has it", "openai", "gpt-5.4", date(2026, 10, 13), {"batch": True}, "1.25"),
        ("batch of a model that the book has none of", "openai", "text-embedding-3-small", BATCH_LISTED, {"batch": True}, "0.01"),
        ("batch as a tier", "anthropic", "claude-opus-4-5", date(2026, 9, 1), {"service_tier": "batch"}, "2.5"),
        ("batch both ways", "anthropic", "claude-opus-4-5", BATCH_LISTED, {"service_tier": "batch", "batch": True}, "2.5"),
        ("flex in the book", "openai", "gpt-5.4", TIERS_LISTED, {"service_tier": "flex"}, "1.25"),
        ("flex before the book has it", "openai", "gpt-5.4", date(2026, 10, 11), {"service_tier": "flex"}, "1.25"),
        ("priority in the book", "openai", "gpt-5.4", TIERS_LISTED, {"service_tier": "priority"}, "5"),
        ("priority before", "openai", "gpt-5.4", date(2026, 10, 11), {"service_tier": "priority"}, "no rate for priority"),
        ("flex elsewhere", "anthropic", "claude-opus-4-5", BATCH_LISTED, {"service_tier": "flex"}, "no rate for flex"),
        ("commitments", "anthropic", "claude-opus-4-5", BATCH_LISTED, {"service_tier": "priority"}, "no rate for priority"),
        ("a tier of tomorrow", "openai", "gpt-5.4", TIERS_LISTED, {"service_tier": "warp"}, "no rate for warp"),
        ("the standard tier", "openai", "gpt-5.4", TIERS_LISTED, {"service_tier": "default"}, "2.5"),
        ("two ways at once", "openai", "gpt-5.4", TIERS_LISTED, {"batch": True, "service_tier": "flex"}, "no rate for batch+flex"),
        ("fast", "anthropic", "claude-fable-5-2", BATCH_LISTED, {"extra": (("speed", "fast"),)}, "16"),
        ("in one country", "anthropic", "claude-opus-4-6", BATCH_LISTED, {"extra": (("inference_geo", "us"),)}, "5.5"),
        ("anywhere", "anthropic", "claude-opus-4-6", BATCH_LISTED, {"extra": (("inference_geo", "global"),)}, "5"),
    ],
)  # fmt: skip
def test_how_a_request_was_processed_decides_its_rate(what, provider, model, day, fields, dollars):
    answer = price(provider, model, day, **fields)

    assert str(answer) == dollars or answer == Decimal(dollars)


@pytest.mark.parametrize(
    ("window", "million", "is_marked"),
    [("", "3", True), ("0-200k", "3", False), ("200k-1M", "6", False), ("as long as it takes", "3", True)],
)
def test_the_context_window_chooses_the_rate(window, million, is_marked):
    answer = Pricer().price(row("anthropic", "claude-sonnet-4-5", context_window=window))

    assert answer.amount == Decimal(million)
    assert answer.rate_ref.endswith(":context unknown") is is_marked


def test_a_bucket_that_is_smaller_than_the_long_context_is_certain():
    answer = Pricer().price(row("anthropic", "claude-sonnet-4-5", tokens=Tokens(input=200_000, output=MILLION)))

    assert not answer.rate_ref.endswith("unknown")


def test_an_amount_names_its_book_its_model_and_its_interval():
    answer = Pricer().price(row("openai", "gpt-5.6-luna", date(2026, 8, 1), tokens=Tokens(input=10)))

    assert answer.rate_ref == f"genai-prices@{price_book.PRICE_BOOK_VERSION}:openai/gpt-5.6-luna:2026-07-30"


def test_prices_that_change_within_the_day_need_hours():
    hourly = {
        (provider.id, model.id)
        for provider in get_snapshot().providers
        for model in provider.models
        if isinstance(model.prices, list) and any(hasattr(p.constraint, "start_time") for p in model.prices)
    }
    provider, model = sorted(hourly)[0]
    daily = replace(row(provider, model), start=on(date(2026, 11, 10)), seconds=86_400)

    assert Pricer().price(daily).rate_ref == "price changes within the bucket"


@pytest.mark.parametrize(
    ("what", "asked", "amount", "basis"),
    [
        ("a bill", billed("1.2300000000000000001"), Decimal("1.2300000000000000001"), Basis.BILLED),
        ("a bill that says nothing", replace(billed("1"), amount=None), Decimal(0), Basis.BILLED),
        (
            "what was reported",
            used(amount=Decimal("1.0000000000005")),
            Decimal("1.000000000000"),
            Basis.REPORTED,
        ),
        (
            "units",
            used("", kind="unit", tokens=Tokens(), units=(("images", Decimal(3)),)),
            None,
            Basis.UNPRICED,
        ),
        ("nothing", used(tokens=Tokens()), Decimal(0), Basis.COMPUTED),
        ("moderation", used("omni-moderation-latest"), Decimal(0), Basis.COMPUTED),
    ],
)
def test_only_usage_is_priced_by_the_book(what, asked, amount, basis):
    answer = Pricer().price(asked)

    assert (answer.amount, answer.basis) == (amount, basis)


@pytest.mark.parametrize(
    ("exact", "kept"),
    [
        ("0.0000000000005", "0"),
        ("0.0000000000015", "2E-12"),
        ("0.0000000000025", "2E-12"),
        ("-0.0000000000015", "-2E-12"),
    ],
)
def test_b62_half_a_place_goes_to_the_even_one(exact, kept):
    assert rounded(Decimal(exact)) == Decimal(kept)


def own(**fields) -> Override:
    since = date(2026, 11, 1)
    given: dict[str, Any] = {"id": UUID(int=1), "provider": "openai", "model": MINI, "since": since}
    return Override(**given | fields)


OWN_RATE = own(rates={"input": Decimal("0.2")})
TENTH_OFF = own(discount_percent=Decimal(10), model="", processing="any")


@pytest.mark.parametrize(
    ("what", "overrides", "fields", "dollars"),
    [
        ("an own rate", [OWN_RATE], {}, "0.2"),
        ("the classes that it leaves open", [OWN_RATE], {"tokens": OF_CLASSES["output"]}, "2"),
        ("another model", [OWN_RATE], {"model": "gpt-5-2025-08-07"}, "1.25"),
        ("another way", [OWN_RATE], {"batch": True}, "0.125"),
        ("the day before", [OWN_RATE], {"day": date(2026, 10, 31)}, "0.25"),
        ("its last day", [own(rates={"input": Decimal(9)}, until=date(2026, 11, 11))], {}, "9"),
        ("the day after", [own(rates={"input": Decimal(9)}, until=date(2026, 11, 10))], {}, "0.25"),
        ("a discount", [TENTH_OFF], {}, "0.225"),
        ("a discount on batch", [TENTH_OFF], {"batch": True}, "0.1125"),
        ("a discount on nothing", [TENTH_OFF], {"model": "gpt-7"}, "unknown model"),
        ("a rate for what the book lacks", [own(model="gpt-7", rates={"input": Decimal(3)})], {"model": "gpt-7"}, "3"),
        ("a rate beside a discount", [TENTH_OFF, OWN_RATE], {}, "0.2"),
        ("the later one", [own(rates={"input": Decimal(9)}, since=date(2026, 10, 1)), OWN_RATE], {}, "0.2"),
        ("the narrower one", [own(discount_percent=Decimal(20), since=date(2026, 1, 1)), TENTH_OFF], {}, "0.2"),
    ],
)  # fmt: skip
def test_the_organizations_own_prices_come_first(what, overrides, fields, dollars):
    fields = {"model": MINI, "day": date(2026, 11, 10)} | fields
    answer = Pricer(overrides).price(row("openai", **fields))

    assert (answer.rate_ref if answer.amount is None else answer.amount) == (
        dollars if dollars == "unknown model" else Decimal(dollars)
    )


def test_an_own_price_is_named_beside_the_amount():
    assert Pricer([OWN_RATE]).price(row("openai", MINI)).rate_ref == f"override:{OWN_RATE.id}"
    assert Pricer([TENTH_OFF]).price(row("openai", MINI)).rate_ref.endswith(f":override:{TENTH_OFF.id}")


MODELS = [
    (provider, model)
    for provider in ("openai", "anthropic")
    for model in next(p for p in get_snapshot().providers if p.id == provider).models
    if (entry := price_book.find(provider, model.id)) and entry.info is model
]
WAYS: list[dict[str, Any]] = [{}, {"batch": True}, {"service_tier": "flex"}, {"service_tier": "priority"}]
GRID: list[tuple[str, Any, date, dict[str, Any]]] = [
    (*model, day, way)
    for model in MODELS
    for day in (date(2025, 3, 1), date(2026, 8, 1), date(2026, 11, 10))
    for way in WAYS
]


def in_its_words(tokens: Tokens) -> Usage:
    """The classes of the price book include one another, ours are disjoint."""
    return Usage(
        input_tokens=tokens.incoming,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write_5m + tokens.cache_write_30m + tokens.cache_write_1h,
        cache_write_5m_tokens=tokens.cache_write_5m,
        cache_write_1h_tokens=tokens.cache_write_1h,
        output_tokens=tokens.output + tokens.audio_out + tokens.image_out,
        input_audio_tokens=tokens.audio_in,
        input_image_tokens=tokens.image_in,
        output_audio_tokens=tokens.audio_out,
        output_image_tokens=tokens.image_out,
        cache_audio_read_tokens=0,
        cache_image_read_tokens=0,
    )


@settings(max_examples=6)
@given(st.lists(st.integers(0, 10**9), min_size=11, max_size=11))
def test_every_amount_is_what_the_price_book_itself_answers(counts):
    compared = set()
    for provider, info, day, way in GRID:
        rates = Pricer().rates(row(provider, info.id, day, **way))
        if isinstance(rates, price_book.NoRates) or "declared" in rates.ref:
            continue
        most = 10**9 if rates.certain_up_to is None else rates.certain_up_to // 11
        pairs = zip(TOKEN_CLASSES, counts, strict=True)
        tokens = Tokens(**{name: count % most for name, count in pairs if name in rates.per_million})
        theirs = calc_price(
            in_its_words(tokens),
            info.id,
            provider_id=provider,
            genai_request_timestamp=on(day, 9),
            price_context={"processing": "batch"} if way.get("batch") else way,
        )

        ours = Pricer().price(row(provider, info.id, day, tokens=tokens, **way))

        assert ours.amount == rounded(theirs.total_price), (info.id, day, way)
        compared.add(info.id)
    assert len(compared) > 100


@pytest.mark.parametrize(("start", "million"), [("0-200k", 200_000), ("200k-1M", 200_001)])
@pytest.mark.parametrize("name", ["claude-sonnet-4-5", "claude-haiku-5-5"])
def test_a_context_window_costs_what_the_book_says_of_one_such_request(name, start, million):
    tokens = Tokens(input=million - 50_000, cache_read=40_000, cache_write_5m=10_000, output=1_000)
    theirs = calc_price(
        Usage(
            input_tokens=million,
            cache_read_tokens=40_000,
            cache_write_tokens=10_000,
            cache_write_5m_tokens=10_000,
            output_tokens=1_000,
        ),
        name,
        provider_id="anthropic",
        genai_request_timestamp=on(date(2026, 11, 10)),
    )
    answer = Pricer().price(row("anthropic", name, tokens=tokens, context_window=start))

    if name == "claude-haiku-5-5" and start == "0-200k":  # its long context begins at 100,000: the window does not tell
        assert answer.rate_ref.endswith(":context unknown")
    else:
        assert answer.amount == rounded(theirs.total_price)


def test_a_hundred_thousand_rows_are_priced_in_seconds():
    rows = [
        row(
            "openai",
            ("gpt-5.6-sol", "gpt-5.4", MINI, "o3")[number % 4],
            date(2026, 8, 20) + timedelta(days=number % 90),
            tokens=Tokens(input=number, cache_read=number, output=number),
        )
        for number in range(20_000)
    ]
    pricer = Pricer()
    pricer.price(rows[0])
    began = time.process_time()

    for each in rows:
        pricer.price(each)

    assert time.process_time() - began < 3 / 5
