"""How a person protects their account: address, password, sessions."""

from typing import Any

from allauth.account import views as allauth
from allauth.account.internal.flows.email_verification import send_verification_email_for_user
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse_lazy
from django.views.decorators.http import require_POST

from accounts import sessions
from accounts.entry import Answers, providers
from accounts.forms import ChangePasswordForm, NewAddressForm, SetPasswordForm


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

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        mine = UserSession.objects.purge_and_list(self.request.user)
        for session in mine:
            session.device = sessions.device(session.user_agent)
        latest = sorted(mine, key=lambda session: session.last_seen_at, reverse=True)
        return context | {"sessions": latest, "providers": providers(self.request)}


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
