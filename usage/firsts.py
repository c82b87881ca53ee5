"""What happened for the first time on a page: journal lines, and the banner that a person sees once."""

from dataclasses import dataclass

from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Count

from accounts import journal
from accounts.http import OrgRequest
from accounts.journal import Event
from accounts.models import JournalEntry
from usage.dashboard import Board

READY = "data_ready_for"
CONNECTING = (Event.PROVIDER_CONNECTION_COMPLETED, Event.PROVIDER_DISCONNECTED)
SEEN = (Event.DASHBOARD_FIRST_VIEW, Event.DASHBOARD_DATA_LOADED)


@dataclass(frozen=True)
class Arrival:
    """How far this organization has come, as its dashboard needs to know."""

    is_connected: bool
    is_data_ready: bool  # figures came since this person last looked, and they have not closed the banner


def arrive(request: OrgRequest, board: Board) -> Arrival:
    """Notes first views once for the organization; looking again writes nothing."""
    organization = request.organization
    lines = JournalEntry.objects.owned_by(organization).filter(event__in=[*CONNECTING, *SEEN])
    counts = dict(lines.values_list("event").annotate(Count("id")))
    if not organization.is_sample:
        if Event.DASHBOARD_FIRST_VIEW not in counts:
            journal.record(Event.DASHBOARD_FIRST_VIEW, request.user, organization)
        if board.has_data and Event.DASHBOARD_DATA_LOADED not in counts:
            journal.record(Event.DASHBOARD_DATA_LOADED, request.user, organization)
            request.session[READY] = str(organization.pk)
    made, ended = (counts.get(event, 0) for event in CONNECTING)
    return Arrival(made > ended, board.has_data and request.session.get(READY) == str(organization.pk))


def close_banner(session: SessionBase) -> None:
    session.pop(READY, None)
