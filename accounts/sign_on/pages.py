"""Settings of an organization's single sign-on: its domains, its provider, its switches."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.gates import page, recently_proved
from accounts.http import OrgRequest, absolute
from accounts.permissions import Permission
from accounts.scim import showing
from accounts.sign_on import domains, setting_up
from accounts.sign_on.domains import NotShown, ProvedElsewhere, has_been_used
from accounts.sign_on.forms import DomainForm, SignOnForm, SwitchForm
from accounts.sign_on.kept import SignOn, SignOnDomain
from tokentra.lib.tenancy import organization_scope


@require_http_methods(["GET", "POST"])
@page(Permission.OWN)
def provider(request: OrgRequest) -> HttpResponse:
    """The page; POST saves the identity provider."""
    kept = setting_up.of(request.organization)
    if request.method == "GET":
        return drawn(request, kept)
    form = SignOnForm(request.POST, kept=kept)
    if not form.is_valid():
        return drawn(request, kept, form=form, status=422)
    recently_proved(request)
    values = {name: form.cleaned_data[name] for name in setting_up.FIELDS}
    setting_up.save(request.organization, values, secret=form.cleaned_data["client_secret"], by=request.user)
    return done(request, "The identity provider was saved.")


@require_POST
@page(Permission.OWN)
def switch(request: OrgRequest) -> HttpResponse:
    form = SwitchForm(request.POST)
    form.full_clean()
    recently_proved(request)
    try:
        setting_up.switch(request.organization, **form.cleaned_data, by=request.user)
    except setting_up.NotReady as refusal:
        return drawn(request, setting_up.of(request.organization), problem=str(refusal), status=409)
    return done(request, "The switches were saved.")


@require_POST
@page(Permission.OWN)
def remove(request: OrgRequest) -> HttpResponse:
    recently_proved(request)
    setting_up.remove(request.organization, by=request.user)
    return done(request, "The identity provider was removed.")


@require_POST
@page(Permission.OWN)
def claim(request: OrgRequest) -> HttpResponse:
    form = DomainForm(request.POST)
    if form.is_valid():
        try:
            domains.claim(request.organization, form.cleaned_data["name"], by=request.user)
            return done(request, "Put the TXT record into its DNS, then check it.")
        except ValidationError as refusal:
            form.add_error("name", refusal)
    return drawn(request, setting_up.of(request.organization), domain_form=form, status=422)


@require_POST
@page(Permission.OWN, scoped=False)
def prove(request: OrgRequest, domain_id: UUID) -> HttpResponse:
    """Asks the DNS between two transactions."""
    with organization_scope(request.organization.pk):
        domain = domain_of(request, domain_id)
    recently_proved(request)
    try:
        domains.prove(domain, by=request.user)
        messages.success(request, f"{domain.name} is yours: the record was found.")
    except NotShown as found:
        messages.error(request, f"{domain.name} shows {found} yet. DNS may take an hour; then check again.")
    except ProvedElsewhere:
        messages.error(request, f"Another organization here has proved {domain.name}.")
    return redirect("accounts:sign_on")


@require_POST
@page(Permission.OWN)
def drop(request: OrgRequest, domain_id: UUID) -> HttpResponse:
    domain = domain_of(request, domain_id)
    recently_proved(request)
    domains.drop(domain, by=request.user)
    return done(request, f"{domain.name} was removed.")


def domain_of(request: OrgRequest, domain_id: UUID) -> SignOnDomain:
    return get_object_or_404(request.organization.sign_on_domains.select_related("organization"), pk=domain_id)


def done(request: OrgRequest, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return redirect("accounts:sign_on")


def drawn(request: OrgRequest, kept: SignOn | None, *, status: int = 200, **more: Any) -> HttpResponse:
    organization = request.organization
    key = organization.pk.hex
    before = {name: getattr(kept, name) for name in setting_up.FIELDS} if kept else {}
    switches = {"is_on": bool(kept and kept.is_on), "is_required": organization.sign_on_required}
    context = {
        "kept": kept,
        "domains": organization.sign_on_domains.order_by("name"),
        "form": SignOnForm(initial=before, kept=kept),
        "domain_form": DomainForm(),
        "switch_form": SwitchForm(initial=switches),
        "was_used": has_been_used(key),
        "redirect_uri": absolute(reverse("openid_connect_callback", args=[key])),
        "acs_url": absolute(reverse("saml_acs", args=[key])),
        "our_entity_id": absolute(reverse("saml_metadata", args=[key])),
    }
    context |= showing.of(organization)
    return render(request, "accounts/sign_on/settings.html", context | more, status=status)
