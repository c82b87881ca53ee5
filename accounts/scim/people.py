"""People whom a directory tells of: taken in, changed and taken out, for proved domains alone.

Everything here runs inside the organization's scope. A directory decides who belongs to its organization. What
somebody is elsewhere, how they log in there and who owns the organization are not its to decide.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q
from django.utils import timezone

from accounts import audit, credentials, letters, team
from accounts.http import caller
from accounts.models import Membership, Organization, User
from accounts.naming import clean_name, fold
from accounts.permissions import Role
from accounts.scim import roles
from accounts.scim.kept import DirectoryUser
from accounts.scim.refusals import Fixed, Forbidden, Taken, Wrong
from accounts.sign_on import coming_back, domains, vouching
from accounts.sign_on.unwelcome import Unwelcome
from tokentra.lib.tenancy import user_scope

MOST = 20_000  # people of one directory
LONGEST, LARGEST = 254, 8_000  # characters of what is looked for, and of all that is kept of somebody
OWNER = "This person owns the organization. Another owner gives them a smaller role first, on the team page."


@dataclass(frozen=True, slots=True)
class Told:
    """A person as the directory describes them; `resource` is what it wrote, of what is kept."""

    user_name: str
    external_id: str
    emails: list[str]  # the primary one first
    name: str
    is_active: bool | None
    resource: dict[str, Any]

    @property
    def name_key(self) -> str:
        return fold(self.user_name)

    @property
    def addresses(self) -> list[str]:
        return [fold(each) for each in self.emails]

    @property
    def address(self) -> str:
        """Where their mail goes: what they are known by here, and by the sign-on."""
        return self.addresses[0] if self.emails else self.name_key


def create(organization: Organization, told: Told) -> DirectoryUser:
    """Takes a member of the organization, or a person of its domains who may be new to us, into the directory."""
    organization.lock()
    ours = DirectoryUser.objects.owned_by(organization)
    if ours.count() >= MOST:
        raise Forbidden(f"{MOST:,} people are the most of one directory.")
    check_words(told)
    if ours.filter(name_key=told.name_key).exists():
        raise Taken("A user of this directory has this userName.")
    user = person_of(organization, told)
    if ours.filter(user=user).exists():
        raise Taken("A user of this directory has this address.")
    now = timezone.now()
    row = DirectoryUser.objects.create(
        organization=organization,
        user=user,
        name_key=told.name_key,
        external_id=told.external_id,
        addresses=told.addresses,
        told=told.resource,
        created_at=now,
        changed_at=now,
    )
    audit.note("directory_user_added", organization, None, about=row, email=user.email)
    if told.is_active is False:
        take_out(organization, row)
    else:
        take_in(organization, row)
    return row


def change(organization: Organization, row: DirectoryUser, told: Told) -> None:
    """Raises for what may not be changed from there; then nothing was."""
    organization.lock()
    check_words(told)
    others = DirectoryUser.objects.owned_by(organization).exclude(pk=row.pk)
    if others.filter(name_key=told.name_key).exists():
        raise Taken("A user of this directory has this userName.")
    changed = sorted(name for name in {*row.told, *told.resource} if row.told.get(name) != told.resource.get(name))
    changed += ["externalId"] if row.external_id != told.external_id else []
    is_member = organization.memberships.filter(user=row.user).exists()
    if told.is_active is False:  # whatever else cannot be done
        # of somebody who left by themselves it is said with each change, and is an act of its own where it comes alone
        if is_member or not changed or coming_back.is_kept_out(organization, row.user):
            take_out(organization, row, told.name_key, *told.addresses)
    elif told.is_active and not is_member:
        find_again(organization, row, told)
    elif told.address != address_of(row):
        move(organization, row.user, told.address)
    if changed:
        write(organization, row, told, changed)
    if told.is_active:
        take_in(organization, row)


def write(organization: Organization, row: DirectoryUser, told: Told, changed: list[str]) -> None:
    if told.name and is_governed(organization, row.user):
        User.objects.filter(pk=row.user_id).update(full_name=told.name)
    row.name_key, row.external_id, row.addresses = told.name_key, told.external_id, told.addresses
    row.told, row.changed_at = told.resource, timezone.now()
    row.save(update_fields=["name_key", "external_id", "addresses", "told", "changed_at"])
    audit.note("directory_user_changed", organization, None, about=row, email=address_of(row), fields=changed)


def remove(organization: Organization, row: DirectoryUser) -> None:
    """They belong no longer, and the directory knows nothing of them any more."""
    organization.lock()
    take_out(organization, row)
    audit.note("directory_user_removed", organization, None, about=row, email=address_of(row))
    row.delete()


def take_in(organization: Organization, row: DirectoryUser) -> None:
    """Active people are members."""
    user = row.user
    if organization.memberships.filter(user=user).exists():
        return
    with welcome():
        vouching.check_address(organization.pk, address_of(row))
        vouching.check_person(user)
    role = roles.default_role(organization)
    now = timezone.now()
    made = Membership.objects.create(
        organization=organization,
        user=user,
        role=role,
        is_invitee=True,
        look_at=None,  # nobody is stuck who has not come yet
    )
    User.objects.filter(pk=user.pk).update(joined_at=now)
    coming_back.let_in(organization, user, *known_by(organization, row))
    audit.note("joined_by_directory", organization, None, about=made, email=user.email, role=role)
    roles.settle(organization, [row.pk])


def take_out(organization: Organization, row: DirectoryUser, *more: str) -> None:
    """Whoever is not active comes back when the directory says so, and not by sign-on.

    So do other accounts that came by an address of theirs; `more` are addresses that the directory tells now.
    """
    names = known_by(organization, row, *more)
    theirs = Q(user=row.user) | Q(user__email__in=names)
    members = list(organization.memberships.filter(theirs).select_related("user", "organization"))
    owners = [each for each in members if each.role == Role.OWNER]
    if any(each.user_id == row.user_id for each in owners):
        raise Forbidden(OWNER)
    names -= {each.user.email for each in owners}
    before = coming_back.entries_of(organization, row.user)
    by_directory = bool(members) or not before or any(each.by_directory for each in before)
    for each in members:
        if each not in owners:
            team.take_out(each, by=None)
    if by_directory:  # whom an owner removed, an owner may ask in again
        organization.invitations.unanswered().filter(email__in=names).update(revoked_at=timezone.now())
    holders = {each.user.email: each.user for each in members}
    for address in names:
        coming_back.keep_out(organization, holders.get(address, row.user), address=address, by_directory=by_directory)


def known_by(organization: Organization, row: DirectoryUser, *more: str) -> set[str]:
    """The login address, and those that the directory tells and the sign-on may vouch for.

    Without those of other users of the directory, whose own rows decide.
    """
    told = {row.name_key, *row.addresses, *more}
    others = DirectoryUser.objects.owned_by(organization).exclude(pk=row.pk).filter(user__email__in=told)
    told -= set(others.values_list("user__email", flat=True))
    places = {each.rpartition("@")[2] for each in told}
    ours = {place for place in places if domains.organization_of(f"@{place}") == organization.pk}
    return {each for each in told if each.rpartition("@")[2] in ours} | {row.user.email}


def find_again(organization: Organization, row: DirectoryUser, told: Told) -> None:
    """Somebody comes back whose account was deleted or has another login address by now.

    Where it is the organization's it follows the directory; else they begin with one of the address that is told.
    """
    if row.user.is_active and fold(row.user.email) == told.address:
        return
    if row.user.is_active and is_governed(organization, row.user):
        move(organization, row.user, told.address)
        return
    user = person_of(organization, told)
    if DirectoryUser.objects.owned_by(organization).exclude(pk=row.pk).filter(user=user).exists():
        raise Taken("A user of this directory has this address.")
    row.user = user
    row.save(update_fields=["user"])


def person_of(organization: Organization, told: Told) -> User:
    """Somebody whom we know by this address, or a new person without a password."""
    with welcome():
        vouching.check_address(organization.pk, told.address)
        known = User.objects.filter(email=told.address).first()
        if known:
            vouching.check_person(known)
            vouching.prove(organization.pk, known, told.address)
            if coming_back.is_kept_out(organization, known) and is_governed(organization, known):
                credentials.end(known)  # who left had them; the address may be another person's by now
                User.objects.filter(pk=known.pk).update(full_name=told.name)
            return known
        vouching.check_new(told.address)
    user = User.objects.create_user(told.address, full_name=told.name)
    EmailAddress.objects.create(user=user, email=told.address, verified=True, primary=True)
    return user


def move(organization: Organization, user: User, address: str) -> None:
    """Their mail goes elsewhere now: another login address, of somebody who is this organization's alone."""
    with welcome():
        vouching.check_address(organization.pk, address)
        vouching.check_new(address)
    if not is_governed(organization, user):
        raise Fixed("This person's login address is their own to change.")
    taken = User.objects.filter(email=address).exclude(pk=user.pk).exists()
    if taken or EmailAddress.objects.filter(email=address, verified=True).exclude(user=user).exists():
        raise Taken("Another account has this address.")
    before, user.email = user.email, address
    user.save(update_fields=["email"])
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=address, verified=True, primary=True)
    for session in UserSession.objects.filter(user=user):  # as the letter says
        session.end()
    audit.note("directory_address_changed", organization, None, email=address, before=before, after=address)
    ip, user_agent = caller()
    context = {"from_email": before, "to_email": address, "timestamp": timezone.now(), "ip": ip}
    letters.write("email_changed", before, context | {"user_agent": user_agent})


