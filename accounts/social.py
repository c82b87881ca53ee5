"""Sign-in through Google, GitHub or Microsoft: who is let in, and what those are told who are not."""

from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect, render

from accounts import signup
from accounts.models import User


def admit(request: HttpRequest, sociallogin: SocialLogin) -> None:
    """Let somebody in whom we know by this service, or a new person whose address nobody here uses.

    An address that has an account is never joined to it: whoever registered it first may be somebody else.
    An account that nobody proved or ever logged in to gives way to the person whose service vouches for them.
    One address is kept, and one that the service does not vouch for only where there is no other; it waits for its
    code. So whoever names an address learns nothing of it and keeps nobody else from it.
    """
    if sociallogin.is_existing or request.user.is_authenticated:
        return
    keep_one(sociallogin)
    for address in sociallogin.email_addresses:
        if settings.VERIFICATION_IS_MANDATORY and not address.verified:
            continue
        for user in User.objects.filter(email__iexact=address.email):
            if address.verified and is_abandoned(user):
                signup.abandon(user)
                continue
            service = provider(sociallogin)
            sentence = f"There is an account with {address.email}. Log in first, then connect {service}."
            raise refusal(request, "Log in first", sentence)


def keep_one(sociallogin: SocialLogin) -> None:
    proved = [each for each in sociallogin.email_addresses if each.verified]
    sociallogin.email_addresses = (proved or sociallogin.email_addresses)[:1]
    for address in sociallogin.email_addresses:
        sociallogin.user.email = address.email


def is_abandoned(user: User) -> bool:
    return user.last_login is None and not EmailAddress.objects.filter(user=user, verified=True).exists()


def provider(sociallogin: SocialLogin) -> str:
    name: str = sociallogin.account.get_provider().name
    return name


def failed(request: HttpRequest, *, cancelled: bool) -> None:
    """The other service sent somebody back without an answer that we asked for."""
    if cancelled:
        messages.info(request, "You cancelled the sign-in.")
        raise ImmediateHttpResponse(redirect("account_login"))
    raise refusal(request, "This sign-in link has expired", "Begin again from the login page.", status=400)


def refusal(request: HttpRequest, title: str, sentence: str, *, status: int = 409) -> ImmediateHttpResponse:
    context = {"refusal": title, "sentence": sentence}
    return ImmediateHttpResponse(render(request, "account/refused.html", context, status=status))
