"""Who comes in by an organization's sign-on.

An identity provider speaks for people of its organization's proved domains, and for that organization alone
(`standing`). Its sessions change nothing of how their person logs in elsewhere.
"""

from typing import Any
from uuid import UUID

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialLogin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts import signup, social
from accounts.models import Membership, User
from accounts.naming import fold
from accounts.sign_on.domains import speaks_for
from accounts.sign_on.taking_in import join
from tokentra.lib.tenancy import organization_scope


def admit(request: HttpRequest, sociallogin: SocialLogin) -> None:
    """Let somebody in whom their organization vouches for; whoever is new to it becomes a member."""
    organization_id = UUID(hex=sociallogin.account.provider)
    address = fold(next((each.email for each in sociallogin.email_addresses), ""))
    if sociallogin.state.get("process") != "login" or is_of_two(sociallogin.account.extra_data):
        raise social.refusal(request, "This sign-in link has expired", "Begin again from the login page.", status=400)
    if not address or not speaks_for(organization_id, address):
        sentence = "Its identity provider may not speak for your address. Ask an owner or admin of the organization."
        raise social.refusal(request, "You cannot come in this way", sentence, status=403)
    for each in sociallogin.email_addresses:  # the organization owns every mailbox of its domain
        each.verified, each.email = True, address
    sociallogin.user.email = sociallogin.user.email if sociallogin.is_existing else address
    if not sociallogin.is_existing:
        user = User.objects.filter(email=address).first()
        if user is None:
            refuse_unwanted(request, address)
            return  # the sign-up that follows takes them in
        refuse_staff(request, user)
        if not belongs(organization_id, user):  # a member was asked in, and keeps what they log in by
            signup.proved_elsewhere(user, address)
        EmailAddress.objects.filter(user=user, email=address).update(verified=True)
        sociallogin.connect(request, user)
    refuse_staff(request, sociallogin.user)
    join(organization_id, sociallogin.user)


def refuse_staff(request: HttpRequest, user: User) -> None:
    if user.is_staff or user.is_superuser:
        sentence = "People who run this installation log in by themselves."
        raise social.refusal(request, "You cannot come in this way", sentence, status=403)


def refuse_unwanted(request: HttpRequest, address: str) -> None:
    """What no address of a new person may be here."""
    try:
        get_account_adapter(request).clean_email(address)
    except ValidationError as refused:
        raise social.refusal(request, "You cannot come in this way", refused.messages[0], status=403) from None


def belongs(organization_id: UUID, user: User) -> bool:
    with organization_scope(organization_id):
        return Membership.objects.filter(organization_id=organization_id, user=user).exists()


def is_of_two(data: dict[str, Any]) -> bool:
    """The two answers of an OpenID provider have to be about one person; without the signed one nobody is believed."""
    if "userinfo" not in data and "id_token" not in data:
        return False  # SAML
    token = data.get("id_token") or {}
    return not token.get("sub") or token["sub"] != (data.get("userinfo") or token).get("sub")
