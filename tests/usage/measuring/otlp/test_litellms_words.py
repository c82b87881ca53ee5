"""What LiteLLM says in words of its own, as its spans of version 1.9x say it."""

import pytest

from usage.measuring.otlp.litellm import completed

OPENAI = (
    "{'completion_tokens': 50, 'prompt_tokens': 1000, 'total_tokens': 1050, 'completion_tokens_details': "
    "{'audio_tokens': 5, 'reasoning_tokens': 20}, 'prompt_tokens_details': {'audio_tokens': 7, 'cached_tokens': 400}}"
)
ANTHROPIC = (
    "{'completion_tokens': 50, 'prompt_tokens': 1000, 'total_tokens': 1050, 'prompt_tokens_details': "
    "{'audio_tokens': None, 'cache_write_tokens': 100, 'cached_tokens': 300, 'cache_creation_tokens': 100, "
    "'cache_creation_token_details': {'ephemeral_5m_input_tokens': 30, 'ephemeral_1h_input_tokens': 70}}, "
    "'cache_creation_input_tokens': 100, 'cache_read_input_tokens': 300, 'service_tier': 'standard'}"
)
CACHED, WRITTEN = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens"
HOUR = "anthropic.usage.cache_creation.ephemeral_1h_input_tokens"
PROXY = {
    "litellm.model_group": "small",
    "litellm.provider.model": "openai/gpt-4o-mini",
    "gen_ai.system": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "small",
}


@pytest.mark.parametrize(
    ("usage", "found"),
    [
        (
            OPENAI,
            {
                CACHED: 400,
                "gen_ai.usage.reasoning.output_tokens": 20,
                "gen_ai.usage.audio.input_tokens": 7,
                "gen_ai.usage.audio.output_tokens": 5,
            },
        ),
        (ANTHROPIC, {CACHED: 300, WRITTEN: 100, HOUR: 70}),
        ("{'prompt_tokens_details': None, 'cache_read_input_tokens': 9}", {CACHED: 9}),
        ("{'prompt_tokens_details': {'cached_tokens': True}}", {}),
        ("{'prompt_tokens_details': {'cached_tokens': -3}}", {}),
        ("{'prompt_tokens_details': 'none'}", {}),
        ("[1, 2]", {}),
        ("__import__('os')", {}),
        ("{" * 3_000, {}),
        ("{'cache_read_input_tokens': 9, 'x': '" + "x" * 4_000 + "'}", {}),
        (7, {}),
        (None, {}),
    ],
)
def test_the_usage_beside_a_span_tells_what_its_names_do_not(usage, found):
    assert completed({"metadata.usage_object": usage}) == {"metadata.usage_object": usage, **found}


def test_what_a_span_tells_itself_stays():
    told = {"metadata.usage_object": OPENAI, CACHED: 1}

    assert completed(told)[CACHED] == 1


@pytest.mark.parametrize(
    ("more", "model"),
    [
        ({}, "gpt-4o-mini"),
        ({"gen_ai.response.model": "gpt-4o-mini-2024-07-18"}, "gpt-4o-mini-2024-07-18"),
        ({"gen_ai.request.model": "small"}, "gpt-4o-mini"),
        ({"gen_ai.request.model": "small", "litellm.provider.model": "gpt-4o-mini"}, "gpt-4o-mini"),
        ({"gen_ai.request.model": "small", "litellm.provider.model": ""}, "small"),
        ({"gen_ai.request.model": "small", "litellm.provider.model": "openai/"}, "small"),
        ({"litellm.model_group": "gpt-4o-mini", "gen_ai.response.model": "gpt-4o-mini"}, "gpt-4o-mini"),
    ],
)
def test_the_model_is_the_one_behind_the_proxys_name_for_it(more, model):
    assert completed(PROXY | more)["gen_ai.response.model"] == model


def test_other_spans_are_as_they_are():
    told = {"gen_ai.request.model": "gpt-4o-mini"}

    assert completed(told) is told