def is_governed(organization: Organization, user: User) -> bool:
    """Whether an account is this organization's to rename: all its addresses are of its domains, nobody else knows
    it, and it owns nothing here.
    """
    if user.is_staff or user.is_superuser:
        return False
    with user_scope(user.pk):
        memberships = list(Membership.objects.of(user))
    if any(m.organization_id != organization.pk and not m.organization.is_sample for m in memberships):
        return False
    if any(m.organization_id == organization.pk and m.role == Role.OWNER for m in memberships):
        return False
    proved = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    return all(domains.speaks_for(organization.pk, fold(each)) for each in {user.email, *proved})


def address_of(row: DirectoryUser) -> str:
    return row.addresses[0] if row.addresses else row.name_key


def check_words(told: Told) -> None:
    if not told.user_name.strip():
        raise Wrong("userName is empty.")
    if max(map(len, (told.name_key, told.external_id, *told.addresses))) > LONGEST:
        raise Wrong(f"userName, externalId and emails have {LONGEST} characters at most.")
    if len(json.dumps(told.resource)) > LARGEST:
        raise Wrong("The names and emails of this user are too long.")
    for each in {*told.addresses, told.address}:
        try:
            validate_email(each)
        except ValidationError:
            raise Wrong("Send an email address in emails, or as the userName.") from None


def clean(name: str) -> str:
    """What a directory calls somebody is no reason to turn them away."""
    try:
        return clean_name(name, longest=150)
    except ValidationError:
        return ""


@contextmanager
def welcome() -> Iterator[None]:
    try:
        yield
    except Unwelcome as reason:
        raise Forbidden(str(reason)) from None
