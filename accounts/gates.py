"""Doors to pages: who may pass, and whose rows they see behind them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import (
    get_reauthentication_flows,
    raise_if_reauthentication_required,
)
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import redirect
from django.urls import reverse

from accounts.http import Asker, Credential, OrgRequest
from accounts.models import Organization, User
from accounts.permissions import Permission, Scope
from accounts.plans import Feature
from tokentra.lib.api_keys import found_in, found_in_json, found_in_packed
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope

key_misplaced = Signal()
"""Sent when a request carries an API key where it is written down on the way: `key`, `where` and `request`."""

P = ParamSpec("P")
View = Callable[Concatenate[OrgRequest, P], HttpResponseBase]


def page(permission: Permission, *, scoped: bool = True) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """A page for members whose role allows it, run inside the organization's scope.

    The scope is one transaction: a view that calls the network or streams, or needs not all sums up to date, says
    `scoped=False` and opens scopes of its own around each piece of work. A member with too small a role gets 403.
    """

    def door(view: View[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def corner_or_page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.headers.get("HX-Request") and not request.user.is_authenticated:
                return HttpResponse(status=401)  # the session ended: a corner stays as it is, and shows no login page
            return opened(request, *args, **kwargs)

        @login_required
        @wraps(view)
        def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            member = cast(OrgRequest, request)
            if getattr(request, "membership", None) is None:
                return redirect(reverse("accounts:no_organization"))
            if not member.membership.may(permission):
                role = member.membership.get_role_display().lower()
                raise PermissionDenied(f"Your role, {role}, does not include this. Ask an owner or admin.")
            if not scoped:
                return view(member, *args, **kwargs)
            with organization_scope(member.organization.pk):
                return view(member, *args, **kwargs)

        return corner_or_page

    return door


def recently_proved(request: HttpRequest) -> None:
    """Ask for the password again, unless it or another proof was given within ten minutes; then go on with this.

    allauth counts being asked again; here a login counts as well.
    """
    if has_proved(request):
        return
    if not get_reauthentication_flows(request.user):
        raise PermissionDenied("Log out and log in again, then do this within ten minutes.")
    raise_if_reauthentication_required(request, app="")


def api_recently_proved(request: HttpRequest) -> None:
    """The same over JSON, where nobody can be asked on the way: raises 403 that says to log in again."""
    if not has_proved(request):
        sentence = "Log in again, then send this within ten minutes: it decides who gets in."
        raise Problem(403, "login_too_old", sentence)


def has_proved(request: HttpRequest) -> bool:
    user = request.user if isinstance(request.user, User) else None
    proofs = [record["at"] for record in get_authentication_records(request, user)]
    return bool(time.time() - max(proofs, default=0) <= settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def api_scope(request: HttpRequest, scope: str) -> Credential:
    """The API key behind a JSON request; raises 401 for a request without one and 403 where it lacks the scope."""
    credential: Credential | None = getattr(request, "credential", None)
    if credential is None:
        sentence = "Send an API key in the Authorization header: Bearer tt_live_..."
        raise Problem(401, "invalid_api_key", sentence, headers={"WWW-Authenticate": "Bearer"})
    if scope not in credential.scopes:
        raise Problem(403, "key_scope", f"This API key lacks the scope {scope}. Use or make one that has it.")
    return credential


@contextmanager
def unless_gone(credential: Credential) -> Iterator[None]:
    """A key is remembered for some seconds, so its organization may have been deleted meanwhile: then 401."""
    try:
        yield
    except (Organization.DoesNotExist, IntegrityError):
        with organization_scope(credential.organization_id, up_to_date=False):
            if Organization.objects.filter(pk=credential.organization_id).exists():
                raise
        sentence = "The organization of this API key was deleted."
        raise Problem(401, "invalid_api_key", sentence, headers={"WWW-Authenticate": "Bearer"}) from None


def refuse_key_in(request: HttpRequest, text: str | bytes, *, where: str) -> None:
    """Raises 400 for a text that holds an API key, whoever's it is, and lets its organization know.

    `where` is "address" or "body": both end in logs and histories, so that such a key should be replaced.
    """
    if key := found_in_json(text) if isinstance(text, bytes) else "tt_" in text and found_in(text):
        key_misplaced.send(sender=HttpRequest, key=key, where=where, request=request)
        sentence = "Send the key in the Authorization header, not in the address or the body, and replace this one."
        raise Problem(400, "key_misplaced", sentence)


def tell_of_key_in(request: HttpRequest, spans: bytes, *, packed: bool) -> None:
    """Lets its organization know of an API key in spans, which hold far more than one text: they are not refused."""
    if key := found_in_packed(spans) if packed else found_in_json(spans):
        key_misplaced.send(sender=HttpRequest, key=key, where="spans", request=request)


class CsrfOfJson(CsrfViewMiddleware):
    """Django's check without its page."""

    def refuses(self, request: HttpRequest) -> bool:
        request.csrf_processing_done = False  # type: ignore[attr-defined]  # Django passed this route by
        self.process_request(request)
        return self.process_view(request, lambda _: HttpResponse(), (), {}) is not None

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponseForbidden:
        return HttpResponseForbidden()


def api_person(request: HttpRequest) -> User:
    """The person behind a JSON request; raises 401 for a stranger and 403 for another site's form.

    Ninja exempts its routes from Django's CSRF check, so it is done here for whoever comes with a cookie.
    """
    if getattr(request, "credential", None):
        raise Problem(403, "key_scope", "No API key opens this, whatever its scopes. Log in as a person.")
    if not isinstance(request.user, User):
        raise Problem(401, "not_signed_in", "Sign in, or send an API key in the Authorization header.")
    if CsrfOfJson(lambda _: HttpResponse()).refuses(request):
        raise Problem(403, "csrf_failed", "Send the value of the cookie csrftoken in the header X-CSRFToken.")
    return request.user


def api_member(request: HttpRequest, permission: Permission) -> OrgRequest:
    """The member behind a JSON request; raises 401 for a stranger and 403 for too small a role."""
    member = cast(OrgRequest, request)
    api_person(request)
    if getattr(request, "membership", None) is None:
        raise Problem(403, "no_organization", "Join or create an organization first.")
    if not member.membership.may(permission):
        raise Problem(403, "role_too_small", "Your role does not include this. Ask an owner or admin.")
    return member


def api_reader(request: HttpRequest) -> Asker:
    """Whoever may read figures over JSON, where the plan of the organization has that; raises NotInPlan."""
    asker = api_asker(request, Permission.SEE_COSTS, scope=Scope.READ)
    asker.organization.require(Feature.READ_API)
    return asker


def api_asker(request: HttpRequest, permission: Permission, *, scope: str) -> Asker:
    """The member whose role allows it, or the program whose key has the scope; raises as the two doors alone do."""
    if getattr(request, "credential", None):
        credential = api_scope(request, scope)
        with unless_gone(credential), organization_scope(credential.organization_id, up_to_date=False):
            organization = Organization.objects.get(pk=credential.organization_id)
        return Asker(organization, None, credential.key_id)
    member = api_member(request, permission)
    return Asker(member.organization, member.user)
