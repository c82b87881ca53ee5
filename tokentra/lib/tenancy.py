"""The second wall: which organization, person or digest the database may show, for one transaction."""

import re
from collections.abc import Callable, Generator, Hashable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.transaction import atomic

ORGANIZATION = "app.org_id"
USER = "app.user_id"
DIGEST = "app.digest"
TOTALS: Literal["totals"] = "totals"
UpToDate = bool | Literal["totals"]


class OtherScope(RuntimeError):
    """A transaction that belongs to one organization or person was asked to serve another."""


@contextmanager
def organization_scope(
    organization_id: UUID, *, using: str = DEFAULT_DB_ALIAS, up_to_date: UpToDate = True
) -> Generator[None]:
    """Open a transaction in which the policies show this organization's rows and no others.

    It is the outermost transaction of its block (or joins a scope that is open for the same
    organization), so never hold it across a call to the network. Raises `OtherScope` inside the scope
    of another organization. Sums in it hold all that was stored before, unless it need not be `up_to_date`
    or only its `TOTALS` need to. One that joins another is as far up to date as that one.
    """
    value = _uuid(organization_id)
    with ExitStack() as stack:
        late = _late.get(up_to_date, NEVER) if using == DEFAULT_DB_ALIAS else NEVER
        is_behind = stack.enter_context(_scope(ORGANIZATION, value, using, late.question))
        while is_behind:  # in transactions of their own: whoever reads for long holds nobody up
            stack.close()
            is_behind = bool(late.catch_up(organization_id))
            stack.enter_context(_scope(ORGANIZATION, value, using))
        yield


@contextmanager
def one_turn(organization_id: UUID, *, using: str = DEFAULT_DB_ALIAS) -> Generator[str]:
    """The same for statements that are sent at once, which are a transaction of their own: yields what precedes them.

    Nobody waits for this process while that transaction lasts. Inside another one they are part of it.
    """
    if not connections[using].in_atomic_block:  # no scope is open then
        yield f"SET LOCAL {ORGANIZATION} = '{_uuid(organization_id)}';"
    elif scoped_organization(using=using) == organization_id:
        yield ""
    else:
        with organization_scope(organization_id, using=using, up_to_date=False):
            yield ""


def opened(organization: str) -> str:
    """A source of one row, in SQL, for a statement that is sent outside of a transaction: with it the scope is open.

    `organization` is a parameter of the statement. A policy that is asked before finds no scope, and raises.
    """
    return f"set_config('{ORGANIZATION}', {organization}::text, true)"


@dataclass(frozen=True)
class Late:
    """How a scope asks, in SQL, whether sums lag behind, and what brings them nearer, in a scope of its own: True
    when more is left."""

    question: str = ""
    catch_up: Callable[[UUID], int] = bool


NEVER = Late()
_late: dict[UpToDate, Late] = {}


def catch_up_by(question: str, catch_up: Callable[[UUID], int], *, up_to_date: UpToDate = True) -> None:
    """For scopes that are to be so far `up_to_date`."""
    _late[up_to_date] = Late(question, catch_up)


@contextmanager
def user_scope(user_id: UUID, *, using: str = DEFAULT_DB_ALIAS) -> Generator[None]:
    """The same for one person: their memberships and the organizations behind them."""
    with _scope(USER, _uuid(user_id), using):
        yield


@contextmanager
def digest_scope(digest: str, *, using: str = DEFAULT_DB_ALIAS) -> Generator[None]:
    """The same for whoever holds a secret of ours: the row that keeps its digest (64 hexadecimal digits)."""
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ValueError("a digest has 64 hexadecimal digits")  # it is written into SQL as text
    with _scope(DIGEST, digest, using):
        yield


def scoped_organization(*, using: str = DEFAULT_DB_ALIAS) -> UUID | None:
    """The organization whose scope is open, if one is."""
    held: dict[str, str] = connections[using].__dict__.get("tenancy", {})
    return UUID(held[ORGANIZATION]) if ORGANIZATION in held else None


def name_within(organization_id: UUID, *parts: object) -> str:
    """What a lock, a limit or a kept answer of one organization is called; no other organization's is called so."""
    return ":".join([_uuid(organization_id), *map(str, parts)])


def kept_within(organization_id: UUID, *parts: Hashable) -> tuple[Hashable, ...]:
    """The same for what one process keeps in its memory: no text has to be made of it."""
    if not isinstance(organization_id, UUID):
        raise TypeError("a name within an organization begins with its UUID")
    return (organization_id, *parts)


@contextmanager
def as_sweep() -> Generator[None]:
    """Act as `tt_sweep` for one transaction, which sees what is due of every organization, and nothing else.

    Workers may, the web may not.
    """
    with atomic(), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SET LOCAL ROLE tt_sweep")
        yield
        cursor.execute("SET LOCAL ROLE NONE")  # inside an outer transaction it would go on


def _uuid(value: UUID) -> str:
    if not isinstance(value, UUID):
        raise TypeError("a scope takes a UUID")  # it is written into SQL as text
    return str(value)


@contextmanager
def _scope(name: str, value: str, using: str, question: str = "") -> Generator[bool]:
    """Yields what the question answers; inside an open scope it is not asked."""
    connection = connections[using]
    held: dict[str, str] = connection.__dict__.setdefault("tenancy", {})
    if held.get(name) == value:
        with atomic(using=using):
            yield False
        return
    if name in held:
        raise OtherScope(f"{name} is already set for another")
    outermost = not held
    with atomic(using=using, durable=outermost):
        answer = False
        with connection.cursor() as cursor:
            if question and outermost:
                cursor.execute(f"SET LOCAL {name} = '{value}'; {question}")
                cursor.nextset()
                answer = cursor.fetchone()[0]
            else:
                cursor.execute(f"SET LOCAL {name} = '{value}'")
        held[name] = value
        try:
            yield answer
        finally:
            del held[name]
        # SET LOCAL outlives a released savepoint, so whatever goes on inside an outer transaction
        # would still be in this scope. A rollback restores the old value by itself.
        if connection.savepoint_ids or not outermost:
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL {name} = ''")
