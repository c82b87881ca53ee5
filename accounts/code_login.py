"""Log in with a code that is mailed: the same pages whether the address is known or not."""

from typing import Any

from allauth.account import views as allauth
from allauth.account.internal.decorators import login_stage_required
from allauth.account.stages import LoginByCodeStage
from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.decorators import method_decorator

from accounts import limits, signup
from accounts.entry import TOO_MANY, Answers
from accounts.forms import AskForLoginCodeForm, LoginCodeForm
from accounts.models import User


class RequestCodeView(Answers, allauth.RequestLoginCodeView):  # type: ignore[misc]  # allauth has no types
    form_class = AskForLoginCodeForm
    action = "request_login_code"

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        response = super().form_invalid(form)
        if form.has_error("email", TOO_MANY):
            key = form.data.get("email", "").lower()
            return limits.tell(response, limits.tightest(self.request, self.action, key=key))
        return response


@method_decorator(login_stage_required(stage=LoginByCodeStage.key, redirect_urlname="account_login"), name="dispatch")
class ConfirmCodeView(Answers, allauth.ConfirmLoginCodeView):  # type: ignore[misc]  # allauth has no types
    form_class = LoginCodeForm
    action = "request_login_code"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        if self._process is None:
            messages.error(request, "This code has expired. Ask for a new one.")
        return response

    def _verify_form_valid(self, form: BaseForm) -> HttpResponse:
        if isinstance(self._process.user, User):
            signup.proved_elsewhere(self._process.user, self._process.state["email"])
        response: HttpResponse = super()._verify_form_valid(form)
        return response

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        if self._process.record_invalid_attempt():
            again: HttpResponse = self.render_to_response(self.get_context_data(form=form), status=422)
            return again
        messages.error(self.request, "That was wrong too often, so this code works no longer.")
        return redirect("account_request_login_code")


confirm = allauth.login_not_required(ConfirmCodeView.as_view())
