"""A person deletes their account: what is theirs goes, and what they did stays, without a name."""

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.db import models, transaction

from accounts import closing, letters, team
from accounts.mailed import OutboxMail
from accounts.models import Membership, Organization, User, Visit
from accounts.permissions import Role
from accounts.scim.kept import DirectoryUser, KeptOut
from tokentra.lib.tenancy import organization_scope, user_scope

NOWHERE = "deleted.invalid"
# what says who belongs is not theirs to delete: the directory takes out by it whoever came back with a new account
NOT_THEIRS = (Membership, DirectoryUser, KeptOut)


class StillNeeded(Exception):
    """They are the only owner of `organizations`: each needs another owner first, or is deleted itself."""

    def __init__(self, organizations: list[Organization]) -> None:
        super().__init__("An organization needs at least one owner.")
        self.organizations = organizations


def held_by(user: User) -> list[Organization]:
    """Organizations that nobody else owns. Their sample workspace goes with them."""
    found = []
    for membership in memberships(user):
        if membership.role == Role.OWNER and not membership.organization.is_sample:
            with organization_scope(membership.organization_id, up_to_date=False):
                if not membership.organization.memberships.filter(role=Role.OWNER).exclude(user=user).exists():
                    found.append(membership.organization)
    return found


def forget(user: User) -> None:
    """Raises StillNeeded. Opens scopes of its own; cut off in between, it is done again from its beginning.

    The row of the person stays without anything of theirs, because lines of what happened point at it.
    """
    if needed := held_by(user):
        raise StillNeeded(needed)
    address = user.email
    for membership in memberships(user):
        with organization_scope(membership.organization_id, up_to_date=False):
            if membership.organization.is_sample:
                closing.close(membership.organization)
            else:
                forget_personal(membership.organization, user)
                team.leave(membership)
    with transaction.atomic():
        for session in UserSession.objects.filter(user=user):
            session.end()
        for model in (EmailAddress, SocialAccount, UserSession, *factors()):
            model._default_manager.filter(user=user).delete()
        Visit.objects.filter(user=user).update(user=None)
        OutboxMail.objects.filter(to=address).delete()
        user.email, user.full_name = f"{user.pk.hex}@{NOWHERE}", ""
        user.is_active = user.is_staff = user.is_superuser = user.wants_guidance_mail = False
        user.set_unusable_password()
        user.save()
        letters.write("account_deleted", address, {})


def factors() -> list[type[models.Model]]:
    """Second steps of logging in, and whatever else of allauth's names the person."""
    return [
        relation.related_model
        for relation in User._meta.related_objects
        if relation.related_model._meta.app_label in {"mfa", "socialaccount"} and relation.field.name == "user"
    ]


def forget_personal(organization: Organization, user: User) -> None:
    """Rows that are about this person alone: their way through the questions, what they closed, what they are sent."""
    for model in closing.owned():
        for field in model._meta.fields:
            to = field.remote_field
            if to and to.model is User and to.on_delete is models.CASCADE and model not in NOT_THEIRS:
                model._default_manager.filter(organization=organization, **{field.name: user}).delete()


def memberships(user: User) -> list[Membership]:
    with user_scope(user.pk):
        return list(Membership.objects.of(user))
