"""The step that brings the first event in: a way to install, a key, a piece of code, and what arrives."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from accounts import journal
from accounts.gates import has_proved, page, recently_proved
from accounts.http import OrgRequest
from accounts.journal import Event
from accounts.permissions import Permission
from onboarding import journeys, steps
from onboarding.steps import SDK
from onboarding.views import url_of
from sdk_keys import issuing, setting_up, setups, watching


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_OWN_KEYS)
def sdk(request: OrgRequest) -> HttpResponse:
    """POST makes the key, or one instead of it, and shows it this once; sent again it makes none.

    Who `leaves` the questions for it finds them in the checklist.
    """
    if request.organization.is_sample:
        return redirect("sdk_keys:list")
    journal.record_once(Event.SDK_SETUP_STARTED, request.user, request.organization)
    if request.method == "GET":
        return drawn(request)
    if request.POST.get("leaves"):
        journeys.dismiss(journeys.of(request.membership), now=timezone.now())
    here = f"{reverse('onboarding:sdk')}?with={setups.chosen(request.POST.get('with', ''))}"
    if request.htmx and not has_proved(request):  # asked for the password on a page of its own
        return HttpResponseClientRedirect(f"{reverse('account_reauthenticate')}?next={here}")
    recently_proved(request)
    try:
        made = setting_up.make(request.membership, instead_of=told_id(request), now=timezone.now())
    except issuing.TooManyKeys as reason:
        return drawn(request, problem=str(reason), status=409)
    if made is None and not request.htmx:  # by another tab, or by this one before it was refreshed
        return redirect(here)
    return drawn(request, made=made)


def told_id(request: OrgRequest) -> UUID | None:
    try:
        return UUID(request.POST.get("instead_of", ""))
    except ValueError:
        return None


def drawn(
    request: OrgRequest, *, made: issuing.Issued | None = None, problem: str = "", status: int = 200
) -> HttpResponse:
    """The page, or what it asks for of itself."""
    asked = request.POST if request.method == "POST" else request.GET
    held = setting_up.key_of(request.membership, now=timezone.now())
    key = made.key if made else held
    own = {
        "guide": setups.Guide(asked.get("with", ""), made.clear if made else ""),
        "made": made,
        "held": held,
        "keyed": True,
        "problem": problem,
        "arriving": watching.look(request, only=key.pk if key else None),
        "wizard_url": reverse("onboarding:sdk"),
    }
    setup = render_to_string("sdk_keys/_setup.html", own, request)
    travel = journeys.of(request.membership)
    place = steps.place(travel.traveller, SDK)
    context = {
        "setup": setup,
        "place": place,
        "back": place and place.before and url_of(place.before),
        "offers_connecting": travel.manages and not travel.is_connected,
    }
    response = HttpResponse(setup) if request.htmx else render(request, "onboarding/sdk.html", context)
    response.status_code = status
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@page(Permission.MANAGE_OWN_KEYS)
def done(request: OrgRequest) -> HttpResponse:
    """On to what follows for this person."""
    travel = journeys.of(request.membership)
    if steps.place(travel.traveller, SDK) is None:
        return redirect("onboarding:resume")
    return redirect(url_of(journeys.passed(travel, SDK, now=timezone.now())))
