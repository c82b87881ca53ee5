"""Onboarding: from the first visit to the first value, and what guides people on the way."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_save


class OnboardingConfig(AppConfig):
    name = "onboarding"
    verbose_name = "Onboarding"

    def ready(self) -> None:
        from onboarding import nudges  # models are ready only now
        from onboarding.guidance import noticing

        post_save.connect(line_written, sender="accounts.JournalEntry", dispatch_uid="forward journal lines")
        noticing.listen()
        nudges.listen()


def line_written(instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    from onboarding import forwarding  # models are ready only now

    if created and not raw:
        forwarding.keep(instance)
