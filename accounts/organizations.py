"""Organizations of a person: making another one, changing what it is called, acting for one of them."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils import timezone

from accounts import audit, journal
from accounts.journal import Event
from accounts.middleware import act_for
from accounts.models import JournalEntry, Membership, Organization, User
from accounts.naming import organization_name
from accounts.pacing import DAY, HOUR, Pace, TooMany, in_words, longest_wait
from accounts.signup import found
from accounts.zones import zone_changed
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope, user_scope

# an agency sets up all its clients in a few days; more at once is somebody else's program
PACES = (Pace(20, HOUR), Pace(50, DAY))


def memberships(user: User) -> list[Membership]:
    """Where this person belongs, sample workspaces last."""
    with user_scope(user.pk):
        return list(Membership.objects.of(user))


def create(name: str, *, by: User, **fields: str) -> Organization:
    """Make another organization, owned by this person: an agency makes one for each client. Raises TooMany."""
    organization_id = uuid7()
    with organization_scope(organization_id):
        by.lock()
        keep_pace(by, timezone.now())
        organization = found(organization_id, name, owner=by, **fields)
        User.objects.filter(pk=by.pk).update(joined_at=timezone.now())  # links of others to a new password end
        journal.record(Event.ORGANIZATION_CREATED, by, organization)
        audit.note("organization_created", organization, by, about=organization)
    return organization


def keep_pace(by: User, now: datetime) -> None:
    """Raises TooMany for somebody who made as many as one person makes; those they were asked into do not count."""
    with user_scope(by.pk):
        made = Membership.objects.filter(user=by, is_invitee=False).order_by("-created_at")
        times = list(made.values_list("created_at", flat=True)[: max(pace.most for pace in PACES)])
    if full := longest_wait(times, PACES, now):
        pace, wait = full
        sentence = f"{pace.in_words} is the most that one person creates. Create the next one {in_words(wait)}."
        raise TooMany(sentence, pace, wait)


def enter(request: HttpRequest, user: User, organization_id: UUID) -> None:
    """Act for that organization from now on; 404 for one the person does not belong to."""
    if not any(membership.organization_id == organization_id for membership in memberships(user)):
        raise Http404
    act_for(request, organization_id)


def is_named_by_address(organization: Organization, person: User) -> bool:
    """Whether it is still called what their sign-up took from their address; inside its scope."""
    if organization.name != organization_name(person.email):
        return False
    lines = JournalEntry.objects.owned_by(organization).filter(event=Event.SIGNUP_COMPLETED.value, user=person)
    return any(line.data.get("method") != "command" and not line.data.get("named") for line in lines)


def changed(organization: Organization, fields: Iterable[str], *, by: User) -> None:
    """Store what its settings form changed, inside its scope; a field that was sent as it stood is not a change."""
    fields = set(fields)
    before = Organization.objects.values(*fields).get(pk=organization.pk) if fields else {}
    differing = sorted(field for field in fields if getattr(organization, field) != before[field])
    if differing:
        organization.save(update_fields=differing)
        if "timezone" in differing:
            zone_changed.send(sender=Organization, organization=organization, former=before["timezone"])
        was = {field: before[field] for field in differing}
        now = {field: getattr(organization, field) for field in differing}
        audit.note("organization_changed", organization, by, about=organization, before=was, after=now)
