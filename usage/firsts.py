"""What happened for the first time on a page: journal lines, and the banner that a person sees once."""

from dataclasses import dataclass

from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Count, Q
from django.db.transaction import atomic

from accounts import journal
from accounts.http import OrgRequest
from accounts.journal import Event
from accounts.models import JournalEntry
from tokentra.lib.outage import unless_full
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
    """Notes each person's first views; looking again writes nothing. The banner is for who saw the first figures."""
    organization = request.organization
    lines = JournalEntry.objects.owned_by(organization).filter(event__in=[*CONNECTING, *SEEN]).values_list("event")
    counted = lines.annotate(ever=Count("id"), mine=Count("id", filter=Q(user=request.user)))
    ever, mine = ({row[0]: row[column] for row in counted} for column in (1, 2))
    is_first = not mine.get(Event.DASHBOARD_FIRST_VIEW)
    brings_data = board.has_data and not mine.get(Event.DASHBOARD_DATA_LOADED)
    if not organization.is_sample and (is_first or brings_data):
        with unless_full(), atomic():
            if is_first:
                journal.record(Event.DASHBOARD_FIRST_VIEW, request.user, organization)
            if brings_data:
                journal.record(Event.DASHBOARD_DATA_LOADED, request.user, organization)
                if not ever.get(Event.DASHBOARD_DATA_LOADED):
                    request.session[READY] = str(organization.pk)
    made, ended = (ever.get(event, 0) for event in CONNECTING)
    return Arrival(made > ended, board.has_data and request.session.get(READY) == str(organization.pk))


def polls(arrival: Arrival, board: Board) -> int:
    """Every how many seconds the page looks for more; 0 when nothing is on its way."""
    if arrival.is_connected and not board.has_data:
        return 3
    return 5 if board.is_filling and not board.organization.is_sample else 0


def close_banner(session: SessionBase) -> None:
    session.pop(READY, None)
