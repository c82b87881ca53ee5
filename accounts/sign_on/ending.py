"""Ends the sessions that an identity provider vouched for, once it may do so no longer."""

from allauth.socialaccount.models import SocialAccount

from accounts import team
from accounts.models import Organization


def end_vouched(organization: Organization, *, domain: str = "") -> None:
    """Of everybody who came by it, or of those with an address of one domain; sessions elsewhere go on."""
    for account in SocialAccount.objects.filter(provider=organization.pk.hex).select_related("user"):
        if not domain or account.user.email.endswith(f"@{domain}"):
            team.end_sessions(organization, account.user)
