"""The doorbell: tells a worker to look at a connection. Nothing depends on its being heard."""

import logging
from functools import partial
from uuid import UUID

from django.db.transaction import on_commit
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def nudge(organization_id: UUID, connection_id: UUID) -> None:
    """Ring once the transaction is committed."""
    on_commit(partial(ring, organization_id, connection_id), robust=True)


def ring(organization_id: UUID, connection_id: UUID) -> None:
    """Ring now. Without Redis nobody hears it, and the sweep finds the mark later."""
    from providers.tasks import sync_connection

    try:
        sync_connection.apply_async((str(organization_id), str(connection_id)), retry=False)
    except OperationalError as away:
        log.warning("the doorbell of connection %s did not ring: %s", connection_id, type(away).__name__)
