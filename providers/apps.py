"""Connections to providers: their credentials, their sync, their pages."""

from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "providers"

    def ready(self) -> None:
        from providers.troubles import of_connections  # models are ready only now
        from usage import troubles

        troubles.register(of_connections)
