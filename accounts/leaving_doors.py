"""Doors to what is taken along, and to the end: one's data, one's account, an organization."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts import audit, closing, everything, forgetting
from accounts.closing import NotItsName
from accounts.forgetting import StillNeeded
from accounts.gates import page, recently_proved
from accounts.http import OrgRequest
from accounts.models import User
from accounts.permissions import Permission
from accounts.sign_on.standing import standing
from accounts.team import LastOwner
from tokentra.lib.tenancy import organization_scope


class TypedForm(forms.Form):
    typed = forms.CharField(max_length=254, strip=True)

    def __init__(self, *args: Any, label: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["typed"].label = label
        self.fields["typed"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}


@require_GET
@login_required
def my_data(request: HttpRequest) -> HttpResponse:
    told = everything.written(everything.of_person(cast(User, request.user), admits=standing(request).admits))
    headers = {"Content-Disposition": 'attachment; filename="tokentra-my-data.json"', "Cache-Control": "no-store"}
    return HttpResponse(told, content_type="application/json", headers=headers)


@require_http_methods(["GET", "POST"])
@login_required
def delete_account(request: HttpRequest) -> HttpResponse:
    """The address is typed, and the password was given a moment ago."""
    person = User.objects.get(pk=cast(User, request.user).pk)
    form = TypedForm(request.POST or None, label="Type your email address to confirm")
    if form.is_valid():
        recently_proved(request)
        if form.cleaned_data["typed"].lower() != person.email:
            form.add_error("typed", "This is not your address.")
        else:
            try:
                forgetting.forget(person)
            except (StillNeeded, LastOwner):
                pass  # the page lists them
            else:
                logout(request)
                messages.success(request, "Your account is deleted.")
                return redirect("account_login")
    needed = forgetting.held_by(person)
    status = 409 if form.is_bound and needed else 422 if form.errors else 200
    return render(request, "accounts/delete_account.html", {"form": form, "needed": needed}, status=status)


@require_GET
@page(Permission.OWN, scoped=False)
def everything_file(request: OrgRequest) -> HttpResponseBase:
    recently_proved(request)
    with organization_scope(request.organization.pk, up_to_date=False):
        audit.note("organization_exported", request.organization, request.user, about=request.organization)
    headers = {"Content-Disposition": 'attachment; filename="tokentra-everything.jsonl"', "Cache-Control": "no-store"}
    lines = everything.of_organization(request.organization)
    return StreamingHttpResponse(lines, content_type="application/jsonl; charset=utf-8", headers=headers)


@require_http_methods(["GET", "POST"])
@page(Permission.OWN)
def delete_organization(request: OrgRequest) -> HttpResponse:
    """Its name is typed, below what goes with it."""
    form = TypedForm(request.POST or None, label="Type the organization's name to confirm")
    if form.is_valid():
        recently_proved(request)
        name = request.organization.name
        try:
            closing.begin(request.organization, typed=form.cleaned_data["typed"], by=request.user)
        except NotItsName:
            form.add_error("typed", "This is not its name.")
        else:
            messages.success(request, f"{name} is deleted. Its keys are destroyed; its rows go within minutes.")
            return redirect("front_door")
    context = {"form": form, "losses": closing.losses(request.organization)}
    return render(request, "accounts/delete_organization.html", context, status=422 if form.errors else 200)
