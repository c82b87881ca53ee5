"""Doors for workers: mail goes out, and what is past its use is removed."""

from celery import shared_task
from celery.schedules import crontab

from accounts import delivery, tidying


@shared_task
def deliver_mail() -> None:
    delivery.deliver_due()


@shared_task
def tidy_accounts() -> None:
    tidying.tidy()


BEATS: tuple[tuple[str, str, float | crontab], ...] = (
    ("deliver mail", "accounts.tasks.deliver_mail", 15.0),
    ("tidy accounts", "accounts.tasks.tidy_accounts", crontab(hour=3, minute=40)),
)
