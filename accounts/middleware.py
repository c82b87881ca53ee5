"""Who is asking: a program with a token, a stranger from somewhere, a member of an organization."""

import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from uuid import UUID

from allauth.headless.internal.sessionkit import authenticate_by_x_session_token
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import render, resolve_url
from django.utils import timezone

from accounts import arrival, presence
from accounts.http import address, calling
from accounts.models import Membership, User
from accounts.sessions import BEGAN
from accounts.sign_on.standing import standing
from tokentra.lib.outage import unless_full
from tokentra.lib.tenancy import user_scope

CURRENT = "organization_id"
USED = "used_at"
A_DAY = 24 * 3600
LONGEST = 30 * A_DAY
NOTED_FOR = 300


class BearerSession:
    """Lets programs that logged in by JSON act as that person: `Authorization: Bearer <token>` under /api/.

    A token of ours is a session's key. What is not one is left for others to recognise. A request that
    carries its own credential needs no CSRF token, because no browser sends this header by itself, and is
    given no cookie.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not (token := bearer(request)) or not (found := authenticate_by_x_session_token(token)):
            return self.get_response(request)
        of_cookie = request.session
        request.user, request.session = found
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # Django reads it
        response = self.get_response(request)
        keep(request.session)
        request.session = of_cookie  # or Django would answer the token's session as a cookie
        return response


def keep(session: SessionBase) -> None:
    """Store what changed, unless the session ended meanwhile: by its own logout, or elsewhere."""
    if session.modified and not session.is_empty():
        with suppress(UpdateError):
            session.save()


def bearer(request: HttpRequest) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    is_ours = kind.lower() == "bearer" and request.path.startswith("/api/") and not token.startswith("tt_")
    token = token.strip()
    return token if is_ours and token.isascii() and token.isalnum() else ""


class NeverKept:
    """What a signed-in person sees stays in no cache, neither on the way nor on the machine they sat at.

    Logging out clears what the browser kept all the same.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        was_known = request.user.is_authenticated
        response = self.get_response(request)
        if request.user.is_authenticated:
            response.setdefault("Cache-Control", "private, no-store")
        elif was_known:
            response["Clear-Site-Data"] = '"cache"'
        return response


class ToldOfEnd:
    """Says on the login page that what was sent was not saved, where the session had ended meanwhile."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        led_to, _, query = response.get("Location", "").partition("?")
        if request.method == "POST" and led_to == resolve_url(settings.LOGIN_URL) and REDIRECT_FIELD_NAME in query:
            messages.warning(
                request, "Your session had ended, so what you sent was not saved. Log in and send it again."
            )
        return response


class SessionAge:
    """Keeps a session for 14 days after it was last used, and for 30 days after it began."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = time.time()
            if now - request.session.setdefault(BEGAN, now) > LONGEST:
                logout(request)
            elif now - request.session.get(USED, 0) > A_DAY:
                request.session[USED] = now
        return self.get_response(request)


class SessionInUse:
    """Notes where a session is used and when: at once for a new place, else once in five minutes of each process."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and request.session.session_key:
            used = (request.session.session_key, address(request), request.headers.get("User-Agent"))
            mark, noted = sha256(repr(used).encode()).hexdigest(), caches["process"]
            if not noted.get(mark):
                with unless_full():
                    UserSession.objects.create_from_request(request)
                noted.set(mark, True, NOTED_FOR)
        return self.get_response(request)


class VouchedFor:
    """A session that came by an organization's sign-on touches nothing that is its person's in other organizations."""

    OWN = (
        "/password/set",
        "/password/change",
        "/email/",
        "/2fa/",
        "/3rdparty/",
        "/organizations/new/",
        "/settings/profile/delete/",
        "/settings/profile/export/",
    )
    OWN_WHEN_CHANGED = ("/settings/security/", "/settings/profile/", "/invitations/")
    FOR_ALL = ("/2fa/authenticate", "/invitations/switch/", "/invitations/forget/")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_change = request.path.startswith(self.OWN)
        is_change |= request.method == "POST" and (
            request.path.startswith(self.OWN_WHEN_CHANGED)
            or ("/login/" in request.path and "connect" in (request.POST.get("process"), request.GET.get("process")))
        )
        is_change = is_change and not request.path.startswith(self.FOR_ALL)
        if is_change and request.user.is_authenticated and not standing(request).is_own:
            return render(request, "accounts/sign_on/not_here.html", status=403)
        return self.get_response(request)


class FirstTouch:
    """Remembers where a stranger first came from, until they sign up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        visit = None
        with unless_full():
            visit = arrival.remember(request)
        response = self.get_response(request)
        if visit:
            arrival.keep(response, visit)
        return response


class CurrentOrganization:
    """Sets `request.memberships`, and `request.organization` with its `request.membership`: None for people who
    belong nowhere.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        shown = standing(request)
        request.memberships = memberships = [  # type: ignore[attr-defined]  # OrgRequest declares it
            membership for membership in memberships_of(request) if shown.admits(membership)
        ]
        membership = current_membership(request, memberships)
        if membership:
            with unless_full():
                presence.noted(membership, timezone.now())
        request.membership = membership  # type: ignore[attr-defined]  # OrgRequest declares it
        request.organization = membership.organization if membership else None  # type: ignore[attr-defined]  # as above
        with calling(request):
            return self.get_response(request)


def memberships_of(request: HttpRequest) -> list[Membership]:
    """Where the person in front of it belongs, sample workspaces last; empty for a stranger."""
    user = request.user
    if not isinstance(user, User):
        return []
    with user_scope(user.pk):
        return list(Membership.objects.of(user))


def current_membership(request: HttpRequest, memberships: list[Membership]) -> Membership | None:
    """The membership that the session names, else the person's first one."""
    if not memberships:
        return None
    wanted = request.session.get(CURRENT)
    return next((m for m in memberships if str(m.organization_id) == wanted), memberships[0])


def act_for(request: HttpRequest, organization_id: UUID) -> None:
    """From the next request on, this session acts for that organization; membership is checked there.

    Forms that other tabs still hold were filled in for another one: they are refused, as after a login.
    """
    request.session[CURRENT] = str(organization_id)
    rotate_token(request)
