"""Doors for workers: people are followed up, and journal lines go out to the operator's own tool."""

from celery import shared_task

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
