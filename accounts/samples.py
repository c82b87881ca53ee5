"""Sample workspaces: an organization of one's own, filled with generated data, never mixed with real data."""

from django.db import IntegrityError

from accounts import audit, journal
from accounts.journal import Event
from accounts.models import Membership, Organization, User
from accounts.permissions import Role
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope, user_scope

NAME = "Sample workspace"


def enter_sample(user: User) -> Organization:
    """This person's sample organization, made when there is none. The caller fills it and switches to it."""
    organization = made_for(user)
    with organization_scope(organization.pk):
        journal.record(Event.SAMPLE_ENTERED, user, organization)
    return organization


def made_for(user: User) -> Organization:
    """One for each person, however many of their tabs ask at once."""
    if organization := sample_of(user):
        return organization
    try:
        return create(user)
    except IntegrityError:  # another tab was faster
        if organization := sample_of(user):
            return organization
        raise


def sample_of(user: User) -> Organization | None:
    with user_scope(user.pk):
        return Organization.objects.filter(slug=slug_of(user), is_sample=True).first()


def create(user: User) -> Organization:
    pk = uuid7()
    with organization_scope(pk):
        organization = Organization.objects.create(id=pk, name=NAME, slug=slug_of(user), is_sample=True)
        Membership.objects.create(organization=organization, user=user, role=Role.OWNER)
    return organization


def slug_of(user: User) -> str:
    """Slugs are unique, and so is therefore a person's sample."""
    return f"sample-{user.pk.hex}"


def leave(user: User) -> Organization | None:
    """Note that this person went back; returns the organization to act for, None when they have no other."""
    if sample := sample_of(user):
        with organization_scope(sample.pk):
            journal.record(Event.SAMPLE_LEFT, user, sample)
    with user_scope(user.pk):
        membership = Membership.objects.of(user).filter(organization__is_sample=False).first()
        return membership.organization if membership else None


def remove(user: User) -> bool:
    """Delete this person's sample organization with everything in it; False when there is none."""
    sample = sample_of(user)
    if sample is None:
        return False
    with organization_scope(sample.pk):
        held = Organization.objects.select_for_update().filter(pk=sample.pk)  # waits for whoever writes in it
        if sample := held.first():
            sample.delete()
    home = leave(user)
    if home:
        with organization_scope(home.pk):
            audit.note("sample_removed", home, user)
    return True
