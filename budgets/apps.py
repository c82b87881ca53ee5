"""Budgets: what may be spent in a period, what was, and who asks for more."""

from typing import Any

from django.apps import AppConfig

from accounts.zones import zone_changed


class BudgetsConfig(AppConfig):
    name = "budgets"
    verbose_name = "Budgets"

    def ready(self) -> None:
        from accounts import closing  # models are ready only now
        from budgets import looking

        zone_changed.connect(looking.zone_moved, dispatch_uid="periods of another zone")
        closing.closing.connect(ended, dispatch_uid="secrets of channels")
        closing.counted.connect(told, dispatch_uid="budgets")


def ended(organization: Any, **_: Any) -> None:
    from budgets import closing  # models are ready only now

    closing.end_all(organization)


def told(organization: Any, **_: Any) -> list[tuple[int, str, str]]:
    from budgets import closing  # models are ready only now

    return closing.count(organization)
