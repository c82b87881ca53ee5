"""Doors for workers: looks at budgets that are due and at what is worth telling, reservations, and deliveries."""

from celery import shared_task

from budgets import looking, sweeping
from budgets.alerting import looking as alerting
from budgets.alerting import tidying
from budgets.channels import sealing, sending, settling
from tokentra.lib.doorbell import ring


@shared_task
def look_at_budgets() -> None:
    if looking.look_due():
        ring(look_at_budgets)


@shared_task
def sweep_reservations() -> None:
    if sweeping.sweep_due():
        ring(sweep_reservations)


@shared_task
def tidy_rooms() -> None:
    sweeping.tidy()


@shared_task
def look_for_alerts() -> None:
    if alerting.look_due():
        ring(look_for_alerts)


@shared_task
def deliver_alerts() -> None:
    sending.deliver_due()
    settling.settle()


@shared_task
def watch_organizations() -> None:
    alerting.watch_all()


@shared_task
def rewrap_channel_secrets() -> None:
    sealing.rewrap_all()


@shared_task
def tidy_alerts() -> None:
    tidying.tidy()
