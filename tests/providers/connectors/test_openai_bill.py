"""A line item's text says which model, which tier and whether tokens are counted; anything else is kept whole."""

import pytest

from providers.connectors.openai_bill import LineItem, parse


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("gpt-5-mini-2025-08-07, input", LineItem("gpt-5-mini-2025-08-07", is_tokens=True)),
        ("gpt-5-mini-2025-08-07, cached input", LineItem("gpt-5-mini-2025-08-07", is_tokens=True)),
        ("gpt-5-mini-2025-08-07, output", LineItem("gpt-5-mini-2025-08-07", is_tokens=True)),
        ("gpt-5-mini-2025-08-07, cache writes", LineItem("gpt-5-mini-2025-08-07", is_tokens=True)),
        ("gpt-5, input, long context", LineItem("gpt-5", context="long context", is_tokens=True)),
        ("priority | gpt-5, output", LineItem("gpt-5", tier="priority", is_tokens=True)),
        ("batch | gpt-5, input, long context", LineItem("gpt-5", "batch", "long context", is_tokens=True)),
        ("gpt-audio-mini-2025-12-15 audio, input", LineItem("gpt-audio-mini-2025-12-15", is_tokens=True)),
        ("gpt-image-2.5-sunburst text, cached input", LineItem("gpt-image-2.5-sunburst", is_tokens=True)),
        ("gpt-image-2.5-sunburst image, output", LineItem("gpt-image-2.5-sunburst", is_tokens=True)),
        ("ft-gpt-4.1-mini-2025-04-14, input", LineItem("ft-gpt-4.1-mini-2025-04-14", is_tokens=True)),
        ("gpt-6-astra, input_tokens", LineItem("gpt-6-astra", is_tokens=True)),
        ("gpt-6-astra, cached_input_tokens", LineItem("gpt-6-astra", is_tokens=True)),
        ("gpt-6-astra, cache_write_tokens", LineItem("gpt-6-astra", is_tokens=True)),
        ("web search tool calls", LineItem()),
        ("Vector storage", LineItem()),
        ("Promotional credit", LineItem()),
        ("gpt-5, reasoning of a new kind", LineItem()),
        ("", LineItem()),
        (", input", LineItem()),
    ],
)
def test_line_items_are_read_tolerantly(text: str, item: LineItem):
    assert parse(text) == item


def test_audio_by_the_minute_has_no_tokens_beside_it():
    assert parse("whisper-1, audio", unit="duration_minutes") == LineItem("whisper-1")
    assert not parse("whisper-1, audio").is_tokens


@pytest.mark.parametrize(
    ("unit", "is_tokens"), [("tokens", True), ("1000_tokens", True), ("", True), ("images", False)]
)
def test_the_unit_has_the_last_word(unit: str, is_tokens: bool):
    assert parse("gpt-image-2.5-sunburst, output", unit=unit).is_tokens is is_tokens
