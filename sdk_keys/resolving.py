"""Whose key it is: by its digest, remembered by each process for a few seconds."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from hmac import compare_digest
from time import monotonic, sleep
from uuid import UUID

from django.core.cache import cache
from django.db import transaction

from accounts.http import Credential
from sdk_keys.digests import digest_of, possible
from sdk_keys.models import ApiKey, KeyDigest
from tokentra.lib import crypto
from tokentra.lib.api_keys import is_key
from tokentra.lib.cache import in_process
from tokentra.lib.outage import unless_full
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import digest_scope, name_within, organization_scope

LOOKED, MOST_LOOKED = 0.1, 10_000  # seconds, and keys
FORGOTTEN = 10  # seconds; longer than any process remembers a key
ASK = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class Known:
    """What a process remembers of a key: nothing, when nobody has it."""

    credential: Credential | None = None
    is_revoked: bool = False
    is_replaced: bool = False
    expires_at: datetime | None = None

    def end(self, now: datetime) -> str:
        """What became of the key and what to do, in words; nothing while it works."""
        has_expired = self.expires_at is not None and self.expires_at <= now
        if not (self.is_revoked or has_expired):
            return ""
        if self.is_replaced:
            return "This API key was replaced. Use the one that took its place."
        if self.is_revoked:
            return "This API key was revoked. Use another one, or make a new one."
        return f"This API key expired at {self.expires_at:%Y-%m-%d %H:%M} UTC. Use another one, or make a new one."


def resolve(key: str, *, now: datetime) -> Credential:
    """The credential that a key stands for; raises 401 for what is no key, nobody's, revoked or expired.

    What cannot be a key by its checksum costs no query. What a process remembers of a key it goes by for three
    seconds at most, and by nothing that was so before the key was ended, once that is answered (`forget`). A process
    that Redis does not answer hears of no end: there it is three seconds.
    """
    known = remembered(key)
    if known.credential is None:
        raise unknown()
    if end := known.end(now):
        raise Problem(401, "key_revoked", end, headers=ASK)
    return known.credential


def remembered(key: str) -> Known:
    name = sha256(key.encode()).digest()  # in memory alone, so without the pepper of what is stored
    keys = in_process("keys")
    known: Known | None = keys.get(name)
    if known is None or (known.credential and is_changed(known.credential)):
        if not is_key(key):
            return Known()
        known = look_up(key)
        keys.set(name, known)
    return known


def is_changed(credential: Credential) -> bool:
    """By the shared mark; having looked, a process goes by what it found for `LOOKED`, from before it asked."""
    now = monotonic()
    if now - _unchanged.get(credential.key_id, 0) < LOOKED:
        return False
    if cache.get(mark(credential)):
        return True
    if len(_unchanged) >= MOST_LOOKED:
        _unchanged.clear()
    _unchanged[credential.key_id] = now
    return False


_unchanged: dict[UUID, float] = {}


def unknown() -> Problem:
    sentence = "This is no API key of this TokenTra. Copy it again, or make a new one."
    return Problem(401, "invalid_api_key", sentence, headers=ASK)


def look_up(key: str) -> Known:
    """By two short transactions: the directory of digests alone, then the key inside its organization's scope."""
    for master, digest in possible(key):
        with digest_scope(digest):
            found = KeyDigest.objects.filter(digest=digest).first()
        if found and compare_digest(found.digest, digest):
            return opened(found, key, is_current=master == crypto.current_master())
    return Known()


def opened(found: KeyDigest, key: str, *, is_current: bool) -> Known:
    with organization_scope(found.organization_id, up_to_date=False):
        row = ApiKey.objects.filter(organization_id=found.organization_id, pk=found.key_id).first()
    if row is None:
        return Known()
    if not is_current:
        with unless_full():
            moved_on(found, key)
    credential = Credential(row.organization_id, row.pk, frozenset(row.scopes), row.environment)
    return Known(credential, row.revoked_at is not None, row.replaced_by_id is not None, row.expires_at)


def moved_on(found: KeyDigest, key: str) -> None:
    """The master key changed meanwhile; only now that the key itself is here, its digest can be made anew."""
    with organization_scope(found.organization_id, up_to_date=False):
        mine = KeyDigest.objects.filter(organization_id=found.organization_id, digest=found.digest)
        mine.update(digest=digest_of(key), master_id=crypto.current_master())


def forget(*keys: ApiKey) -> None:
    """Once this transaction is through, no process goes by what it remembers of the keys.

    Whoever ends them is answered after that: it takes `LOOKED`, for however many, while no transaction is open.
    """
    if keys:
        marks = [mark_of(key.organization_id, key.pk) for key in keys]
        transaction.on_commit(partial(tell_all, marks))


def tell_all(marks: list[str]) -> None:
    cache.set_many(dict.fromkeys(marks, True), FORGOTTEN)
    in_process("keys").clear()
    sleep(LOOKED)  # whoever looked just before sees the mark from here on


def mark(credential: Credential) -> str:
    return mark_of(credential.organization_id, credential.key_id)


def mark_of(organization_id: UUID, key_id: UUID) -> str:
    return name_within(organization_id, "key-changed", key_id)
