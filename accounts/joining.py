"""The door of an invitation: who asks whom into what, and what each person who comes through it is told."""

from typing import cast
from uuid import UUID

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import invitations, limits
from accounts.invitations import NoLongerOpen, digest_of
from accounts.invited import Invitation, InvitationStatus
from accounts.middleware import act_for
from accounts.models import User

HELD = "invitation"  # in the session: the digest of the link that this browser opened
ACTION = "invitation"


@require_http_methods(["GET", "POST"])
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The link itself. Looking uses nothing up; the token leaves the address bar at once.

    The page without it has the form: from a page that names no referrer browsers post with the origin `null`.
    """
    if limit := limits.exceeded(request, ACTION):
        return limits.tell(render(request, "429.html"), limit)
    offer = invitations.find(digest_of(token))
    if offer is None or not is_open(offer):
        response = gone(request, offer)
    elif request.method == "POST":
        response = answer(request, offer)
    else:
        request.session[HELD] = offer.token_digest
        response = redirect("accounts:held_invitation")
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_http_methods(["GET", "POST"])
@never_cache
def held_invitation(request: HttpRequest) -> HttpResponse:
    """The invitation whose link this browser opened last."""
    if HELD not in request.session:
        raise Http404
    offer = invitations.find(request.session[HELD])
    if offer is None or not is_open(offer):
        return gone(request, offer)
    return answer(request, offer) if request.method == "POST" else show(request, offer)


@require_POST
@login_required
def accept_invitation(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Without its link: an invitation to an address that this person proved."""
    user = cast(User, request.user)
    for offer in invitations.all_waiting_for(user):
        if offer.pk == invitation_id:
            return join(request, offer, user)
    raise Http404


@require_POST
def switch_person(request: HttpRequest) -> HttpResponse:
    """Log out, and go on with the invitation as somebody else."""
    held = request.session.get(HELD)
    get_adapter(request).logout(request)
    if held:
        request.session[HELD] = held
    return redirect("accounts:held_invitation")


@require_POST
def forget_invitation(request: HttpRequest) -> HttpResponse:
    """Go on without the invitation."""
    request.session.pop(HELD, None)
    return redirect("account_signup")


def held(request: HttpRequest) -> Invitation | None:
    """The invitation whose link this browser opened, while it is open."""
    digest = request.session.get(HELD)
    offer = invitations.find(digest) if digest else None
    return offer if offer and is_open(offer) else None


def answer(request: HttpRequest, offer: Invitation) -> HttpResponse:
    """Join, where the person in front of it is the one who was asked; else say what is missing."""
    user = request.user
    if not isinstance(user, User) or not invitations.may_accept(offer, user):
        return show(request, offer)
    return join(request, offer, user)


def join(request: HttpRequest, offer: Invitation, user: User) -> HttpResponse:
    try:
        membership = invitations.accept(offer, user)
    except NoLongerOpen:
        return gone(request, invitations.find(offer.token_digest))
    request.session.pop(HELD, None)
    act_for(request, membership.organization_id)
    messages.success(request, f"You joined {offer.organization.name}.")
    return redirect("front_door")


def show(request: HttpRequest, offer: Invitation) -> HttpResponse:
    """What a stranger, the invited person, or anybody else is told; 403 for those who may not accept."""
    user = request.user
    context = {"invitation": offer}
    if not isinstance(user, User):
        return render(request, "accounts/invitation.html", context)
    if not offer.is_for(user):
        return render(request, "accounts/invitation_other.html", context | {"masked": masked(offer.email)}, status=403)
    if not invitations.may_accept(offer, user):
        return render(request, "accounts/invitation_unverified.html", context, status=403)
    return render(request, "accounts/invitation.html", context)


def gone(request: HttpRequest, offer: Invitation | None) -> HttpResponse:
    """Say why a link works no longer, and what to do next."""
    status = offer.status(timezone.now()) if offer else None
    return render(request, "accounts/invitation_gone.html", {"invitation": offer, "status": status}, status=410)


def is_open(offer: Invitation) -> bool:
    return offer.status(timezone.now()) in {InvitationStatus.PENDING, InvitationStatus.SENT}


def masked(address: str) -> str:
    """`j…@…` of an address that somebody else may not read."""
    return f"{address[0]}…@…"
