"""Connections to providers: their credentials, their sync, their pages."""

from typing import Any

from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "providers"

    def ready(self) -> None:
        from accounts import closing
        from providers.troubles import of_connections  # models are ready only now
        from usage import troubles

        troubles.register(of_connections)
        closing.closing.connect(ended, dispatch_uid="keys of connections")
        closing.counted.connect(told, dispatch_uid="connections")


def ended(organization: Any, **_: Any) -> None:
    from providers import closing  # models are ready only now

    closing.end_all(organization)


def told(organization: Any, **_: Any) -> list[tuple[int, str, str]]:
    from providers import closing  # models are ready only now

    return closing.count(organization)
