"""The connections of an organization with everything that pages and programs show of them."""

from accounts.models import Organization
from providers.connectors import CONNECTORS
from providers.models import Connection, Status
from providers.windows import Marks


def everything(organization: Organization) -> list[Marks]:
    """All connections, those that read first, each group in the order in which they were made."""
    mine = Connection.objects.owned_by(organization).order_by("created_at")
    return sorted(map(marks_of, mine), key=lambda marks: marks.connection.status == Status.DISCONNECTED)


def marks_of(connection: Connection) -> Marks:
    return Marks.of(connection, CONNECTORS[connection.provider])
