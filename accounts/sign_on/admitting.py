"""Who comes in by an organization's sign-on.

An identity provider speaks for people of its organization's proved domains, and for that organization alone
(`standing`). Its sessions change nothing of how their person logs in elsewhere.
"""

from typing import Any
from uuid import UUID

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.models import SocialLogin
from django.http import HttpRequest

from accounts import social
from accounts.models import User
from accounts.naming import fold
from accounts.sign_on import coming_back, vouching
from accounts.sign_on.taking_in import join
from accounts.sign_on.unwelcome import Unwelcome


def admit(request: HttpRequest, sociallogin: SocialLogin) -> None:
    """Let somebody in whom their organization vouches for; whoever is new to it becomes a member."""
    organization_id = UUID(hex=sociallogin.account.provider)
    address = fold(next((each.email for each in sociallogin.email_addresses), ""))
    if sociallogin.state.get("process") != "login" or is_of_two(sociallogin.account.extra_data):
        raise social.refusal(request, "This sign-in link has expired", "Begin again from the login page.", status=400)
    try:
        come_in(request, sociallogin, organization_id, address)
    except Unwelcome as reason:
        raise refusal(request, reason) from None


def refusal(request: HttpRequest, reason: Unwelcome) -> ImmediateHttpResponse:
    return social.refusal(request, "You cannot come in this way", str(reason), status=403)


def come_in(request: HttpRequest, sociallogin: SocialLogin, organization_id: UUID, address: str) -> None:
    vouching.check_address(organization_id, address)
    for each in sociallogin.email_addresses:  # the organization owns every mailbox of its domain
        each.verified, each.email = True, address
    sociallogin.user.email = sociallogin.user.email if sociallogin.is_existing else address
    if not sociallogin.is_existing:
        user = User.objects.filter(email=address).first()
        coming_back.check(organization_id, address, user)
        if user is None:
            vouching.check_new(address)
            return  # the sign-up that follows takes them in
        vouching.check_person(user)
        vouching.prove(organization_id, user, address)
        sociallogin.connect(request, user)
    vouching.check_person(sociallogin.user)
    join(organization_id, sociallogin.user, address)


def is_of_two(data: dict[str, Any]) -> bool:
    """The two answers of an OpenID provider have to be about one person; without the signed one nobody is believed."""
    if "userinfo" not in data and "id_token" not in data:
        return False  # SAML
    token = data.get("id_token") or {}
    return not token.get("sub") or token["sub"] != (data.get("userinfo") or token).get("sub")
