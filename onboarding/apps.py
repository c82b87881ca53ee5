"""Onboarding: from the first visit to the first value, and what guides people on the way."""

from django.apps import AppConfig


class OnboardingConfig(AppConfig):
    name = "onboarding"
    verbose_name = "Onboarding"
