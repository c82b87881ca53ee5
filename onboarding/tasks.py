"""Doors for workers: people are followed up, and journal lines go out to the operator's own tool."""

from celery import shared_task
from celery.schedules import crontab

from onboarding import following, forwarding


@shared_task
def follow_up() -> None:
    following.follow_up_due()


@shared_task
def forward_journal() -> None:
    forwarding.forward_due()


@shared_task
def tidy_forwards() -> None:
    forwarding.tidy()


BEATS: tuple[tuple[str, str, float | crontab], ...] = (
    ("follow up", "onboarding.tasks.follow_up", 300.0),
    ("forward journal", "onboarding.tasks.forward_journal", 15.0),
    ("tidy forwards", "onboarding.tasks.tidy_forwards", crontab(hour=3, minute=50)),
)
