"""Tells a worker to look at a connection."""

from uuid import UUID

from tokentra.lib.doorbell import ring_on_commit


def nudge(organization_id: UUID, connection_id: UUID) -> None:
    """Once the transaction is committed."""
    from providers.tasks import sync_connection  # tasks import the workflows that nudge

    ring_on_commit(sync_connection, organization_id, connection_id)
