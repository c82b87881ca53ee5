"""Doors for workers: the look at budgets that are due."""

from celery import shared_task
from celery.schedules import crontab

from budgets import looking
from tokentra.lib.doorbell import ring

BEATS: tuple[tuple[str, str, float | crontab], ...] = (("look at budgets", "budgets.tasks.look_at_budgets", 15.0),)


@shared_task
def look_at_budgets() -> None:
    if looking.look_due():
        ring(look_at_budgets)
