"""Where somebody first came from: one row per visitor, found again by a signed cookie."""

import re
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import FIRST_TOUCH_FIELDS, Visit

COOKIE = "__Host-tt_visit" if settings.SESSION_COOKIE_SECURE else "tt_visit"
SALT = "accounts.arrival"
LASTS = 90 * 24 * 3600
SIGNUP = "/signup/"
ROBOTS = re.compile(r"bot\b|crawl|spider|preview|monitor|curl|wget|python|headlesschrome-lighthouse", re.I)
QUIET = ("/api/", "/static/", "/admin/", "/healthz", "/readyz", "/v1/", "/demo/", "/sdk/")


def remember(request: HttpRequest) -> Visit | None:
    """Note a stranger's first page: when it tells where they come from, or when they are about to sign up.

    Nothing is written for programs, robots, fragments and people who are known already.
    """
    if not is_page_of_a_stranger(request):
        return None
    visit = visit_of(request)
    if visit is None:
        touch = first_touch(request)
        if not touch and request.path != SIGNUP:
            return None
        visit = Visit.objects.create(
            first_seen_at=timezone.now(), landing_path=cut(request.path, "landing_path"), **touch
        )
        request.visit = visit  # type: ignore[attr-defined]  # visit_of reads it
    if request.path == SIGNUP and visit.signup_started_at is None:
        visit.signup_started_at = timezone.now()
        visit.save(update_fields=["signup_started_at"])
    return visit


def keep(response: HttpResponse, visit: Visit) -> None:
    response.set_cookie(
        COOKIE,
        signing.dumps(str(visit.pk), salt=SALT),
        max_age=LASTS,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def visit_of(request: HttpRequest) -> Visit | None:
    """The visit that this browser's cookie names, while nobody has signed up from it."""
    known: Visit | None = getattr(request, "visit", None)
    if known:
        return known
    try:
        pk = UUID(signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=LASTS))
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return Visit.objects.filter(pk=pk, user=None).first()


def chose(request: HttpRequest, method: str) -> None:
    """The visitor picked a way to sign up."""
    if visit := visit_of(request):
        visit.method = method
        visit.save(update_fields=["method"])


def told(first_touch: dict[str, str], *, path: str) -> Visit:
    """A visit that a program tells about, when it signs somebody up by JSON."""
    known = {name: cut(value, name) for name, value in first_touch.items() if name in FIRST_TOUCH_FIELDS and value}
    now = timezone.now()
    return Visit.objects.create(first_seen_at=now, signup_started_at=now, landing_path=path, method="email", **known)


def is_page_of_a_stranger(request: HttpRequest) -> bool:
    agent = request.headers.get("User-Agent", "")
    return (
        request.method == "GET"
        and not request.path.startswith(QUIET)
        and "text/html" in request.headers.get("Accept", "")
        and "HX-Request" not in request.headers
        and bool(agent)
        and not ROBOTS.search(agent)
        and not request.user.is_authenticated
    )


def first_touch(request: HttpRequest) -> dict[str, str]:
    touch: dict[str, Any] = {
        name: cut(value, name) for name in FIRST_TOUCH_FIELDS if (value := request.GET.get(name, "").strip())
    }
    if referrer := other_site(request.headers.get("Referer", ""), own=request.get_host()):
        touch["referrer"] = cut(referrer, "referrer")
    return touch


def other_site(referrer: str, *, own: str) -> str:
    """The address a link stood on, without its query, which is not ours to keep; "" for our own pages."""
    try:
        parts = urlsplit(referrer)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.netloc == own:
        return ""
    return f"{parts.scheme}://{parts.hostname}{parts.path}"


def cut(text: str, field: str) -> str:
    longest: int = getattr(Visit._meta.get_field(field), "max_length", 0)
    return text.replace("\x00", "")[:longest]
