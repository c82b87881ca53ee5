"""Accounts: people, organizations, who belongs where, and what they did."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People and organizations"

    def ready(self) -> None:
        from accounts import factor_events, login_log  # noqa: F401  # their receivers
