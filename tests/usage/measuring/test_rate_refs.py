"""What a rate is called is kept short, and read again as it was."""

import pytest

from usage.measuring.rate_refs import packed, unpacked


@pytest.mark.parametrize(
    ("ref", "provider", "model", "short"),
    [
        ("genai-prices@0.2.3:openai/gpt-4o:2026-10-14", "openai", "gpt-4o", "@0.2.3::2026-10-14"),
        ("genai-prices@0.2.3:openai/gpt-4o", "openai", "gpt-4o", "@0.2.3:"),
        ("genai-prices@0.2.3:openai/gpt-4o:batch:declared", "openai", "gpt-4o", "@0.2.3::batch:declared"),
        ("genai-prices@0.2.3:openai/gpt-4o-mini:2026", "openai", "gpt-4o", "@0.2.3:openai/gpt-4o-mini:2026"),
        ("genai-prices@0.2.3:ollama/llama3:8b:2026", "ollama", "llama3", "@0.2.3::8b:2026"),
        ("genai-prices@0.2.3:ollama/llama3:8b:2026", "ollama", "llama3:8b", "@0.2.3::2026"),
        ("override:0198c0de-0000-7000-8000-00000000000a", "openai", "gpt-4o", None),
        ("unknown model", "openai", "gpt-4o", None),
        ("", "", "", None),
    ],
)
def test_a_reference_is_read_as_it_was_written(ref, provider, model, short):
    assert packed(ref, provider, model) == (ref if short is None else short)
    assert unpacked(packed(ref, provider, model), provider, model) == ref
