"""Asking somebody else for a key: a link that lets them paste it, without an account, into the right organization."""

import hashlib
import re
import secrets
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from accounts import audit, journal
from accounts.http import absolute
from accounts.journal import Event
from accounts.models import Membership, Organization, User
from accounts.permissions import Permission
from providers.connectors.base import Connector
from providers.models import KeyRequest
from tokentra.lib.tenancy import organization_scope

LASTS = timedelta(days=7)
MOST_TRIES = 20  # each asks the provider; a link is no way to try out stolen keys
MOST_OPEN = 20
_TOKEN = re.compile(r"tt_ask_([0-9a-f]{32})_([\w-]{43})")


class TooManyRequests(Exception):
    """So many links are open that somebody should take some back first."""


class NoLongerOpen(Exception):
    """The link was used, taken back or ran out of time meanwhile."""


def ask(organization: Organization, connector: Connector, *, by: User) -> tuple[KeyRequest, str]:
    """Make a link, inside the organization's scope; returns it too, for what is kept is its digest alone.

    The link names the organization, so that its row is found inside that organization's scope.
    """
    now = timezone.now()
    if KeyRequest.objects.owned_by(organization).open(now).count() >= MOST_OPEN:
        raise TooManyRequests
    token = f"tt_ask_{organization.pk.hex}_{secrets.token_urlsafe(32)}"
    asked = KeyRequest.objects.create(
        organization=organization,
        provider=connector.key,
        token_digest=digest_of(token),
        asked_by=by,
        asked_at=now,
        expires_at=now + LASTS,
    )
    journal.record(Event.PROVIDER_KEY_REQUESTED, by, organization, provider=connector.key)
    audit.note("key_requested", organization, by, about=asked, provider=connector.key)
    return asked, absolute(f"/providers/requests/{token}/")


def message(asked: KeyRequest, link: str) -> str:
    """What somebody sends on with the link; plain text, for any mail or chat."""
    return (
        f"Could you connect our {asked.label} account to TokenTra? It shows {asked.organization.name} what it spends"
        " on AI.\n\n"
        "Open this link: it says which key is needed and what is done with it. Create the key and paste it there;"
        f" you need no account. The link works once, until {asked.expires_at:%-d %B %Y}:\n{link}"
    )


def find(token: str) -> KeyRequest | None:
    """The request whose link somebody holds, open or not, with its organization and who asked; changes nothing."""
    if not (named := _TOKEN.fullmatch(token)):
        return None
    organization_id = UUID(named[1])
    with organization_scope(organization_id):
        mine = KeyRequest.objects.filter(organization_id=organization_id, token_digest=digest_of(token))
        asked = mine.select_related("organization", "asked_by").first()
        return asked if asked and still_stands(asked) else None


def still_stands(asked: KeyRequest) -> bool:
    """Whether who asked may connect here to this day: a link does no more than the person behind it."""
    members = Membership.objects.filter(organization=asked.organization, user=asked.asked_by)
    return any(member.may(Permission.MANAGE_CONNECTIONS) for member in members)


def try_once(asked: KeyRequest) -> bool:
    """Count a try; False when the link works no longer, also when it was used up in this very moment."""
    with organization_scope(asked.organization_id):
        mine = KeyRequest.objects.owned_by(asked.organization).open(timezone.now()).filter(pk=asked.pk)
        return bool(mine.filter(tries__lt=MOST_TRIES).update(tries=F("tries") + 1))


def use_up(asked: KeyRequest) -> None:
    """The link does what it is for, inside the transaction that stores the key; raises NoLongerOpen.

    The line in the audit log has the address of who used it.
    """
    mine = KeyRequest.objects.owned_by(asked.organization).open(timezone.now()).filter(pk=asked.pk)
    if not mine.update(used_at=timezone.now()):
        raise NoLongerOpen
    audit.note("key_request_used", asked.organization, None, about=asked, provider=asked.provider)


def close(asked: KeyRequest) -> None:
    """The same where the account was connected already, in a transaction of its own; one that is over stays so."""
    with organization_scope(asked.organization_id), suppress(NoLongerOpen):
        use_up(asked)


def again(asked: KeyRequest) -> KeyRequest:
    """As it is now."""
    with organization_scope(asked.organization_id):
        asked.refresh_from_db(fields=["used_at", "revoked_at"])
    return asked


def revoke(asked: KeyRequest, *, by: User) -> None:
    """Take a link back, inside the organization's scope; one that is over stays as it is."""
    mine = KeyRequest.objects.owned_by(asked.organization).open(timezone.now()).filter(pk=asked.pk)
    if mine.update(revoked_at=timezone.now()):
        audit.note("key_request_revoked", asked.organization, by, about=asked)


def digest_of(token: str) -> str:
    return hashlib.sha256(f"key request:{token}".encode()).hexdigest()
