"""A connection gets another name, here and wherever usage shows it."""

from accounts import audit
from accounts.models import User
from providers.connecting import name_it
from providers.models import Connection
from providers.pausing import locked


def rename(connection: Connection, name: str, *, by: User | None) -> None:
    held = locked(connection)
    before, held.name = held.name, name
    held.save(update_fields=["name"])
    name_it(held)
    audit.note("connection_renamed", held.organization, by, about=held, before=before, after=name)
