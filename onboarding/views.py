"""Doors to the pages on the way in. Each answers with the next one that is this person's."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.limits import tell_too_many
from accounts.permissions import Permission
from onboarding import connecting, inviting, journeys, segments, steps
from onboarding import waiting as waits
from onboarding.forms import ScreenForm
from onboarding.questions import BY_KEY
from onboarding.steps import CONNECT, CONTACT, DASHBOARD, SDK
from providers.connectors import CONNECTORS
from providers.models import Connection, KeyRequest

PAGES = {**{key: f"onboarding:{key}" for key in BY_KEY}, CONTACT: "onboarding:contact", CONNECT: "onboarding:connect",
         SDK: "onboarding:sdk", DASHBOARD: "usage:dashboard"}  # fmt: skip


def url_of(step: str) -> str:
    return reverse(PAGES[step])


@require_GET
@page(Permission.SEE_COSTS)
def resume(request: OrgRequest) -> HttpResponse:
    """Where this person goes on; the dashboard for those who have arrived and in a sample workspace."""
    if request.organization.is_sample:
        return redirect("usage:dashboard")
    travel = journeys.of(request.membership)
    return redirect(home_of(travel) if travel.journey.is_over else url_of(travel.position))


def home_of(travel: journeys.Travel) -> str:
    """Where somebody begins who has arrived: the summary for people who decide, once there is something in it."""
    decides = segments.family_of(travel.journey.user_role) == "executive"
    return reverse("usage:summary") if decides and travel.may_have_figures else url_of(DASHBOARD)


@require_http_methods(["GET", "POST"])
@page(Permission.SEE_COSTS)
def screen(request: OrgRequest, key: str) -> HttpResponse:
    """One screen of the questionnaire, with what was answered before."""
    now = timezone.now()
    travel = journeys.of(request.membership)
    shown = BY_KEY[key]
    place = steps.place(travel.traveller, key)
    if place is None:
        return redirect("onboarding:resume")
    sent, told = request.POST if request.method == "POST" else None, inviting.Told()
    form = ScreenForm(travel.asked(shown), sent, initial=travel.values)
    if request.method == "POST" and form.is_valid():
        told = inviting.ask(travel, form.cleaned_data.get(inviting.FIELD, ""))
        if not told.refused:
            following = url_of(journeys.answer(travel, shown, form.cleaned_data, now=now))
            return answered(request, told, place, following)
        form = inviting.with_refusals(form, told)
    if request.method == "GET":
        journeys.open_screen(travel, now=now)
    links = [] if settings.MAIL_IS_CONFIGURED else told.links
    context = {"screen": shown, "form": form, "place": place, "links": links}
    context |= {"back": place.before and url_of(place.before)}
    drawn = render(request, "onboarding/screen.html", context, status=422 if form.errors else 200)
    return tell_too_many(drawn, told.stopped) if told.stopped else drawn


def answered(request: OrgRequest, told: inviting.Told, place: steps.Place, following: str) -> HttpResponse:
    """On to the next step; where no mail is sent, invitations' links are shown first, for nobody can see them again."""
    if settings.MAIL_IS_CONFIGURED or not told.links:
        return redirect(following)
    response = render(request, "onboarding/invited.html", {"told": told, "place": place, "following": following})
    response["Cache-Control"] = "no-store"
    return response


@require_GET
@page(Permission.MANAGE_CONNECTIONS)
def connect(request: OrgRequest) -> HttpResponse:
    """The providers to connect, those first that this company said it uses."""
    travel = journeys.of(request.membership)
    place = steps.place(travel.traveller, CONNECT)
    if place is None:
        return redirect("onboarding:resume")
    context = {
        "place": place,
        "offers": connecting.offers(travel.company.ai_providers),
        "asked": KeyRequest.objects.owned_by(request.organization).open(timezone.now()),
        "back": place.before and url_of(place.before),
    }
    return render(request, "onboarding/connect.html", context)


@require_GET
@page(Permission.MANAGE_CONNECTIONS)
def connected(request: OrgRequest) -> HttpResponse:
    """The newest connection on its way, and what can be done meanwhile; without one, back to the step."""
    newest = Connection.objects.owned_by(request.organization).active().order_by("-created_at").first()
    if newest is None:
        return redirect("onboarding:connect")
    travel = journeys.of(request.membership)
    journeys.passed(travel, CONNECT, now=timezone.now())
    others = [each for each in connecting.offers(travel.company.ai_providers) if each.key != newest.provider]
    context = {"connection": newest, "label": CONNECTORS[newest.provider].label, "others": others}
    return render(request, "onboarding/connected.html", context)


@require_http_methods(["GET", "POST"])
@page(Permission.SEE_COSTS)
def contact(request: OrgRequest) -> HttpResponse:
    """Whom to talk to, beside the way on that everybody has; POST carries on."""
    travel = journeys.of(request.membership)
    place = steps.place(travel.traveller, CONTACT)
    if place is None:
        return redirect("onboarding:resume")
    if request.method == "POST":
        return redirect(url_of(journeys.passed(travel, CONTACT, now=timezone.now())))
    context = {"place": place, "contact_url": settings.SALES_CONTACT_URL}
    return render(request, "onboarding/contact.html", context | {"back": place.before and url_of(place.before)})


@require_POST
@page(Permission.SEE_COSTS)
def skip(request: OrgRequest, step: str) -> HttpResponse:
    travel = journeys.of(request.membership)
    if steps.place(travel.traveller, step) is None:
        raise Http404
    return redirect(url_of(journeys.skip(travel, step, now=timezone.now())))


@require_POST
@page(Permission.SEE_COSTS)
def leave(request: OrgRequest) -> HttpResponse:
    """Straight to the dashboard; the questions wait in the checklist."""
    journeys.dismiss(journeys.of(request.membership), now=timezone.now())
    return redirect("usage:dashboard")


@require_GET
@page(Permission.SEE_COSTS)
def waiting(request: OrgRequest) -> HttpResponse:
    """The dashboard's corner for people whose figures are not there yet."""
    segment = journeys.of(request.membership).journey.segment
    return render(request, "onboarding/waiting.html", {"cards": list(waits.cards(request.membership, segment))})
