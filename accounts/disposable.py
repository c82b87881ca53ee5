"""Which addresses may sign up: no throwaway mailboxes; only some domains where the operator names them."""

from collections.abc import Collection, Iterator
from functools import cache

from accounts.naming import fold

# well-known services that the packaged list misses
OURS = frozenset(
    [
        "10minutemail.com",
        "burnermail.io",
        "dispostable.com",
        "fakeinbox.com",
        "getnada.com",
        "guerrillamail.com",
        "maildrop.cc",
        "mailinator.com",
        "mailnesia.com",
        "mintemail.com",
        "moakt.com",
        "mohmal.com",
        "sharklasers.com",
        "temp-mail.io",
        "temp-mail.org",
        "tempmail.com",
        "tempmail.dev",
        "tempmail.net",
        "tempmailo.com",
        "throwawaymail.com",
        "trashmail.com",
        "yopmail.com",
        "yopmail.fr",
    ]
)


def is_disposable(address: str, *, refused: Collection[str] = ()) -> bool:
    """Whether its domain, or one above it, is on the packaged list, ours or the operator's."""
    known = any(domain in OURS or domain in packaged() for domain in domains(address))
    return known or is_among(address, refused)


def is_among(address: str, listed: Collection[str]) -> bool:
    """Whether its domain, or one above it, is listed."""
    folded = {fold(domain) for domain in listed}
    return any(domain in folded for domain in domains(address))


def domains(address: str) -> Iterator[str]:
    """`a.b.example`, `b.example` of `x@a.b.example`."""
    labels = fold(address).rpartition("@")[2].strip(".").split(".")
    for start in range(max(len(labels) - 1, 0)):
        yield ".".join(labels[start:])


@cache
def packaged() -> frozenset[str]:
    from disposable_email_domains import blocklist  # 10,000 names: read when the first address arrives

    return frozenset(blocklist)
