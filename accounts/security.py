"""How a person protects their account: address, password, sessions."""

from typing import Any

from allauth.account import views as allauth
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.email_verification import send_verification_email_for_user
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse_lazy
from django.views.decorators.http import require_POST

from accounts import sessions
from accounts.entry import Answers, providers
from accounts.factor_keeping import forget_browsers
from accounts.forms import ChangePasswordForm, NewAddressForm, SetPasswordForm
from accounts.models import User


class EmailView(Answers, allauth.EmailView):  # type: ignore[misc]  # allauth has no types
    """A new address counts once its code was entered; until then the old one stays."""

    form_class = NewAddressForm
    action = "manage_email"


class SecurityView(Answers, allauth.PasswordChangeView):  # type: ignore[misc]  # allauth has no types
    """The password form, with the sessions under it."""

    form_class = ChangePasswordForm
    action = "change_password"
    template_name = "accounts/security.html"
    success_url = reverse_lazy("accounts:security")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if request.method == "GET" and isinstance(user, User) and not user.has_usable_password():
            page: HttpResponseBase = self.render_to_response(self.get_context_data(form=None))
            return page  # allauth would lead to the first password
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        mine = UserSession.objects.purge_and_list(self.request.user)
        for session in mine:
            session.device = sessions.device(session.user_agent)
        latest = sorted(mine, key=lambda session: session.last_seen_at, reverse=True)
        return context | factors_of(self.request) | {"sessions": latest, "providers": providers(self.request)}


def factors_of(request: HttpRequest) -> dict[str, Any]:
    """What this person has set up beside their password."""
    mine = Authenticator.objects.filter(user_id=request.user.pk).order_by("created_at")
    codes = mine.filter(type=Authenticator.Type.RECOVERY_CODES).first()
    return {
        "is_verified": not EmailAddress.objects.filter(user_id=request.user.pk, verified=False).exists(),
        "totp": mine.filter(type=Authenticator.Type.TOTP).first(),
        "passkeys": mine.filter(type=Authenticator.Type.WEBAUTHN),
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
    }


class PasswordSetView(Answers, allauth.PasswordSetView):  # type: ignore[misc]  # allauth has no types
    form_class = SetPasswordForm
    action = "change_password"


@require_POST
@login_required
def send_code(request: HttpRequest) -> HttpResponse:
    """Send a code to the address of the person who is signed in, and show where to enter it."""
    send_verification_email_for_user(request, request.user)
    return redirect("account_email_verification_sent")


@require_POST
@login_required
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    session = get_object_or_404(UserSession, pk=pk, user=request.user)
    session.end()
    messages.success(request, "That session was ended.")
    return redirect("accounts:security")


@require_POST
@login_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    sessions.end_others(request)
    messages.success(request, "All other sessions were ended.")
    return redirect("accounts:security")


@require_POST
@login_required
def end_all_sessions(request: HttpRequest) -> HttpResponse:
    """Out everywhere, this browser too, and none is remembered."""
    if isinstance(request.user, User):
        sessions.end_others(request)
        forget_browsers(request.user)
        sessions.note_everywhere("signed_out_everywhere", request.user)
    get_adapter(request).logout(request)
    messages.success(request, "You are logged out everywhere.")
    return redirect("account_login")
