"""The product's own map, with the style page beside it; tests only."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from accounts.models import Membership, Organization, User
from accounts.permissions import Role
from tests.style_page import context
from tokentra.urls import handler400, handler403, handler404, handler500
from tokentra.urls import urlpatterns as project

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def style(request: HttpRequest) -> HttpResponse:
    """Alice's page in an organization with a long name; ?plain shows the column without the frame."""
    organization = Organization(name="Acme and sons, a company whose name is sixty characters long", is_sample=True)
    request.user = User(email="alice@acme.example", full_name="Alice Ames")
    request.organization = organization  # type: ignore[attr-defined]  # what the middleware would find
    request.membership = Membership(role=Role.OWNER)  # type: ignore[attr-defined]  # as above
    name = "style_page_plain.html" if "plain" in request.GET else "style_page.html"
    return render(request, name, context() | {"unverified_email": "alice@acme.example"})


def nothing(request: HttpRequest) -> HttpResponse:
    """What a corner of the top bar answers here, where nobody has signed in."""
    return HttpResponse()


CORNERS = [path("budgets/progress/", nothing), path("alerts/bell/", nothing)]
urlpatterns = [path("style/", style), *CORNERS, *project]
