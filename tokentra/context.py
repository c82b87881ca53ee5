"""What every page may say about the installation, and which page of the guide explains it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from tokentra.guide.contents import explanation_of


def page(request: HttpRequest) -> dict[str, Any]:
    return {
        "version": settings.VERSION,
        "terms_url": settings.TERMS_URL,
        "privacy_url": settings.PRIVACY_URL,
        "support_url": settings.SUPPORT_URL,
        "help_url": help_url(request),
    }


def help_url(request: HttpRequest) -> str:
    """The page of the guide that explains this view; the guide's contents where there is none."""
    match = request.resolver_match
    slug, _, anchor = explanation_of(match.view_name, match.kwargs).partition("#") if match else ("", "", "")
    if not slug:
        return reverse("guide:contents")
    return reverse("guide:page", args=[slug]) + (f"#{anchor}" if anchor else "")
