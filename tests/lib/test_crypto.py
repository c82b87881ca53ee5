"""Secrets at rest: sealing, places, masters (reliability E1 to E3, B51)."""

import os
from dataclasses import replace

import pytest

from tokentra.lib import crypto
from tokentra.lib.crypto import DoesNotOpen, Place, UnknownMaster
from tokentra.lib.ids import uuid7

PLACE = Place(uuid7(), uuid7(), "admin_key")


def test_e1_a_sealed_secret_opens_in_its_place():
    sealed = crypto.seal("sk-admin-secret", PLACE)

    assert crypto.unseal(sealed, PLACE) == "sk-admin-secret"
    assert b"secret" not in sealed.ciphertext
    assert b"secret" not in sealed.wrapped_key


def test_e1_each_secret_has_a_key_of_its_own():
    one, other = crypto.seal("the same", PLACE), crypto.seal("the same", PLACE)

    assert one.ciphertext != other.ciphertext
    with pytest.raises(DoesNotOpen):
        crypto.unseal(replace(one, wrapped_key=other.wrapped_key), PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [replace(PLACE, organization=uuid7()), replace(PLACE, owner=uuid7()), replace(PLACE, field="other")],
    ids=["organization", "connection", "field"],
)
def test_b51_a_secret_moved_elsewhere_does_not_open(elsewhere):
    sealed = crypto.seal("sk-admin-secret", PLACE)

    with pytest.raises(DoesNotOpen):
        crypto.unseal(sealed, elsewhere)


@pytest.mark.parametrize("part", ["wrapped_key", "ciphertext"])
def test_e1_a_changed_byte_is_noticed(part):
    sealed = crypto.seal("sk-admin-secret", PLACE)
    blob = bytearray(getattr(sealed, part))
    blob[-1] ^= 1

    with pytest.raises(DoesNotOpen):
        crypto.unseal(replace(sealed, **{part: bytes(blob)}), PLACE)


def test_e7_an_overwritten_key_opens_nothing():
    with pytest.raises(DoesNotOpen):
        crypto.unseal(replace(crypto.seal("x", PLACE), wrapped_key=b""), PLACE)


def test_e2_an_unknown_master_is_an_error(settings):
    sealed = crypto.seal("sk-admin-secret", PLACE)
    settings.ENCRYPTION_KEYS = [os.urandom(32)]

    with pytest.raises(UnknownMaster):
        crypto.unseal(sealed, PLACE)


def test_e3_rewrapping_leaves_the_secret_itself_untouched(settings):
    old = settings.ENCRYPTION_KEYS
    sealed = crypto.seal("sk-admin-secret", PLACE)
    settings.ENCRYPTION_KEYS = [os.urandom(32), *old]

    moved = crypto.rewrap(sealed, PLACE)
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]

    assert moved.ciphertext == sealed.ciphertext
    assert moved.master_id == crypto.current_master() != sealed.master_id
    assert crypto.unseal(moved, PLACE) == "sk-admin-secret"


def test_e6_fingerprints_are_equal_for_equal_texts_and_say_nothing_else(settings):
    one = crypto.fingerprint("sk-admin-secret")
    again, other = crypto.fingerprint("sk-admin-secret"), crypto.fingerprint("sk-admin-secreu")
    settings.ENCRYPTION_KEYS = [os.urandom(32)]

    assert one == again
    assert other != one
    assert crypto.fingerprint("sk-admin-secret") != one
