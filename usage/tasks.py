"""Doors for workers: weeks made ahead and forgotten, samples filled, the nightly look at rollups and their rows."""

import logging
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from tokentra.lib.doorbell import ring
from usage import audit, filling, partitions
from usage.measuring import adding_up_tags, catching_up, keeping, rezoning

logger = logging.getLogger(__name__)

SAMPLE = 20  # days of each organization a night


@shared_task
def make_partitions() -> None:
    partitions.make_ahead(timezone.now().date())


@shared_task
def forget_events() -> None:
    """Weeks that nobody keeps go whole; then each organization forgets the days that it alone does not keep."""
    catching_up.add_up_due()
    keeping.drop_weeks(timezone.now().date())
    for organization_id in audit.organizations():
        forget_events_of.delay(str(organization_id))


@shared_task
def forget_events_of(organization_id: str) -> None:
    if keeping.forget_a_day(UUID(organization_id), timezone.now().date()):
        forget_events_of.delay(organization_id)


@shared_task
def fill_samples() -> None:
    if filling.fill_due():
        ring(fill_samples)


@shared_task
def add_up_events() -> None:
    if catching_up.add_up_due():
        ring(add_up_events)


@shared_task
def add_up_tags() -> None:
    if adding_up_tags.add_up_due():
        ring(add_up_tags)


@shared_task
def move_days() -> None:
    if rezoning.move_due():
        ring(move_days)


@shared_task
def audit_rollups() -> None:
    for organization_id in audit.organizations():
        audit_organization.delay(str(organization_id))


@shared_task
def audit_organization(organization_id: str) -> None:
    """What differs is reported and left as it is: `manage.py audit_rollups --fix` makes it anew."""
    for wrong in audit.Audit(UUID(organization_id)).run(sample=SAMPLE):
        logger.error("rollups differ from their rows: %s", wrong)
