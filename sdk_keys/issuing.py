"""Making a key: shown once to whoever asked for it, and from then on known by its digest alone."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts import audit
from accounts.models import Membership, Organization, User
from accounts.permissions import Permission, Scope
from sdk_keys.digests import digest_of
from sdk_keys.models import ApiKey, KeyDigest
from tokentra.lib import api_keys, crypto
from usage import ingest

MOST = 100  # that work at a time, for each organization


class TooManyKeys(Exception):
    """So many keys work that somebody should revoke some first."""

    def __init__(self) -> None:
        super().__init__(f"{MOST} keys work already. Revoke those that nobody uses.")


class InSample(Exception):
    """A sample workspace holds generated figures; no program sends it any."""

    def __init__(self) -> None:
        super().__init__("This is the sample workspace. Leave it to make keys for your own organization.")


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key; `clear` is the key itself, for the one answer that shows it and for nothing that is kept."""

    key: ApiKey
    clear: str = field(repr=False)


def scopes_for(member: Membership) -> list[Scope]:
    """What this member may let a program do: no more than they may do themselves."""
    managing = member.may(Permission.MANAGE_CONNECTIONS)
    return [scope for scope in Scope if managing or scope is not Scope.ADMIN]


def make(
    member: Membership,
    *,
    name: str,
    scopes: Collection[str],
    environment: str,
    expires_at: datetime | None = None,
) -> Issued:
    """A member makes a key, inside the organization's scope; PermissionDenied for a scope beyond their role."""
    organization = member.organization
    if organization.is_sample:
        raise InSample
    if not member.may(Permission.MANAGE_OWN_KEYS) or not set(scopes) <= set(scopes_for(member)):
        raise PermissionDenied("Your role does not include this scope. Ask an owner or admin for the key.")
    organization.lock()
    if ApiKey.objects.owned_by(organization).working(timezone.now()).count() >= MOST:
        raise TooManyKeys
    told: dict[str, Any] = {"name": name, "scopes": scopes, "environment": environment, "expires_at": expires_at}
    return issue(organization, by=member.user, **told)


def issue(
    organization: Organization,
    *,
    name: str,
    scopes: Collection[str],
    environment: str,
    by: User | None,
    expires_at: datetime | None = None,
) -> Issued:
    """Make a key inside the organization's scope, for whoever was found to be allowed to."""
    clear = api_keys.mint(environment)
    key = ApiKey.objects.create(
        organization=organization,
        name=name,
        prefix=clear[:12],
        last_four=clear[-4:],
        scopes=[scope.value for scope in Scope if scope in scopes],
        environment=environment,
        created_by=by,
        created_at=timezone.now(),
        expires_at=expires_at,
    )
    KeyDigest.objects.create(
        digest=digest_of(clear), master_id=crypto.current_master(), organization=organization, key=key
    )
    ingest.name_values(ingest.MEASURED, "api_key", {str(key.pk): (name, key.masked)})  # pages of usage show the name
    told = {"name": name, "key": key.masked, "scopes": key.scopes, "environment": environment}
    audit.note("key_created", organization, by, about=key, **told)
    return Issued(key, clear)
