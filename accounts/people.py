"""The team page: who belongs to an organization, who was asked to, and what may be done about it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.db.models.functions import Lower
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import invitations, reset_links, sessions, team
from accounts.forms import InvitationForm, RoleForm
from accounts.gates import page, recently_proved
from accounts.http import OrgRequest
from accounts.invitations import REFUSED, Invited, NoLongerOpen
from accounts.invited import Invitation
from accounts.limits import tell_too_many
from accounts.models import Membership
from accounts.pacing import TooMany
from accounts.permissions import Permission, Role
from accounts.team import LastOwner
from tokentra.lib.tenancy import organization_scope

ON_A_PAGE = 50
OVER = "The invitation of {} was accepted or taken back already."


@require_GET
@page(Permission.SEE_COSTS)
def members(request: OrgRequest) -> HttpResponse:
    return drawn(request)


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_PEOPLE)
def member(request: OrgRequest, member_id: UUID) -> HttpResponse:
    """One member, whose role POST changes."""
    them = of(request, member_id)
    form = RoleForm(request.POST or None, giver=request.membership, initial={"role": them.role})
    if not form.is_valid():
        return drawn_member(request, them, form, status=422 if form.errors else 200)
    recently_proved(request)
    try:
        team.change_role(request.organization, member_id, form.role, by=request.user)
    except LastOwner as refusal:
        return drawn_member(request, them, form, problem=str(refusal), status=409)
    return done(
        request, f"{them.user.email} has the role {form.role.label.lower()} now.", is_self=is_self(request, them)
    )


@require_POST
@page(Permission.MANAGE_PEOPLE)
def remove_member(request: OrgRequest, member_id: UUID) -> HttpResponse:
    them = of(request, member_id)
    recently_proved(request)
    try:
        team.remove(request.organization, member_id, by=request.user)
    except LastOwner as refusal:
        return drawn_member(request, them, problem=str(refusal), status=409)
    return done(
        request, f"{them.user.email} belongs to {request.organization.name} no longer.", is_self=is_self(request, them)
    )


@require_POST
@page(Permission.OWN)
def hand_over(request: OrgRequest, member_id: UUID) -> HttpResponse:
    them = of(request, member_id)
    recently_proved(request)
    team.hand_over(request.organization, member_id, by=request.membership)
    return done(request, f"{them.user.email} owns {request.organization.name} now, and you are an admin.", is_self=True)


@require_POST
@never_cache
@page(Permission.MANAGE_PEOPLE, scoped=False)
def reset_link(request: OrgRequest, member_id: UUID) -> HttpResponse:
    """A one-time link to a new password, on the answer to this request and nowhere after it."""
    with organization_scope(request.organization.pk):
        them = of(request, member_id)
    recently_proved(request)
    try:
        link = reset_links.for_member(them, by=request.membership)
    except reset_links.BelongsElsewhere:
        sentence = "They belong to another organization too. The people who run this installation can make the link."
        with organization_scope(request.organization.pk):
            return drawn_member(request, them, problem=sentence, status=409)
    return render(request, "accounts/reset_link.html", {"member": them, "link": link})


@require_POST
@page(Permission.SEE_COSTS)
def leave(request: OrgRequest) -> HttpResponse:
    try:
        team.leave(request.membership)
    except LastOwner as refusal:
        return drawn(request, problem=f"{refusal} Make somebody else an owner, then leave.", status=409)
    return done(request, f"You left {request.organization.name}.", is_self=True)


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_PEOPLE)
def invite(request: OrgRequest) -> HttpResponse:
    """Ask addresses in. Their links are on the answer to this request, and nowhere after it."""
    if request.method == "GET":
        return redirect("accounts:team")
    form = InvitationForm(request.POST, giver=request.membership)
    if not form.is_valid():
        return drawn(request, form=form, status=422)
    if form.role in {Role.OWNER, Role.ADMIN}:
        recently_proved(request)
    results = invitations.invite(request.organization, form.cleaned_data["addresses"], form.role, by=request.user)
    return told(request, results)


@require_POST
@page(Permission.MANAGE_PEOPLE)
def send_again(request: OrgRequest, invitation_id: UUID) -> HttpResponse:
    offer = offer_of(request, invitation_id)
    try:
        return told(request, [invitations.send_again(offer, by=request.user)])
    except NoLongerOpen:
        return drawn(request, problem=OVER.format(offer.email), status=409)
    except TooMany as many:
        return tell_too_many(drawn(request, problem=str(many)), many)


@require_POST
@page(Permission.MANAGE_PEOPLE)
def revoke(request: OrgRequest, invitation_id: UUID) -> HttpResponse:
    offer = offer_of(request, invitation_id)
    try:
        invitations.revoke(offer, by=request.user)
    except NoLongerOpen:
        return drawn(request, problem=OVER.format(offer.email), status=409)
    return done(request, f"The invitation of {offer.email} was taken back.", is_self=False)


def of(request: OrgRequest, member_id: UUID) -> Membership:
    return get_object_or_404(request.organization.memberships.select_related("user"), pk=member_id)


def offer_of(request: OrgRequest, invitation_id: UUID) -> Invitation:
    return get_object_or_404(request.organization.invitations.with_mail(), pk=invitation_id)


def is_self(request: OrgRequest, them: Membership) -> bool:
    return them.pk == request.membership.pk


def done(request: OrgRequest, sentence: str, *, is_self: bool) -> HttpResponse:
    """Go on, with a session of a new id when one's own role or place changed."""
    if is_self:
        sessions.end_others(request)
    messages.success(request, sentence)
    return redirect("front_door" if is_self else "accounts:team")


