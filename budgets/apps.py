"""Budgets: what may be spent in a period, what was, and who asks for more."""

from django.apps import AppConfig

from accounts.zones import zone_changed


class BudgetsConfig(AppConfig):
    name = "budgets"
    verbose_name = "Budgets"

    def ready(self) -> None:
        from budgets import looking

        zone_changed.connect(looking.zone_moved, dispatch_uid="periods of another zone")
