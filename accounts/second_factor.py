"""Pages of the second factor: asked for at login, set up, taken away. allauth's views, with our answers."""

from typing import Any

from allauth.mfa.base import views as base
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import limits, sessions
from accounts.entry import TOO_MANY, Answers
from accounts.factor_keeping import forget_browsers, passkeys_work
from accounts.forms import CodeAgainForm, PasskeyForm, PasskeyNameForm, SecondStepForm, TotpForm
from accounts.models import User

SECURITY = reverse_lazy("accounts:security")
LIMITED = {TOO_MANY, "rate_limited"}


class FactorAnswers(Answers):
    """Wrong codes count for the person whose codes they are: one too many says when to come again."""

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        response = super().form_invalid(form)
        if LIMITED & {error.code for errors in form.errors.as_data().values() for error in errors}:
            return limits.tell(response, limits.tightest(self.request, "login_failed", key=self.counted_under()))
        return response

    def counted_under(self) -> str:
        stage = getattr(self, "stage", None)
        person = stage.login.user if stage else self.request.user
        return f"mfa-auth-user-{person.pk}"


class AskView(FactorAnswers, base.AuthenticateView):  # type: ignore[misc]  # allauth has no types
    """Between the password and the account."""

    form_class = SecondStepForm
    action = "login_failed"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        mine = Authenticator.objects.filter(user_id=self.stage.login.user.pk)
        types = set(mine.values_list("type", flat=True))
        can_use = Authenticator.Type.WEBAUTHN in types and passkeys_work(self.request)
        return context | {"has_codes": types - {Authenticator.Type.WEBAUTHN}, "has_passkey": can_use}


class AskAgainView(FactorAnswers, base.ReauthenticateView):  # type: ignore[misc]  # allauth has no types
    form_class = CodeAgainForm
    action = "reauthenticate"


class PasskeyAgainView(Answers, webauthn.ReauthenticateWebAuthnView):  # type: ignore[misc]  # allauth has no types
    action = "reauthenticate"

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        return no_such_passkey(self.request, "mfa_reauthenticate_webauthn")


class PasskeyLoginView(Answers, webauthn.LoginWebAuthnView):  # type: ignore[misc]  # allauth has no types
    action = "webauthn_login"

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        return no_such_passkey(self.request, "account_login")


def no_such_passkey(request: HttpRequest, back: str) -> HttpResponse:
    messages.error(request, "This passkey opens no account here. Choose another one, or another way to log in.")
    return redirect(back)


class TotpOnView(FactorAnswers, totp.ActivateTOTPView):  # type: ignore[misc]  # allauth has no types
    form_class = TotpForm
    action = "login_failed"

    def form_valid(self, form: BaseForm) -> HttpResponse:
        return changed(self.request, super().form_valid(form))


class TotpOffView(Answers, totp.DeactivateTOTPView):  # type: ignore[misc]  # allauth has no types
    def form_valid(self, form: BaseForm) -> HttpResponse:
        return changed(self.request, super().form_valid(form))


class PasskeyOnView(Answers, webauthn.AddWebAuthnView):  # type: ignore[misc]  # allauth has no types
    form_class = PasskeyForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | kwargs | {"passkeys_work": passkeys_work(self.request)}

    def form_valid(self, form: BaseForm) -> HttpResponse:
        return changed(self.request, super().form_valid(form))


class PasskeyOffView(webauthn.RemoveWebAuthnView):  # type: ignore[misc]  # allauth has no types
    success_url = SECURITY

    def form_valid(self, form: BaseForm) -> HttpResponse:
        return changed(self.request, super().form_valid(form))


class PasskeyNameView(Answers, webauthn.EditWebAuthnView):  # type: ignore[misc]  # allauth has no types
    form_class = PasskeyNameForm
    success_url = SECURITY


@method_decorator(never_cache, name="dispatch")
class RecoveryCodesView(recovery.ViewRecoveryCodesView):  # type: ignore[misc]  # allauth has no types
    """The codes that are left."""


class NewRecoveryCodesView(Answers, recovery.GenerateRecoveryCodesView):  # type: ignore[misc]  # allauth has no types
    """All earlier codes work no longer."""


def changed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Whoever was in by the old way is out: what protects an account counts for every session of it."""
    sessions.end_others(request)
    return response


@require_POST
@login_required
def forget_remembered(request: HttpRequest) -> HttpResponse:
    """Each browser is asked for the second factor again, the next time it logs in."""
    if isinstance(request.user, User):
        forget_browsers(request.user)
        sessions.note_everywhere("browsers_forgotten", request.user)
    messages.success(request, "Every browser is asked for the second step again.")
    return redirect("accounts:security")
