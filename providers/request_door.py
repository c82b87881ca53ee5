"""The pages of asking for a key: the message to send on, and the page that the person with the key sees."""

from functools import partial
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import limits
from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from providers import attempts, key_requests, way_back
from providers.connectors import CONNECTORS
from providers.models import KeyRequest

ACTION = "key_request"


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_CONNECTIONS)
@never_cache
def ask(request: OrgRequest, provider: str) -> HttpResponse:
    """POST makes a link and shows it once, in a message to copy."""
    connector = CONNECTORS.get(provider)
    if connector is None:
        raise Http404
    context: dict[str, object] = {"connector": connector} | way_back.of(request)
    if request.method == "POST" and not request.organization.is_sample:
        try:
            asked, link = key_requests.ask(request.organization, connector, by=request.user)
            context |= {"asked": asked, "link": link, "message": key_requests.message(asked, link)}
        except key_requests.TooManyRequests:
            context["is_too_many"] = True
    status = 409 if "is_too_many" in context else 200
    return render(request, "providers/ask.html", context, status=status)


@require_POST
@page(Permission.MANAGE_CONNECTIONS)
def revoke(request: OrgRequest, pk: UUID) -> HttpResponse:
    asked = get_object_or_404(KeyRequest.objects.owned_by(request.organization), pk=pk)
    key_requests.revoke(asked, by=request.user)
    return redirect("providers:list")


@require_http_methods(["GET", "POST"])
@never_cache
def key_request(request: HttpRequest, token: str) -> HttpResponse:
    """Where the person with the key pastes it; no account is needed, and nothing of the organization is shown."""
    if limit := limits.exceeded(request, ACTION):
        return limits.tell(render(request, "429.html"), limit)
    asked = key_requests.find(token)
    response = answer(request, asked) if asked and asked.is_open else gone(request, asked)
    response["Referrer-Policy"] = "strict-origin"  # the link stays here, and the form may still be sent
    return response


def answer(request: HttpRequest, asked: KeyRequest) -> HttpResponse:
    connector = CONNECTORS[asked.provider]
    if request.method == "GET":
        return draw(request, asked, attempts.fresh(connector))
    if not key_requests.try_once(asked):
        return gone(request, asked)
    told: dict[str, Any] = {"by": asked.asked_by, "via": "key request", "admit": partial(key_requests.use_up, asked)}
    try:
        attempt = attempts.attempt(asked.organization, connector, request.POST, **told)
    except key_requests.NoLongerOpen:
        return gone(request, key_requests.again(asked))
    if attempt.existing:
        attempt = attempts.repaired(attempt, asked.organization, by=asked.asked_by)
        if attempt.connection or attempt.existing:
            key_requests.close(asked)
    if attempt.connection or attempt.existing:
        return render(request, "providers/key_request_done.html", {"asked": asked, "attempt": attempt})
    return draw(request, asked, attempt, status=422)


def draw(request: HttpRequest, asked: KeyRequest, attempt: attempts.Attempt, status: int = 200) -> HttpResponse:
    context = {"asked": asked, "attempt": attempt, "connector": attempt.connector}
    return render(request, "providers/key_request.html", context, status=status)


def gone(request: HttpRequest, asked: KeyRequest | None) -> HttpResponse:
    return render(request, "providers/key_request_gone.html", {"asked": asked}, status=410)
