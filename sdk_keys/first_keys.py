"""The keys that come with a set-up: of a sign-up by JSON, and of `manage.py bootstrap`."""

import os
from datetime import datetime
from pathlib import Path

from django.utils import timezone

from accounts.models import Membership, Organization, User
from accounts.permissions import Permission, Role, Scope
from sdk_keys import issuing, resolving
from sdk_keys.models import ApiKey, Environment
from tokentra.lib.api_keys import is_key
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope, user_scope


class NotOurs(Exception):
    """Something else stands in the file where a key should go."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} holds something that is no API key. Move it away, or name another file.")


def for_new_person(user: User) -> str | None:
    """One key to send events with, for somebody who signed up by JSON; nothing where they have made one before."""
    with user_scope(user.pk):
        memberships = [each for each in Membership.objects.of(user) if may_enter(each)]
    for member in memberships[:1]:
        with organization_scope(member.organization_id):
            member.organization.lock()
            may = member.may(Permission.MANAGE_OWN_KEYS)
            if may and not ApiKey.objects.owned_by(member.organization).made_by(user).exists():
                return issuing.make(member, name="First key", scopes=[Scope.INGEST], environment=Environment.LIVE).clear
    return None


def may_enter(member: Membership) -> bool:
    """Whoever signs up by JSON came by no sign-on."""
    organization = member.organization
    return not organization.is_sample and (not organization.sign_on_required or member.role == Role.OWNER)


def written_to(path: Path, organization: Organization, *, by: User) -> bool:
    """Put a key with every scope into a file that its owner alone reads; False when one that works is there.

    The file is written before the key is committed: a file without a living key is replaced by the next run,
    while a key without its file would be lost. Raises NotOurs rather than write over something else.
    """
    kept = path.read_text().strip() if path.exists() else ""
    if kept and not is_key(kept):
        raise NotOurs(path)
    if kept and works(kept, organization, now=timezone.now()):
        path.chmod(0o600)
        return False
    with organization_scope(organization.pk):
        made = issuing.issue(organization, name="Bootstrap", scopes=list(Scope), environment=Environment.LIVE, by=by)
        written(path, made.clear)
    return True


def works(key: str, organization: Organization, *, now: datetime) -> bool:
    try:
        return resolving.resolve(key, now=now).organization_id == organization.pk
    except Problem:
        return False


def written(path: Path, key: str) -> None:
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{key}\n")
    beside.replace(path)
