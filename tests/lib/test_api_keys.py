"""The shape of our keys: what can be one, and what cannot."""

import json
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


@pytest.mark.parametrize("written", ["{}", "a\\n{}", "\\u0022{}\\u0020", "\\ud83d\\ude42{}", "é{}"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_b24_a_key_is_found_in_json_however_it_is_written(written, encoding):
    key = api_keys.mint("live")
    for place in range(len(key)):
        escaped = "".join(f"\\u{ord(sign):04X}" if at == place else sign for at, sign in enumerate(key))
        body = '{"note": "' + written.format(escaped) + '"}'

        assert key in json.loads(body)["note"]
        assert api_keys.found_in_json(body.encode(encoding)) == key


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b'{"note": "caf\\u00e9 tt_\\u0041"}', b"tt_live_" + b"a" * 38, b"\0\0\0"]
)
def test_no_key_is_found_where_there_is_none(body):
    assert api_keys.found_in_json(body) == ""
