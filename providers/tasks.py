"""Tasks of providers: one step of a sync, the sweep that finds what is due, the change of the master key."""

from typing import Any
from uuid import UUID

from celery import shared_task
from celery.signals import before_task_publish

from providers import claiming, rewrapping, sync
from providers.nudging import ring
from tokentra.lib.masking import mask


@shared_task  # type: ignore[untyped-decorator]  # celery has no types
def sync_connection(organization_id: str, connection_id: str) -> None:
    organization, connection = UUID(organization_id), UUID(connection_id)
    done = sync.step(organization, connection)
    if done and done.is_more:
        ring(organization, connection)


@shared_task  # type: ignore[untyped-decorator]  # celery has no types
def sync_due() -> None:
    """Ring for every connection that is due; several rings for one do no harm."""
    for organization, connection in claiming.due():
        ring(organization, connection)


@shared_task  # type: ignore[untyped-decorator]  # celery has no types
def rewrap_secrets() -> None:
    rewrapping.rewrap_all()


@before_task_publish.connect  # type: ignore[untyped-decorator]  # as above
def refuse_secrets(body: Any = None, **_: object) -> None:
    """A task carries ids. What looks like a key stops here, before it reaches the broker."""
    if mask(repr(body)) != repr(body):
        raise ValueError("a task was given something that looks like a secret")


BEATS: tuple[tuple[str, str, float], ...] = (
    ("sync what is due", "providers.tasks.sync_due", 15.0),
    ("wrap secrets anew", "providers.tasks.rewrap_secrets", 3600.0),
)
