"""A one-time link to a new password, to be handed over where no mail server is: it works for an hour."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from accounts import audit, invitations, letters
from accounts.http import absolute
from accounts.models import Membership, User
from accounts.permissions import Role
from tokentra.lib.tenancy import organization_scope, user_scope


class BelongsElsewhere(Exception):
    """The person belongs to another organization too, or is asked to; whoever hands the link over may not enter it."""


def link_for(user: User) -> str:
    return absolute_link(f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}")


def absolute_link(key: str) -> str:
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
    return absolute(path.replace("UID-KEY", key))


def for_member(member: Membership, *, by: Membership) -> str:
    """A link for a member whose role `by` may give. It is audited, and its person is told by mail.

    Whoever holds the link becomes that person, so it is refused where that opens more than this organization.
    """
    person, organization = member.user, member.organization
    if not by.may_give(Role(member.role)) or person.is_staff or person == by.user:
        raise PermissionDenied("Owners and admins make such links for others, and only an owner for an owner.")
    with user_scope(person.pk):
        elsewhere = Membership.objects.of(person).exclude(organization=organization)
        if elsewhere.filter(organization__is_sample=False).exists():
            raise BelongsElsewhere
    if invitations.all_waiting_for(person):
        raise BelongsElsewhere
    with organization_scope(organization.pk):
        audit.note("reset_link_made", organization, by.user, about=member, email=person.email)
        letters.write("reset_link_made", person.email, {"user": person, "organization": organization, "maker": by.user})
    return link_for(person)
