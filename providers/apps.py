"""Connections to providers: their credentials, their sync, their pages."""

from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "providers"
