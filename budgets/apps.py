"""Budgets: what may be spent in a period, what was, and who asks for more."""

from django.apps import AppConfig


class BudgetsConfig(AppConfig):
    name = "budgets"
    verbose_name = "Budgets"