def told(request: OrgRequest, results: Sequence[Invited]) -> HttpResponse:
    """What became of each address; 422 when nothing was sent at all, 429 when that is for having sent too many."""
    refused = "\n".join(each.email for each in results if each.status == REFUSED)
    again = InvitationForm(giver=request.membership, initial={"addresses": refused})
    context = {"results": results, "again": again if refused else None}
    sent = any(each.link for each in results)
    answer = render(request, "accounts/invited.html", context, status=200 if sent else 422)
    many = invitations.stopped(results)
    return tell_too_many(answer, many) if many else answer


def drawn_member(
    request: OrgRequest, them: Membership, form: RoleForm | None = None, *, problem: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "member": them,
        "is_self": is_self(request, them),
        "form": form or RoleForm(giver=request.membership, initial={"role": them.role}),
        "may_manage": request.membership.may_give(Role(them.role)),
        "may_hand_over": request.membership.may(Permission.OWN) and not is_self(request, them),
        "problem": problem,
    }
    return render(request, "accounts/member.html", context, status=status)


def drawn(
    request: OrgRequest, *, form: InvitationForm | None = None, problem: str = "", status: int = 200
) -> HttpResponse:
    """The page as this member may see it: invitations are for those who manage people."""
    context: dict[str, Any] = shown(request) | {"problem": problem}
    if request.membership.may(Permission.MANAGE_PEOPLE) and not request.organization.is_sample:
        now = timezone.now()
        waiting = request.organization.invitations.with_mail().unanswered().order_by("-created_at")
        context["waiting"] = [(offer, offer.status(now)) for offer in waiting]
        context["form"] = form or InvitationForm(giver=request.membership)
    return render(request, "accounts/team.html", context, status=status)


def shown(request: OrgRequest) -> dict[str, Any]:
    """A page of members, those alone whose name or address holds what was looked for."""
    wanted = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    everybody = request.organization.memberships.select_related("user").order_by(Lower("user__email"))
    found = everybody.filter(Q(user__email__icontains=wanted) | Q(user__full_name__icontains=wanted))
    here = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    return {
        "wanted": wanted,
        "members": here,
        "previous": querystring(wanted, here.previous_page_number()) if here.has_previous() else "",
        "next": querystring(wanted, here.next_page_number()) if here.has_next() else "",
        "line": f"{here.start_index()} to {here.end_index()} of {here.paginator.count:,}",
        "how_many": "Only you so far." if everybody.count() == 1 else f"{everybody.count():,} people",
    }


def querystring(wanted: str, number: int) -> str:
    return "?" + urlencode({"q": wanted, "page": number} if wanted else {"page": number})
