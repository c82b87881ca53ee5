"""Kinds of calls: each is called by the hash of what it says, and is there before the first event that names it."""

from collections.abc import Iterable, Set
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec
from psycopg import Connection

from usage.measuring.rate_refs import packed

MOST_REMEMBERED = 10_000


class Kind(msgspec.Struct, frozen=True):
    """A row of usage_callkind."""

    id: str
    key_id: str | None
    provider: str
    model: str
    operation: str | None
    status: str
    environment: str | None
    basis: str
    rate: str


@lru_cache(MOST_REMEMBERED)
def kind_of(  # noqa: PLR0917  # in their order they are what is remembered
    key_id: str | None,
    provider: str,
    model: str,
    operation: str | None,
    status: str,
    environment: str | None,
    basis: str,
    rate_ref: str,
) -> Kind:
    """Remembered by what is said, which thousands of events say alike."""
    said = (key_id, provider, model, operation, status, environment, str(basis), packed(rate_ref, provider, model))
    return Kind(hashed(said), *said)


def hashed(said: Iterable[str | None]) -> str:
    """Each with its length before it, so that no two kinds are written the same; the migration says it in SQL."""
    written = "".join("-" if each is None else f"{len(each)}:{each}" for each in said)
    return str(UUID(bytes=sha256(written.encode()).digest()[:16]))


def unknown(session: Connection[Any], organization_id: UUID, ids: Set[str]) -> Set[str]:
    """Those that may not be there yet."""
    there = _there.get(session, {}).get(organization_id)
    return ids - there if there else ids


def remember(session: Connection[Any], organization_id: UUID, ids: Set[str]) -> None:
    """They stay, and whoever comes by this connection need not add them again; another may lead to another server."""
    there = _there.setdefault(session, {})
    if sum(map(len, there.values())) > MOST_REMEMBERED:
        # whoever names a kind with each event makes nobody else ask again
        there.pop(max(there, key=lambda each: len(there[each])))
    there.setdefault(organization_id, set()).update(ids)


_there: WeakKeyDictionary[Connection[Any], dict[UUID, set[str]]] = WeakKeyDictionary()
