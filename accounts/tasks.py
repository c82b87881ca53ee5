"""Doors for workers: mail goes out, and what is past its use is removed."""

from celery import shared_task

from accounts import closing, delivery, factor_keeping, tidying
from accounts.sign_on import looking_again, setting_up
from tokentra.lib.doorbell import ring


@shared_task
def deliver_mail() -> None:
    delivery.deliver_due()


@shared_task
def tidy_accounts() -> None:
    tidying.tidy()


@shared_task
def rewrap_second_factors() -> None:
    factor_keeping.rewrap_all()


@shared_task
def close_organizations() -> None:
    if closing.go_on():
        ring(close_organizations)


@shared_task
def rewrap_sign_ons() -> None:
    setting_up.rewrap_all()


@shared_task
def look_at_domains() -> None:
    if looking_again.go_on():
        ring(look_at_domains)
