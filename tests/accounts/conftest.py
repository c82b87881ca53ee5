"""What the tests of accounts share: the two modes of mail, and the code that was mailed."""

import re
from collections.abc import Callable

import pytest

from accounts.mailed import OutboxMail
from accounts.models import JournalEntry, Membership, Organization, User
from tokentra.lib.tenancy import organization_scope, user_scope


@pytest.fixture
def mandatory(settings: pytest.FixtureRequest) -> None:
    """As with a mail server: addresses are verified before anybody is let in."""
    settings.VERIFICATION_IS_MANDATORY = True  # type: ignore[attr-defined]  # pytest-django's settings
    settings.MAIL_IS_CONFIGURED = True  # type: ignore[attr-defined]  # as above


@pytest.fixture
def code_sent_to() -> Callable[[str], str]:
    def code(address: str) -> str:
        mail = OutboxMail.objects.filter(to=address, subject__contains="code is").latest("created_at")
        found = re.search(r"^\d{6}$", mail.text, re.M)
        assert found
        return found.group()

    return code


def home_of(email: str) -> Organization:
    user = User.objects.get(email=email)
    with user_scope(user.pk):
        return Membership.objects.of(user).get().organization


def events_of(organization: Organization) -> list[str]:
    with organization_scope(organization.pk):
        return [entry.event for entry in JournalEntry.objects.owned_by(organization).order_by("at", "id")]
