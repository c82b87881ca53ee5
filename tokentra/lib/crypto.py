"""Secrets at rest: each has a key of its own, which the current master key wraps."""

import hashlib
import hmac
import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE = 12


class UnknownMaster(Exception):
    """The secret was wrapped by a master key that is not in TOKENTRA_ENCRYPTION_KEYS."""


class DoesNotOpen(Exception):
    """The secret belongs to another row, or was changed, or was destroyed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret lives. Sealed in one place, it opens in no other."""

    organization: UUID
    owner: UUID
    field: str

    def bound_to(self, master: str) -> bytes:
        return f"v1|{self.organization}|{self.owner}|{self.field}|{master}".encode()


@dataclass(frozen=True, slots=True)
class Sealed:
    """`master_id` wraps the data key now; `sealed_under` was current when the secret itself was sealed."""

    master_id: str
    wrapped_key: bytes
    sealed_under: str
    ciphertext: bytes


def master_id(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:8]


def current_master() -> str:
    return master_id(settings.ENCRYPTION_KEYS[0])


def known_masters() -> tuple[str, ...]:
    """The newest first."""
    return tuple(master_id(key) for key in settings.ENCRYPTION_KEYS)


def seal(clear: str, place: Place) -> Sealed:
    master = current_master()
    data_key = AESGCM.generate_key(256)
    aad = place.bound_to(master)
    return Sealed(master, _lock(_master(master), data_key, aad), master, _lock(data_key, clear.encode(), aad))


def unseal(sealed: Sealed, place: Place) -> str:
    """The secret; `DoesNotOpen` when row and place do not belong together, `UnknownMaster` without its key."""
    data_key = _unlock(_master(sealed.master_id), sealed.wrapped_key, place.bound_to(sealed.master_id))
    return _unlock(data_key, sealed.ciphertext, place.bound_to(sealed.sealed_under)).decode()


def rewrap(sealed: Sealed, place: Place) -> Sealed:
    """The same secret with its data key under the current master; the secret itself is not opened."""
    master = current_master()
    data_key = _unlock(_master(sealed.master_id), sealed.wrapped_key, place.bound_to(sealed.master_id))
    wrapped = _lock(_master(master), data_key, place.bound_to(master))
    return Sealed(master, wrapped, sealed.sealed_under, sealed.ciphertext)


def fingerprint(text: str) -> str:
    """Equal for equal texts while the same master is current; says nothing about the text."""
    master = current_master()
    return f"{master}:{peppered(text, 'fingerprint', master=master)}"


def peppered(text: str, purpose: str, *, master: str) -> str:
    """64 hexadecimal digits that stand for a text in tables; for another purpose they are others."""
    pepper = hmac.digest(_master(master), f"tokentra {purpose}".encode(), "sha256")
    return hmac.new(pepper, text.encode(), hashlib.sha256).hexdigest()


def _master(wanted: str) -> bytes:
    for key in settings.ENCRYPTION_KEYS:
        if hmac.compare_digest(master_id(key), wanted):
            return bytes(key)
    raise UnknownMaster(f"no key of TOKENTRA_ENCRYPTION_KEYS has the id {wanted}")


def _lock(key: bytes, clear: bytes, aad: bytes) -> bytes:
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, clear, aad)


def _unlock(key: bytes, blob: bytes, aad: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(blob[:NONCE], blob[NONCE:], aad)
    except (InvalidTag, ValueError):
        raise DoesNotOpen("the secret does not open in this place") from None
