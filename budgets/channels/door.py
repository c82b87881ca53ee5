"""Channels on screen: setting one up, testing it, its log, enabling it again, removing it."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from budgets.channels import making
from budgets.channels.forms import ChannelForm
from budgets.channels.kinds import BY_ID, KINDS, Kind
from budgets.channels.models import Channel, Delivery
from budgets.channels.sealing import shown_once
from budgets.channels.showing import sent, troubled
from tokentra.lib.problems import Problem
from tokentra.lib.secret import Secret


@require_GET
@page(Permission.SEE_COSTS)
def channels(request: OrgRequest) -> HttpResponse:
    mine = list(Channel.objects.owned_by(request.organization).kept().order_by("created_at", "pk"))
    in_trouble = troubled(mine)
    context = {
        "channels": [(each, BY_ID[each.kind], each.pk in in_trouble) for each in mine],
        "kinds": KINDS,
        "may_change": request.membership.may(Permission.MANAGE_BUDGETS),
    }
    return render(request, "budgets/alerts/channels.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_BUDGETS)
def new_channel(request: OrgRequest) -> HttpResponse:
    kind = kind_of(request)
    form = ChannelForm(kind, request.POST or None, initial={"name": kind.label})
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            channel, signing = making.make(
                request.organization, kind, name=told["name"], address=told.get("address") or Secret(""),
                email=told.get("email", ""), least=told["least"], by=request.user, now=timezone.now(),
            )  # fmt: skip
        except Problem as problem:
            form.add_error(None, problem.message)
        else:
            if signing:
                return shown(request, channel, signing)
            messages.success(request, f"{channel.name} is set up. Send a test to see it arrive.")
            return redirect("alerts:channel", channel.pk)
    status = 422 if form.errors else 200
    return render(request, "budgets/alerts/channel_new.html", {"kind": kind, "form": form}, status=status)


@require_GET
@page(Permission.SEE_COSTS)
def channel(request: OrgRequest, channel_id: UUID) -> HttpResponse:
    held = channel_of(request, channel_id)
    log = sent(Delivery.objects.owned_by(request.organization).filter(channel=held))
    context = {
        "channel": held,
        "kind": BY_ID[held.kind],
        "log": log,
        "waits": any(each.words == "On its way" for each in log),
        "may_change": request.membership.may(Permission.MANAGE_BUDGETS),
    }
    template = "budgets/alerts/channel.html#log" if request.htmx else "budgets/alerts/channel.html"
    return render(request, template, context)


@require_POST
@page(Permission.MANAGE_BUDGETS)
def test(request: OrgRequest, channel_id: UUID) -> HttpResponse:
    held = channel_of(request, channel_id)
    try:
        making.test(held, by=request.user, now=timezone.now())
    except Problem as problem:
        messages.warning(request, problem.message)
    else:
        messages.success(request, "A test is on its way. The log below says how it went.")
    return redirect("alerts:channel", held.pk)


@require_POST
@page(Permission.MANAGE_BUDGETS)
def enable(request: OrgRequest, channel_id: UUID) -> HttpResponse:
    held = channel_of(request, channel_id)
    making.enable(held, by=request.user)
    messages.success(request, f"{held.name} is enabled. What was given up meanwhile is not sent again.")
    return redirect("alerts:channel", held.pk)


@never_cache
@require_POST
@page(Permission.MANAGE_BUDGETS)
def new_secret(request: OrgRequest, channel_id: UUID) -> HttpResponse:
    held = channel_of(request, channel_id)
    try:
        signing = making.new_secret(held, by=request.user, now=timezone.now())
    except Problem:
        raise Http404 from None
    return shown(request, held, signing)


@require_POST
@page(Permission.MANAGE_BUDGETS)
def remove(request: OrgRequest, channel_id: UUID) -> HttpResponse:
    held = channel_of(request, channel_id)
    making.remove(held, by=request.user, now=timezone.now())
    messages.success(request, f"{held.name} is gone, and its address with it.")
    return redirect("alerts:channels")


def shown(request: OrgRequest, channel: Channel, signing: Secret) -> HttpResponse:
    """The signing secret, this once."""
    context = {"channel": channel, "signing": shown_once(signing)}
    return render(request, "budgets/alerts/channel_secret.html", context)


def kind_of(request: OrgRequest) -> Kind:
    kind = BY_ID.get(request.GET.get("kind", "email"))
    if kind is None:
        raise Http404
    return kind


def channel_of(request: OrgRequest, channel_id: UUID) -> Channel:
    return get_object_or_404(Channel.objects.owned_by(request.organization).kept(), pk=channel_id)
