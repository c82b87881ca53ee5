"""An organization is deleted: every key of its connections is overwritten at once."""

from accounts.models import Organization
from providers import sealing
from providers.claiming import database_now
from providers.models import Connection, KeyRequest, Status
from providers.pausing import locked, rest


def end_all(organization: Organization) -> None:
    """Inside the organization's scope. A sync under way can write nothing after this transaction."""
    now = database_now()
    KeyRequest.objects.owned_by(organization).delete()
    for each in Connection.objects.owned_by(organization).order_by("pk"):
        held = locked(each)
        sealing.destroy(held, now=now)
        held.status, held.disconnected_at = Status.DISCONNECTED, held.disconnected_at or now
        rest(held)


def count(organization: Organization) -> list[tuple[int, str, str]]:
    return [(Connection.objects.owned_by(organization).count(), "connection", "connections")]
