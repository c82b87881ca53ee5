"""Doors for workers: weeks made ahead, samples filled, and the nightly look at whether rollups equal their rows."""

import logging
from uuid import UUID

from celery import shared_task
from celery.schedules import crontab
from django.utils import timezone

from tokentra.lib.doorbell import ring
from usage import audit, filling, partitions

logger = logging.getLogger(__name__)

SAMPLE = 20  # days of each organization a night

BEATS: tuple[tuple[str, str, float | crontab], ...] = (
    ("fill samples", "usage.tasks.fill_samples", 15.0),
    ("make partitions", "usage.tasks.make_partitions", crontab(hour=0, minute=20)),
    ("audit rollups", "usage.tasks.audit_rollups", crontab(hour=3, minute=40)),
)


@shared_task
def make_partitions() -> None:
    partitions.make_ahead(timezone.now().date())


@shared_task
def fill_samples() -> None:
    if filling.fill_due():
        ring(fill_samples)


@shared_task
def audit_rollups() -> None:
    for organization_id in audit.organizations():
        audit_organization.delay(str(organization_id))


@shared_task
def audit_organization(organization_id: str) -> None:
    """What differs is reported and left as it is: `manage.py audit_rollups --fix` makes it anew."""
    for wrong in audit.Audit(UUID(organization_id)).run(sample=SAMPLE):
        logger.error("rollups differ from their rows: %s", wrong)
