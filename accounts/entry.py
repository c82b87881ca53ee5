"""The doors in: sign-up, login, the code, the reset link. allauth's views, with our answers to mistakes."""

from typing import Any

from allauth.account import views as allauth
from allauth.account.internal.flows.email_verification_by_code import EMAIL_VERIFICATION_CODE_SESSION_KEY
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.views import SignupView as SocialSignup
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST
from django.views.generic import FormView

from accounts import arrival, joining, limits, signup
from accounts.factor_keeping import passkeys_work
from accounts.forms import CodeForm, LoginForm, PasswordAgainForm, ResetPasswordKeyForm, SignupForm, SocialSignupForm
from accounts.invitations import NoLongerOpen
from accounts.invited import Invitation
from accounts.signup import Arrival
from tokentra.lib.tenancy import organization_scope

TOO_MANY = "too_many_login_attempts"


class Answers:
    """A wrong form is drawn again with 422; one too many says when to come again."""

    action = ""
    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]  # a mixin
        if isinstance(response, HttpResponse) and response.status_code == 429 and "Retry-After" not in response:
            return limits.tell(response, limits.tightest(request, *self.action.split()))
        return response

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]  # a mixin
        if response.status_code == 200:
            response.status_code = 422
        return response


def providers(request: HttpRequest) -> list[Any]:
    """The other services one can sign in with here, in our order: those whose client id is configured."""
    order = list(settings.SOCIAL_PROVIDERS)
    return sorted(get_adapter(request).list_providers(request), key=lambda provider: order.index(provider.id))


class SignupView(Answers, allauth.SignupView):  # type: ignore[misc]  # allauth has no types
    form_class = SignupForm
    action = "signup confirm_email"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "plans_enforced": settings.PLANS_ENFORCED,
            "providers": providers(self.request),
            "invitation": self.invitation,
        }

    @cached_property
    def invitation(self) -> Invitation | None:
        return joining.held(self.request)

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_form_kwargs()
        return kwargs | {"invitation": self.invitation}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        arrival.chose(request, "email")
        try:
            return self.post_as_one(request, *args, **kwargs)
        except NoLongerOpen:
            return redirect("accounts:held_invitation")
        except IntegrityError:  # the address signed up in this very moment, elsewhere: it is a known one now
            del self._cached_form
            return self.post_as_one(request, *args, **kwargs)

    def post_as_one(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Everything that a sign-up writes, the code's mail and the session too, in one transaction."""
        with organization_scope(signup.place_for(Arrival(invitation=self.invitation))):
            response: HttpResponseBase = super().post(request, *args, **kwargs)
            if request.session.modified:
                request.session.save()  # it holds the code; the middleware would save it after the commit
        return response


class SocialSignupView(Answers, SocialSignup):  # type: ignore[misc]  # allauth has no types
    form_class = SocialSignupForm


class LoginView(Answers, allauth.LoginView):  # type: ignore[misc]  # allauth has no types
    form_class = LoginForm
    action = "login"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        shown = {"providers": providers(self.request), "passkeys_work": passkeys_work(self.request)}
        return context | shown | {"invitation": joining.held(self.request)}

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        response = super().form_invalid(form)
        if form.has_error("__all__", TOO_MANY):
            key = limits.account_key(form.data.get("login", ""))
            return limits.tell(response, limits.tightest(self.request, "login_failed", key=key))
        return response


class VerificationView(Answers, allauth.ConfirmEmailVerificationCodeView):  # type: ignore[misc]  # allauth has no types
    """The code. A known address and a new one see the same page, so it offers the same to both."""

    form_class = CodeForm
    action = "confirm_email"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        was_sent = EMAIL_VERIFICATION_CODE_SESSION_KEY in request.session
        response = super().dispatch(request, *args, **kwargs)
        return self.over("This code has expired.") if was_sent and self._process is None else response

    @cached_property
    def _action(self) -> str:
        return "resend" if self.request.POST.get("action") == "resend" and self._process.can_resend else "verify"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"is_signup": self.request.user.is_anonymous}

    def _resend_form_valid(self, form: BaseForm) -> HttpResponse:
        before = self._process.state["resend_count"]
        response: HttpResponse = super()._resend_form_valid(form)
        if self._process.state["resend_count"] > before:
            messages.success(self.request, "There is a new code. The one before works no longer.")
        return response

    def _verify_form_invalid(self, form: BaseForm) -> HttpResponse:
        if self._process.record_invalid_attempt():
            return FormView.form_invalid(self, form)
        return self.over("That was wrong too often, so this code works no longer.")

    def over(self, why: str) -> HttpResponse:
        """Say where the next code comes from: at the login for a stranger, whether the address is known or not."""
        is_stranger = self.request.user.is_anonymous
        messages.error(self.request, f"{why} {'Log in to get a new one.' if is_stranger else 'Send a new one.'}")
        return redirect("account_login" if is_stranger else "account_email")


verification = allauth.login_not_required(VerificationView.as_view())


class PasswordResetView(Answers, allauth.PasswordResetView):  # type: ignore[misc]  # allauth has no types
    action = "reset_password"


class PasswordResetFromKeyView(Answers, allauth.PasswordResetFromKeyView):  # type: ignore[misc]  # allauth has no types
    form_class = ResetPasswordKeyForm
    action = "reset_password_from_key"


class ReauthenticateView(Answers, allauth.ReauthenticateView):  # type: ignore[misc]  # allauth has no types
    form_class = PasswordAgainForm
    action = "reauthenticate"


@require_POST
def restart_signup(request: HttpRequest) -> HttpResponse:
    """The address was wrong: forget this sign-up and begin again."""
    process = allauth.flows.email_verification_by_code.EmailVerificationProcess.resume(request)
    if process and request.user.is_anonymous:
        user = process.user
        process.abort()
        clear_login(request)
        if user:
            signup.abandon(user)
    return redirect("account_signup")


def unverified_address(request: HttpRequest) -> str:
    """The address of a signed-in person that nobody has proved yet."""
    user = request.user
    if not user.is_authenticated or EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists():
        return ""
    return user.email
