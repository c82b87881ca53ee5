"""The keys page under Settings, and the pages on which a key is made, replaced and shown once."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.gates import page, recently_proved
from accounts.http import OrgRequest
from accounts.permissions import Permission, Scope
from sdk_keys import ending, issuing, setups, showing, snippets, watching
from sdk_keys.finding import keys_of
from sdk_keys.forms import NOW, KeyForm, ReplaceForm
from sdk_keys.models import ApiKey, KeyState

ANSWERED = "key_form"  # the form by which this session made its latest key


@require_GET
@page(Permission.MANAGE_OWN_KEYS)
def keys(request: OrgRequest) -> HttpResponse:
    context = showing.everything(request.membership, now=timezone.now())
    return render(request, "sdk_keys/keys.html", context | {"guide": setups.Guide(request.GET.get("with", ""))})


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_OWN_KEYS)
def new(request: OrgRequest) -> HttpResponse:
    """POST makes a key and shows it, this once. The same form again, by a reload, makes no other."""
    form = KeyForm(request.POST or None, member=request.membership)
    if request.organization.is_sample:
        return redirect("sdk_keys:list")
    if not form.is_valid():
        return render(request, "sdk_keys/new.html", {"form": form}, status=422 if form.errors else 200)
    recently_proved(request)
    asking = str(form.cleaned_data["asking"] or "")
    if asking and request.session.get(ANSWERED) == asking:
        sentence = f"“{form.cleaned_data['name']}” was made already, and is shown once. Replace it if you have no copy."
        messages.info(request, sentence)
        return redirect("sdk_keys:list")
    try:
        made = issuing.make(request.membership, **form.wanted(timezone.now()))
    except issuing.TooManyKeys as reason:
        return render(request, "sdk_keys/new.html", {"form": form, "problem": str(reason)}, status=409)
    request.session[ANSWERED] = asking
    return shown_once(request, made)


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_OWN_KEYS)
def replace(request: OrgRequest, key_id: UUID) -> HttpResponse:
    """POST makes the key that takes over from this one and shows it, this once."""
    key = of(request, key_id)
    if key.state(timezone.now()) is not KeyState.WORKS:
        messages.info(request, f"“{key.name}” is over, or was replaced already.")
        return redirect("sdk_keys:list")
    form = ReplaceForm(request.POST or None)
    if not form.is_valid():
        context = {"form": form, "key": key}
        return render(request, "sdk_keys/replace.html", context, status=422 if form.errors else 200)
    recently_proved(request)
    try:
        made = ending.replace(key, at_once=form.cleaned_data["old"] == NOW, by=request.membership)
    except (ending.EndedAlready, issuing.TooManyKeys) as reason:
        messages.error(request, str(reason) or f"“{key.name}” is over, or was replaced already.")
        return redirect("sdk_keys:list")
    return shown_once(request, made, old=key)


@require_POST
@page(Permission.MANAGE_OWN_KEYS)
def revoke(request: OrgRequest, key_id: UUID) -> HttpResponse:
    key = of(request, key_id)
    ending.revoke(key, by=request.user)
    messages.success(request, f"“{key.name}” was revoked. Programs that send it are refused from now on.")
    return redirect("sdk_keys:list")


def of(request: OrgRequest, key_id: UUID) -> ApiKey:
    return get_object_or_404(keys_of(request.membership), pk=key_id)


def shown_once(request: OrgRequest, made: issuing.Issued, *, old: ApiKey | None = None) -> HttpResponse:
    if old:
        old.refresh_from_db()
    context: dict[str, Any] = {"made": made, "old": old}
    if Scope.INGEST in made.key.scopes:
        context |= {"guide": setups.Guide(key=made.clear), "arriving": watching.look(request, only=made.key.pk)}
    elif Scope.READ in made.key.scopes:
        context |= {"snippet": snippets.read_usage(made.clear)}
    return render(request, "sdk_keys/made.html", context)
