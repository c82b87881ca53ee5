"""A request as our views see it: a signed-in person acting for an organization."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import Membership, Organization, User

LOOPBACK = {"localhost", "127.0.0.1", "::1"}

_served: ContextVar[HttpRequest | None] = ContextVar("served", default=None)


@dataclass(frozen=True, slots=True)
class Credential:
    """The API key that a request carries: whose program it is, and what it may do."""

    organization_id: UUID
    key_id: UUID
    scopes: frozenset[str]
    environment: str


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for an organization over JSON: a member, or one of its programs, behind which stands no person."""

    organization: Organization
    person: User | None
    key_id: UUID | None = None

    @property
    def id(self) -> UUID:
        """What limits of one asker are counted under."""
        return self.person.pk if self.person else self.key_id or self.organization.pk


class OrgRequest(HttpRequest):
    """A request of a member; `accounts.gates` hands it to views."""

    user: User
    htmx: HtmxDetails
    organization: Organization
    membership: Membership
    memberships: list[Membership]


def caller() -> tuple[str | None, str]:
    """Address and user agent of the request being served; nothing outside of one."""
    request = _served.get()
    return (address(request), request.headers.get("User-Agent", "")[:256]) if request else (None, "")


def key_in_use() -> UUID | None:
    """The API key that the request being served came with."""
    credential: Credential | None = getattr(_served.get(), "credential", None)
    return credential.key_id if credential else None


def directory_in_use() -> UUID | None:
    """The token of a directory that the request being served came with."""
    token: UUID | None = getattr(_served.get(), "directory_token", None)
    return token


@contextmanager
def calling(request: HttpRequest) -> Generator[None]:
    token = _served.set(request)
    try:
        yield
    finally:
        _served.reset(token)


def absolute(path: str) -> str:
    """An address to write into a mail: of the public site, or of the loopback host that is being used."""
    request = _served.get()
    if request and urlsplit(settings.SITE_URL).hostname in LOOPBACK:
        return request.build_absolute_uri(path)
    return f"{settings.SITE_URL}{path}"


def address(request: HttpRequest) -> str | None:
    """Where a request came from; forwarded addresses are believed as far as there are trusted proxies."""
    peer: str | None = request.META.get("REMOTE_ADDR") or None
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    trusted: int = settings.TRUSTED_PROXIES
    return plain(hops[-trusted] if trusted and len(hops) >= trusted else peer)


def plain(told: str | None) -> str | None:
    """The address as the database keeps it, without the port that some proxies add; None for anything else."""
    bare = re.sub(r"^\[(.+)\](?::\d+)?$|^([\d.]+):\d+$", r"\1\2", told or "").partition("%")[0]
    try:
        return str(ip_address(bare))
    except ValueError:
        return None
