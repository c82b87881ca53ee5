"""First occurrences: kept beside the journal, so that nobody has to search it for them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Min

from accounts.models import JournalEntry, Milestone, Organization, User
from tokentra.lib.ids import uuid7

# two rows at most, the organization's and the person's; the constraint decides which of them are new
REACH = """
    INSERT INTO accounts_milestone (id, organization_id, event, user_id, at)
    SELECT v.id, %(organization)s, %(event)s, v.user_id, %(at)s
    FROM (VALUES (%(first)s::uuid, NULL::uuid), (%(second)s::uuid, %(user)s::uuid)) AS v (id, user_id)
    WHERE v.user_id IS NOT NULL OR v.id = %(first)s
    ON CONFLICT DO NOTHING
    RETURNING user_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class First:
    """For whom an occurrence was the first of its kind."""

    here: bool  # for the organization, whoever did it
    of_person: bool

    def __bool__(self) -> bool:
        return self.here or self.of_person


def reach(event: str, user: User | None, organization: Organization, *, at: datetime) -> First:
    """Note an occurrence, inside the organization's scope. Of two at once, the database lets one be the first."""
    ids: dict[str, Any] = {"first": uuid7(), "second": uuid7()}
    with connection.cursor() as cursor:
        cursor.execute(
            REACH, ids | {"organization": organization.pk, "event": event, "at": at, "user": user and user.pk}
        )
        made = {is_here for (is_here,) in cursor.fetchall()}
    return First(here=True in made, of_person=False in made)


def is_reached(event: str, user: User | None, organization: Organization) -> bool:
    """Whether it happened to this person here; without a person, whether it ever happened here."""
    return Milestone.objects.owned_by(organization).filter(event=event, user=user).exists()


def reached(organization: Organization) -> dict[str, datetime]:
    """Everything that became true here, by anybody, with its first time; one query."""
    rows = Milestone.objects.owned_by(organization).filter(user=None)
    return dict(rows.values_list("event", "at"))


def rebuild(organization: Organization) -> int:
    """Derive an organization's milestones from its journal again, inside its scope; answers how many there are."""
    lines = JournalEntry.objects.owned_by(organization)
    firsts = [(event, None, at) for event, at in lines.values_list("event").annotate(Min("at"))]
    people = lines.exclude(user=None).values_list("event", "user_id")
    firsts += [(event, user_id, at) for event, user_id, at in people.annotate(Min("at"))]
    Milestone.objects.owned_by(organization).delete()
    made = [Milestone(organization=organization, event=event, user_id=user_id, at=at) for event, user_id, at in firsts]
    return len(Milestone.objects.bulk_create(made))
