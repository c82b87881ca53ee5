"""When somebody last used TokenTra: the mark behind retention and "gone"."""

from datetime import timedelta

from django.utils import timezone

from accounts import presence
from accounts.models import Membership
from tests.conftest import Browser
from tokentra.lib.tenancy import organization_scope


def membership_of(organization, user) -> Membership:
    with organization_scope(organization.pk):
        return Membership.objects.get(organization=organization, user=user)


def leave_for(organization, user, away: timedelta) -> None:
    with organization_scope(organization.pk):
        Membership.objects.filter(user=user).update(active_at=timezone.now() - away)


def test_a_page_brings_the_mark_up_to_date(acme, alice):
    leave_for(acme, alice, timedelta(days=9))

    Browser(alice).get("/settings/profile/")

    assert timezone.now() - membership_of(acme, alice).active_at < timedelta(minutes=1)


def test_the_mark_is_written_once_an_hour(acme, alice):
    leave_for(acme, alice, timedelta(minutes=59))
    now = timezone.now()

    assert not presence.noted(membership_of(acme, alice), now)
    assert presence.noted(membership_of(acme, alice), now + timedelta(minutes=2))
    assert not presence.noted(membership_of(acme, alice), now + timedelta(minutes=30))


def test_a_late_note_does_not_turn_it_back(acme, alice):
    stale = membership_of(acme, alice)
    now = timezone.now()
    presence.noted(membership_of(acme, alice), now + timedelta(days=2))

    presence.noted(stale, now + timedelta(days=1))

    assert membership_of(acme, alice).active_at == now + timedelta(days=2)
