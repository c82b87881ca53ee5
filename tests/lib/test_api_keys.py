"""The shape of our keys: what can be one, and what cannot."""

import zlib

import pytest

from tokentra.lib import api_keys


@pytest.mark.parametrize("environment", ["live", "test"])
def test_e9_a_key_has_46_characters_and_names_its_environment(environment):
    key = api_keys.mint(environment)

    assert len(key) == 46
    assert key.startswith(f"tt_{environment}_")
    assert key[8:].isascii()
    assert key[8:].isalnum()
    assert api_keys.is_key(key)
    assert len({api_keys.mint(environment) for _ in range(50)}) == 50


def test_e9_the_checksum_is_the_crc32_of_what_stands_before_it():
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    for body in ("tt_live_" + "0" * 32, "tt_test_" + "zZ9" * 10, ""):
        value = sum(digits.index(digit) * 62**place for place, digit in enumerate(reversed(api_keys.checksum(body))))

        assert value == zlib.crc32(body.encode())


def test_b22_every_single_mistyped_character_is_noticed():
    key = api_keys.mint("live")

    for place in range(8, 46):
        for other in ("0", "A", "z"):
            typo = key[:place] + other + key[place + 1 :]
            assert api_keys.is_key(typo) is (typo == key)


@pytest.mark.parametrize("text", ["", "tt_live_", "tt_prod_" + "a" * 38, "sk-ant-api03-x", "tt_live_é" + "a" * 37])
def test_b22_what_is_not_of_the_shape_is_no_key(text):
    assert not api_keys.is_key(text)
    assert api_keys.found_in(text) == ""


def test_a_key_is_found_wherever_it_stands_and_a_text_like_one_is_not():
    key = api_keys.mint("test")
    typo = key[:-1] + ("a" if key[-1] != "a" else "b")

    assert api_keys.found_in(f'{{"note": "use {key}."}}') == key
    assert api_keys.found_in(f"apiKey={key}&x=1") == key
    assert api_keys.found_in(f"{typo} {key}") == key
    assert api_keys.found_in(typo) == ""
    assert api_keys.found_in(f"{key}x") == ""
