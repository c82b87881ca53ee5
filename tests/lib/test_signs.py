"""Looking for a few bytes in very many."""

import pytest

from tokentra.lib.signs import holds, rarest

SIGNS = [b"\\u", b"tt_", b"AKIA", b"earer ", b"sk-", b"x"]


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_is_found_wherever_it_stands(sign):
    for body in (sign, sign + b"...", b"..." + sign, b"." * 5_000 + sign + b"." * 5_000):
        assert holds(body, sign)


@pytest.mark.parametrize("sign", SIGNS)
def test_neither_its_bytes_apart_nor_its_rarest_alone_are_the_sign(sign):
    apart = b".".join(bytes([byte]) for byte in sign)

    assert holds(apart, sign) == (len(sign) == 1)
    assert holds(bytes([rarest(sign)]), sign) == (len(sign) == 1)
    assert not holds(b"", sign)
