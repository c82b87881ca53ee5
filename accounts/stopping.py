"""Letters with the next step end by one click on the link in each of them, without a login, and may begin again."""

from uuid import UUID

from allauth.account.utils import has_verified_email
from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils import timezone

from accounts import outbox
from accounts.models import Membership, User
from tokentra.lib.tenancy import organization_scope, user_scope

SALT = "accounts.stopping"  # a signature made for another purpose stops no letters


def url_for(user: User) -> str:
    """The address where this person's letters stop. It names nobody in words and holds as long as the person does."""
    return settings.SITE_URL + reverse("accounts:letters", args=[_signer().sign(user.pk.hex)])


def holder(token: str) -> User | None:
    """Whose letters a link stops; None for one that we did not sign, or whose person is gone."""
    try:
        pk = UUID(_signer().unsign(token))
    except (BadSignature, ValueError):
        return None
    return User.objects.filter(pk=pk, is_active=True).first()


def is_reachable(user: User) -> bool:
    """Whether their mailbox is known to be theirs, and they may still come in."""
    return user.is_active and bool(has_verified_email(user, user.email))


def takes_guidance(user: User) -> bool:
    return user.wants_guidance_mail and is_reachable(user)


def stop(user: User) -> None:
    """No more letters with the next step, those that wait for a mail server included."""
    _set(user, wants=False)
    outbox.withdraw(user.email, "The person has switched these letters off.")


def begin_again(user: User) -> None:
    """What was taken back is not sent; it is written anew where it is still due."""
    _set(user, wants=True)
    with user_scope(user.pk):
        memberships = list(Membership.objects.of(user))
    for membership in memberships:
        with organization_scope(membership.organization_id):
            membership.look_soon(timezone.now())


def _set(user: User, *, wants: bool) -> None:
    user.wants_guidance_mail = wants
    user.save(update_fields=["wants_guidance_mail"])


def _signer() -> Signer:
    return Signer(salt=SALT, sep=".")
