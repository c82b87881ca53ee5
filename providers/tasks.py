"""Tasks of providers: one step of a sync, the sweep that finds what is due, the change of the master key, tidying."""

from uuid import UUID

from celery import shared_task

from providers import claiming, rewrapping, sync, tidying
from tokentra.lib.doorbell import ring


@shared_task
def sync_connection(organization_id: str, connection_id: str) -> None:
    organization, connection = UUID(organization_id), UUID(connection_id)
    done = sync.step(organization, connection)
    if done and done.is_more:
        ring(sync_connection, organization, connection)


@shared_task
def sync_due() -> None:
    """Ring for every connection that is due; several rings for one do no harm."""
    for organization, connection in claiming.due():
        ring(sync_connection, organization, connection)


@shared_task
def rewrap_secrets() -> None:
    rewrapping.rewrap_all()


@shared_task
def tidy_readings() -> None:
    tidying.tidy()
