"""What is kept of a key: a digest that nobody can make without the master key of this installation."""

from tokentra.lib import crypto

PURPOSE = "API key"


def digest_of(key: str, *, master: str | None = None) -> str:
    return crypto.peppered(key, PURPOSE, master=master or crypto.current_master())


def possible(key: str) -> list[tuple[str, str]]:
    """(master, digest) under each known master, the newest first: a key is older than the latest rotation."""
    return [(master, digest_of(key, master=master)) for master in crypto.known_masters()]
