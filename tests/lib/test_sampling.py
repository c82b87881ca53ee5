"""What is kept of an answer that nobody understood holds no part of the key that it was asked with."""

import pytest

from tokentra.lib.sampling import LONGEST, LONGEST_VALUE, Heard

KEY = "Zq7" * 14  # a kind that no pattern knows


@pytest.mark.parametrize("before", [0, LONGEST_VALUE - 20, LONGEST_VALUE - 1, LONGEST - 20])
@pytest.mark.parametrize("shaped", [lambda text: text, lambda text: {"told": [text]}, lambda text: {text: 1}])
def test_s3_4_a_key_is_hidden_wherever_a_text_is_cut(before, shaped):
    sample = Heard(shaped("x" * before + KEY + " and more"), (KEY,)).sample()

    assert "Zq7" not in sample
    assert len(sample) <= LONGEST
