"""Why a call has no price is said in words, never in those of the machine."""

import pytest

from usage.rows import TOKEN_CLASSES
from usage.unpriced import LABELS, is_helped_by_a_price, why


def test_each_class_of_tokens_has_a_name():
    assert [*LABELS] == [*TOKEN_CLASSES]


@pytest.mark.parametrize(
    ("kept", "words", "helps"),
    [
        ("unknown model", "the price book does not know this model of this provider.", True),
        ("no rate for cache_write_5m", "has no rate for tokens of the class “Written to cache, 5 min”", True),
        ("no rate for the unit read_unit", "has no rate for the unit read_unit.", True),
        ("no rate for priority", "has no rate for the way in which the call was processed, priority.", True),
        ("the sender does not know the tokens", "the sender does not know the tokens.", False),
    ],
)
def test_the_reason_is_told_in_words(kept, words, helps):
    assert words in why(kept)
    assert is_helped_by_a_price(kept) is helps
