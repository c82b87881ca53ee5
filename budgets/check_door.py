"""The check before a call over HTTP: a key, a body, a verdict with its budgets."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from ninja import Router

from accounts.gates import api_scope, refuse_key_in, unless_gone
from accounts.permissions import Scope
from budgets import calls, checking, words
from budgets.api_shapes import plain
from budgets.check_reference import CHECK
from budgets.checking import Answer, State
from budgets.models import Unit
from budgets.rooms import LASTS
from tokentra.lib import bodies
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope
from usage.measuring import paces
from usage.names import name_of

LARGEST_BODY = 64 * 1024
KEEP = 5  # seconds for which a verdict without a reservation says what it said
encode = msgspec.json.Encoder().encode
router = Router()


@router.post("/usage/check", url_name="check", summary="Check before a call", openapi_extra=CHECK)
def check(request: HttpRequest) -> HttpResponse:
    """Whether a call may be made, with a key of scope ingest; what it may cost is reserved until its event comes.

    Amounts are told to keys that have the scope read as well.
    """
    credential = api_scope(request, Scope.INGEST)
    paces.request(credential.organization_id)
    body = bodies.read(request, most=LARGEST_BODY)
    refuse_key_in(request, body, where="body")
    call = calls.read(body)
    with unless_gone(credential):
        answer = checking.check(credential.organization_id, call, key_id=credential.key_id, now=timezone.now())
    with_amounts = Scope.READ in credential.scopes
    if answer.verdict is checking.Verdict.BLOCK:
        who = whose(credential.organization_id, answer.refusing)
        raise refusal(answer, who=who, with_amounts=with_amounts)
    return HttpResponse(encode(told(answer, with_amounts=with_amounts)), content_type="application/json")


def told(answer: Answer, *, with_amounts: bool) -> dict[str, Any]:
    said: dict[str, Any] = {
        "verdict": answer.verdict,
        "budgets": [shown(each, with_amounts=with_amounts) for each in answer.states],
        "estimate": answer.estimate.basis,
        "estimatedCost": None if answer.estimate.cost is None else plain(answer.estimate.cost, Unit.USD),
        "delayMs": answer.delay,
        "ttlSeconds": int(LASTS.total_seconds()) if answer.reservation else KEEP,
    }
    return said | {"reservationId": answer.reservation} if answer.reservation else said


def shown(state: State, *, with_amounts: bool) -> dict[str, Any]:
    budget, span = state.place.budget, state.place.span
    said: dict[str, Any] = {
        "id": str(budget.pk),
        "name": budget.name,
        "value": state.place.value,
        "mode": budget.mode,
        "state": "refuses"
        if state.is_refused
        else "reached"
        if state.is_reached
        else "near"
        if state.is_near
        else "ok",
        "periodStart": stamp(span.start),
        "periodEnd": stamp(span.end),
        "reachedAt": state.full_since and stamp(state.full_since),
        "delayMs": state.delay,
    }
    if with_amounts:
        said |= {
            "unit": budget.unit,
            **{
                name: plain(value, budget.unit)
                for name, value in (
                    ("limit", state.limit),
                    ("spent", state.spent),
                    ("reserved", state.reserved),
                    ("overEstimates", state.over),
                )
            },
        }
    return said


def stamp(moment: Any) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")  # type: ignore[no-any-return]  # a text


def whose(organization_id: UUID, state: State | None) -> str:
    """The value that a budget for each value refuses, as people read it."""
    if state is None or not state.place.value:
        return ""
    with organization_scope(organization_id, up_to_date=False):
        return name_of(organization_id, state.place.budget.each, state.place.value)


def refusal(answer: Answer, *, who: str, with_amounts: bool) -> Problem:
    """402: which budget, since when, until when, and whom to ask."""
    state = answer.refusing
    if state is None:
        sentence = (
            f"This prompt is longer than the {answer.prompt_limit:,} tokens that your organization allows. "
            f"Shorten it, or ask {answer.whom} to allow more."
        )
        return Problem(402, "prompt_too_long", sentence, verdict=answer.verdict.value, budgets=[], ttlSeconds=KEEP)
    query = f"?{urlencode({'value': state.place.value})}" if state.place.value else ""
    link = f"{settings.SITE_URL}{reverse('budgets:ask', args=[state.place.budget.pk])}{query}"
    begins = stamp(state.place.span.end)
    sentence = f"{reason(state, who=who, with_amounts=with_amounts)} It begins anew at {begins}. "
    return Problem(
        402,
        "budget_reached",
        f"{sentence}Ask {answer.whom} for more: {link}",
        verdict=answer.verdict.value,
        budgets=[shown(each, with_amounts=with_amounts) for each in answer.states],
        askUrl=link,
        ask=answer.whom,
        ttlSeconds=KEEP,
    )


def reason(state: State, *, who: str, with_amounts: bool) -> str:
    budget = state.place.budget
    name = f"The budget “{budget.name}”{f' of {who}' if who else ''}"
    of = f": {words.exact(state.spent, budget.unit)} of {words.exact(state.limit, budget.unit)}" if with_amounts else ""
    if state.spent >= state.limit:
        since = f" since {stamp(state.full_since)}" if state.full_since else ""
        return f"{name} is used up{since}{of}."
    if state.is_reached:
        return f"{name} is reserved to its limit by calls that are under way{of}."
    return f"{name} has less left than this call may cost{of}."
