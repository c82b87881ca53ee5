"""A founder on the way in, and what the database holds of it."""

import pytest

from accounts.models import JournalEntry, Organization, User
from onboarding.models import CompanyAnswers, Journey
from tests.conftest import Browser
from tokentra.lib.tenancy import organization_scope


@pytest.fixture
def alices(acme: Organization, alice: User) -> Browser:
    return Browser(alice)


def journey_of(organization: Organization, user: User) -> Journey:
    with organization_scope(organization.pk):
        return Journey.objects.get(organization=organization, user=user)


def company_of(organization: Organization) -> CompanyAnswers:
    with organization_scope(organization.pk):
        return CompanyAnswers.objects.get(organization=organization)


def lines(organization: Organization) -> list[str]:
    with organization_scope(organization.pk):
        said = JournalEntry.objects.owned_by(organization).exclude(event__regex="^(checklist|feature)_")
        said = said.order_by("at", "id")
        return [f"{each.event} {each.data.get('step', '')}".strip() for each in said]


def name_of(organization: Organization) -> str:
    with organization_scope(organization.pk):
        return Organization.objects.get(pk=organization.pk).name
