"""Own pages of accounts: settings of a person and of an organization, and the switch between them."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import demonstration
from accounts import organizations as places
from accounts.gates import page
from accounts.http import OrgRequest
from accounts.invitations import all_waiting_for
from accounts.invited import Invitation
from accounts.limits import tell_too_many
from accounts.middleware import act_for
from accounts.models import Organization, User
from accounts.pacing import TooMany
from accounts.permissions import Permission
from accounts.settings_forms import NewOrganizationForm, OrganizationForm, ProfileForm
from accounts.sign_on.standing import standing


@require_GET
@login_required
def settings_door(request: HttpRequest) -> HttpResponse:
    membership = cast(OrgRequest, request).membership
    manages = membership is not None and membership.may(Permission.MANAGE_SETTINGS)
    return redirect("accounts:settings_organization" if manages else "accounts:profile")


@require_http_methods(["GET", "POST"])
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=cast(User, request.user).pk))
    if form.is_valid():
        form.save()
        messages.success(request, "Your name was saved.")
        return redirect("accounts:profile")
    return render(request, "accounts/profile.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_SETTINGS)
def organization(request: OrgRequest) -> HttpResponse:
    form = OrganizationForm(request.POST or None, instance=request.organization)
    if form.is_valid():
        places.changed(form.instance, form.changed_data, by=request.user)
        messages.success(request, "The organization was saved.")
        return redirect("accounts:settings_organization")
    if form.errors:
        request.organization.refresh_from_db()  # the frame shows what is stored
    context = {
        "form": form,
        "may_own": request.membership.may(Permission.OWN),
        "is_prefilled": places.is_named_by_address(request.organization, request.user),
    }
    return render(request, "accounts/organization.html", context, status=422 if form.errors else 200)


@require_GET
@login_required
def organizations(request: HttpRequest) -> HttpResponse:
    """Where this person belongs, and where they are asked to; the menu in the top bar is a part of it."""
    user = cast(User, request.user)
    shown = standing(request)
    mine = [each for each in places.memberships(user) if shown.may_see(each)]
    context: dict[str, Any] = {"memberships": mine}
    if cast(OrgRequest, request).htmx:
        return render(request, "accounts/organizations.html#menu", context)
    return render(request, "accounts/organizations.html", context | {"waiting": waiting_for(request)})


@require_http_methods(["GET", "POST"])
@login_required
def new_organization(request: HttpRequest) -> HttpResponse:
    """Another organization of one's own, such as a client's workspace; it is entered at once."""
    here: Organization | None = cast(OrgRequest, request).organization
    like_here = {"timezone": here.timezone, "currency": here.currency} if here else {}
    form = NewOrganizationForm(request.POST or None, initial=like_here)
    if form.is_valid():
        try:
            act_for(request, places.create(**form.cleaned_data, by=cast(User, request.user)).pk)
        except TooMany as many:
            form.add_error(None, str(many))
            return tell_too_many(render(request, "accounts/new_organization.html", {"form": form}), many)
        return redirect("front_door")
    return render(request, "accounts/new_organization.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
@login_required
def no_organization(request: HttpRequest) -> HttpResponse:
    if cast(OrgRequest, request).membership is not None:
        return redirect("front_door")
    user = cast(User, request.user)
    behind = [each for each in places.memberships(user) if standing(request).may_see(each)]
    context = {"waiting": waiting_for(request), "behind": behind}
    return render(request, "accounts/no_organization.html", context)


def waiting_for(request: HttpRequest) -> list[Invitation]:
    """A session that came by a sign-on is told of no other organization."""
    return all_waiting_for(cast(User, request.user)) if standing(request).is_own else []


@require_POST
@login_required
def enter_organization(request: HttpRequest, pk: UUID) -> HttpResponse:
    places.enter(request, cast(User, request.user), pk)
    if pk not in {membership.organization_id for membership in cast(OrgRequest, request).memberships}:
        return redirect("accounts:sign_on_needed", pk)
    return redirect("front_door")


@require_GET
@never_cache
def demo_door(request: HttpRequest, token: str) -> HttpResponse:
    if not demonstration.opens_for(request, token) or not demonstration.enter(request):
        raise Http404
    return redirect("front_door")
