"""Doors to the pages of connections."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from providers import (
    attempts,
    connecting,
    credentials,
    disconnecting,
    pausing,
    renaming,
    rotating,
    showing,
    way_back,
    wording,
)
from providers.connectors import CONNECTORS
from providers.forms import DisconnectForm, NameForm
from providers.models import Connection, KeyRequest, SyncRun
from providers.showing import Shown
from tokentra.lib.tenancy import organization_scope
from usage.models import Revision


@require_GET
@page(Permission.SEE_COSTS)
def connections(request: OrgRequest) -> HttpResponse:
    shown = showing.everything(request.organization, now=timezone.now())
    template = "providers/connections.html" + ("#connections" if request.htmx else "")
    return render(request, template, overview(request, shown))


@require_GET
@page(Permission.SEE_COSTS)
def sync_corner(request: OrgRequest) -> HttpResponse:
    """What the dashboard shows of connections: the way in, the first sync, what is wrong; else nothing."""
    shown = [each for each in showing.everything(request.organization, now=timezone.now()) if not each.is_gone]
    return render(request, "providers/_corner.html", overview(request, shown))


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_CONNECTIONS, scoped=False)
def connect(request: OrgRequest, provider: str) -> HttpResponse:
    """With `next`, a page without the sidebar for somebody on their way in; connecting goes on there."""
    connector = CONNECTORS.get(provider)
    if connector is None:
        raise Http404
    way = way_back.of(request)
    if request.method == "GET":
        return scoped_render(request, "providers/connect.html", shown_attempt(attempts.fresh(connector)) | way)
    attempt = attempts.attempt(request.organization, connector, request.POST, by=request.user)
    if attempt.connection:
        return go_to(request, way["next"] or attempt.connection)
    return scoped_render(request, "providers/connect.html", shown_attempt(attempt) | way, status=422)


def shown_attempt(attempt: attempts.Attempt) -> dict[str, object]:
    names = ("connector", "form", "name_form", "refusal", "existing")
    return {name: getattr(attempt, name) for name in names}


@require_GET
@page(Permission.SEE_COSTS)
def connection(request: OrgRequest, pk: UUID) -> HttpResponse:
    """While something is read, the page asks for all that changes by that."""
    mine = found(request, pk)
    return drawn(request, mine, NameForm(initial={"name": mine.name}))


def drawn(request: OrgRequest, mine: Connection, name_form: NameForm, status: int = 200) -> HttpResponse:
    shown = showing.one(mine, now=timezone.now())
    of_it = {"organization": request.organization, "connection_id": mine.pk}
    runs = list(SyncRun.objects.filter(**of_it).order_by("-started_at")[:10])
    context = {
        "shown": shown,
        "name_form": name_form,
        "last_try": wording.last_try(shown.connection, runs[0] if runs else None, shown.said, now=timezone.now()),
        "revisions": Revision.objects.filter(**of_it).order_by("-at")[:20],
        "runs": runs,
    }
    template = "providers/connection.html" + ("#progress" if request.htmx and request.method == "GET" else "")
    return render(request, template, context | may_manage(request), status=status)


@require_GET
@page(Permission.SEE_COSTS)
def stages(request: OrgRequest, pk: UUID) -> HttpResponse:
    """How far the reading is, for another page's corner."""
    shown = showing.one(found(request, pk), now=timezone.now())
    return render(request, "providers/_stages.html", {"shown": shown} | may_manage(request))


@require_POST
@page(Permission.MANAGE_CONNECTIONS)
def pause(request: OrgRequest, pk: UUID) -> HttpResponse:
    mine = found(request, pk)
    pausing.pause(mine, by=request.user)
    return go_to(request, mine)


@require_POST
@page(Permission.MANAGE_CONNECTIONS)
def resume(request: OrgRequest, pk: UUID) -> HttpResponse:
    mine = found(request, pk)
    try:
        pausing.resume(mine, by=request.user)
    except pausing.CannotResume as reason:
        messages.error(request, str(reason))
    return go_to(request, mine)


@require_POST
@page(Permission.MANAGE_CONNECTIONS)
def sync(request: OrgRequest, pk: UUID) -> HttpResponse:
    mine = found(request, pk)
    try:
        pausing.resync(mine, by=request.user)
    except pausing.CannotResume as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, "Everything is read again, the newest days first.")
    return go_to(request, mine)


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_CONNECTIONS)
def rename(request: OrgRequest, pk: UUID) -> HttpResponse:
    mine = found(request, pk)
    if request.method == "GET":  # a page with a refused name is loaded again
        return go_to(request, mine)
    form = NameForm(request.POST)
    if not form.is_valid():
        return drawn(request, mine, form, status=422)
    renaming.rename(mine, form.cleaned_data["name"], by=request.user)
    return go_to(request, mine)


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_CONNECTIONS, scoped=False)
def replace_key(request: OrgRequest, pk: UUID) -> HttpResponse:
    with organization_scope(request.organization.pk):
        mine = found(request, pk)
    connector = CONNECTORS[mine.provider]
    context = {"connection": mine, "connector": connector, "form": connector.form()}
    if request.method == "GET":
        return scoped_render(request, "providers/key.html", context)
    context["form"] = form = connector.form(request.POST)
    if form.is_valid():
        try:
            rotating.replace_credentials(request.organization, mine, credentials.of(form), by=request.user)
            messages.success(request, "The new key was accepted and is used from now on. The old one was destroyed.")
            return go_to(request, mine)
        except (
            connecting.NotConnected,
            connecting.AlreadyConnected,
            rotating.OtherAccount,
            pausing.CannotResume,
        ) as reason:
            context["refusal"] = reason
    return scoped_render(request, "providers/key.html", context, status=422)


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_CONNECTIONS)
def disconnect(request: OrgRequest, pk: UUID) -> HttpResponse:
    mine = found(request, pk)
    form = DisconnectForm(request.POST or None, connection=mine)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data["data"]
        disconnecting.disconnect(request.organization, mine, data=data, by=request.user)
        kept = "Its data was deleted." if data == "delete" else "Its data stays."
        messages.success(request, f"{mine.name} is disconnected and its key is destroyed. {kept}")
        return redirect("providers:list")
    context = {"connection": mine, "form": form, "loss": disconnecting.loss(mine)}
    return render(request, "providers/disconnect.html", context, status=422 if form.is_bound else 200)


def found(request: OrgRequest, pk: UUID) -> Connection:
    return get_object_or_404(Connection.objects.owned_by(request.organization), pk=pk)


def overview(request: OrgRequest, shown: list[Shown]) -> dict[str, object]:
    is_polling = any(each.is_polling for each in shown)
    asked = KeyRequest.objects.owned_by(request.organization).open(timezone.now()).select_related("asked_by")
    return {"shown": shown, "asked": asked, "connectors": CONNECTORS.values(), "is_polling": is_polling} | may_manage(
        request
    )


def may_manage(request: OrgRequest) -> dict[str, bool]:
    may = request.membership.may(Permission.MANAGE_CONNECTIONS)
    return {"may_manage": may and not request.organization.is_sample}


def go_to(request: OrgRequest, where: Connection | str) -> HttpResponse:
    url = where if isinstance(where, str) else reverse("providers:connection", args=[where.pk])
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)


def scoped_render(request: OrgRequest, template: str, context: dict[str, object], status: int = 200) -> HttpResponse:
    with organization_scope(request.organization.pk):
        return render(request, template, context, status=status)
