"""A secret leaves only by reveal()."""

import copy
import json
import logging
import pickle
from dataclasses import asdict, dataclass

import pytest

from tokentra.lib.secret import Secret

TEXT = "sk-admin-canary-0123456789abcdef"

ways_out = {
    "print": print,
    "str": str,
    "format": format,
    "f-string": lambda secret: f"{secret}",
    "f-string with a width": lambda secret: f"{secret:>40}",
    "percent": lambda secret: "%s" % secret,  # noqa: UP031  # the old way is one of the ways
    "str.format": "{}".format,
    "bytes": bytes,
    "json": json.dumps,
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "hash": hash,
    "set": lambda secret: {secret},
    "list": list,
    "vars": vars,
    "concatenation": lambda secret: "Bearer " + secret,
    "order": lambda secret: secret < Secret("a"),
    "state": lambda secret: secret.__getstate__(),
}


@pytest.mark.parametrize("way", ways_out.values(), ids=ways_out)
def test_e4_a_secret_does_not_leave(way):
    with pytest.raises(TypeError) as refusal:
        way(Secret(TEXT))

    assert TEXT not in str(refusal.value)


def test_e4_what_shows_a_secret_shows_nothing_of_it():
    @dataclass
    class Holder:
        secret: Secret

    assert repr(Secret(TEXT)) == "<Secret>"
    assert TEXT[-4:] not in repr([Holder(Secret(TEXT)), {"key": Secret(TEXT)}])
    assert not hasattr(Secret(TEXT), "__dict__")
    with pytest.raises(TypeError):
        asdict(Holder(Secret(TEXT)))


def test_e4_logging_a_secret_writes_nothing_of_it(caplog, capsys):
    logging.getLogger("tests").error("key %r", Secret(TEXT))

    assert "canary" not in caplog.text + capsys.readouterr().err


def test_a_secret_is_revealed_by_name():
    assert Secret(TEXT).reveal() == TEXT


def test_secrets_compare_as_wholes():
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != Secret(TEXT + "x")
    assert Secret(TEXT) != TEXT
    assert Secret("ключ") == Secret("ключ")


def test_the_last_four_are_known_unless_they_are_too_much_of_it():
    assert Secret(TEXT).last_four == "cdef"
    assert Secret("short").last_four == ""


def test_an_empty_secret_is_false():
    assert not Secret("")
    assert Secret("x")


@pytest.mark.parametrize(
    "pasted",
    [
        f"  {TEXT}\n",
        f"\u200b{TEXT}\ufeff",
        f"{TEXT[:12]}\r\n{TEXT[12:]}",
        f'"{TEXT}"',
        f"“{TEXT}”",
        f"Bearer {TEXT}",
        f"Authorization: bearer {TEXT}",
        f"\u00a0{TEXT}\t",
    ],
)
def test_b46_what_comes_along_with_a_pasted_key_is_dropped(pasted: str):
    assert Secret.pasted(pasted).reveal() == TEXT
