"""Whatever OpenAI sends, our token classes never overlap and add up to its own totals."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers.connectors.openai_usage import classes
from usage.rows import Tokens

counts = st.integers(min_value=0, max_value=2**40)
maybe = st.one_of(st.none(), counts)


@st.composite
def results(draw: st.DrawFn) -> tuple[dict[str, Any], Tokens]:
    """A result as OpenAI composes it out of disjoint truths, with or without the newer members."""
    truth = {name: draw(counts) for name in ("input", "cache_read", "short", "long", "audio_in", "image_in")}
    out = {name: draw(counts) for name in ("output", "audio_out", "image_out")}
    result: dict[str, Any] = {
        "input_tokens": sum(truth.values()),
        "input_cached_tokens": truth["cache_read"],
        "input_cache_write_tokens": truth["short"] + truth["long"],
        "input_audio_tokens": truth["audio_in"],
        "input_image_tokens": truth["image_in"],
        "output_tokens": sum(out.values()),
        "output_audio_tokens": out["audio_out"],
        "output_image_tokens": out["image_out"],
    }
    short, long = truth["short"] + truth["long"], 0
    if draw(st.booleans()):
        short, long = truth["short"], truth["long"]
        result |= {"input_cache_write_30m_tokens": short, "input_cache_write_12h_tokens": long}
    result = {name: value for name, value in result.items() if value or draw(st.booleans())}
    expected = Tokens(
        input=truth["input"],
        cache_read=truth["cache_read"],
        cache_write_30m=short,
        cache_write_12h=long,
        output=out["output"],
        audio_in=truth["audio_in"],
        audio_out=out["audio_out"],
        image_in=truth["image_in"],
        image_out=out["image_out"],
    )
    return result, expected


@given(results())
def test_the_classes_are_the_truths_that_the_result_was_made_of(made: tuple[dict[str, Any], Tokens]):
    result, expected = made

    assert classes(result) == (expected, "")


@given(
    st.fixed_dictionaries(
        dict.fromkeys(("input_tokens", "output_tokens"), maybe),
        optional=dict.fromkeys(
            (
                "input_cached_tokens",
                "input_cache_write_tokens",
                "input_cache_write_30m_tokens",
                "input_cache_write_12h_tokens",
                "input_audio_tokens",
                "input_image_tokens",
                "output_audio_tokens",
                "output_image_tokens",
            ),
            maybe,
        ),
    )
)
def test_classes_add_up_to_the_totals_or_say_that_they_do_not(result: dict[str, Any]):
    tokens, problem = classes(result)

    parts_in = (
        tokens.input
        + tokens.cache_read
        + tokens.cache_write_30m
        + tokens.cache_write_12h
        + tokens.audio_in
        + tokens.image_in
    )
    parts_out = tokens.output + tokens.audio_out + tokens.image_out
    fits = parts_in == (result["input_tokens"] or 0) and parts_out == (result["output_tokens"] or 0)
    assert fits is (problem == "")
    assert all(count >= 0 for count in tokens.classes)
