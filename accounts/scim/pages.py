"""Settings of an organization's directory: its tokens, the role of whoever is new, the roles of groups."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import audit
from accounts.gates import page, recently_proved
from accounts.http import OrgRequest, absolute
from accounts.permissions import Permission
from accounts.scim import groups, roles, showing, tokens
from accounts.scim.kept import Directory
from accounts.scim.showing import DefaultRoleForm, GroupRolesForm
from accounts.sign_on import setting_up
from accounts.sign_on.pages import done, drawn


@require_POST
@never_cache
@page(Permission.OWN)
def make_token(request: OrgRequest) -> HttpResponse:
    """The token is on the answer to this request and nowhere after it."""
    recently_proved(request)
    try:
        made = tokens.make(request.organization, by=request.user)
    except tokens.NoDomain:
        return refused(request, "Prove a domain first: your directory tells of people of your domains.")
    except tokens.TooManyTokens:
        return refused(request, f"{tokens.MOST} tokens work already. Revoke one first.")
    return render(request, "accounts/scim/made.html", {"made": made, "scim_address": absolute("/scim/v2")})


@require_POST
@page(Permission.OWN)
def revoke_token(request: OrgRequest, token_id: UUID) -> HttpResponse:
    if showing.token_of(request.organization, token_id) is None:
        raise Http404
    recently_proved(request)
    tokens.revoke(request.organization, token_id, by=request.user)
    return done(request, "The token was revoked. Requests with it are refused from now on.")


@require_POST
@page(Permission.OWN)
def choose_default(request: OrgRequest) -> HttpResponse:
    form = DefaultRoleForm(request.POST)
    if not form.is_valid():
        return drawn(request, setting_up.of(request.organization), default_form=form, status=422)
    recently_proved(request)
    role, before = form.cleaned_data["default_role"], roles.default_role(request.organization)
    Directory.objects.update_or_create(organization=request.organization, defaults={"default_role": role})
    audit.note("directory_role_chosen", request.organization, request.user, before=before, after=role)
    return done(request, "The role was saved.")


@require_POST
@page(Permission.OWN)
def choose_roles(request: OrgRequest) -> HttpResponse:
    form = GroupRolesForm(request.POST, groups=showing.groups_of(request.organization))
    if not form.is_valid():
        return drawn(request, setting_up.of(request.organization), groups_form=form, status=422)
    recently_proved(request)
    for group, role in form.chosen:
        groups.choose_role(request.organization, group, role, by=request.user)
    return done(request, "The roles were saved.")


def refused(request: OrgRequest, sentence: str) -> HttpResponse:
    return drawn(request, setting_up.of(request.organization), problem=sentence, status=409)
