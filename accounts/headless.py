"""Asks allauth's headless views, and tells their answers in the words of our API."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.account.utils import url_str_to_user_pk
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.headless.account import views
from allauth.headless.account.inputs import SignupInput
from allauth.headless.constants import Client
from allauth.headless.internal.sessionkit import session_store
from allauth.headless.mfa.views import AuthenticateView
from django.http import HttpRequest, HttpResponse

from accounts import limits
from accounts.forms import WithOrganization
from tokentra.lib.problems import Problem

PENDING_VERIFICATION, PENDING_MFA = "verify_email", "mfa_authenticate"
OURS = {"key": "code", "password1": "password"}


class JsonSignup(WithOrganization, SignupInput):  # type: ignore[misc]  # allauth has no types
    """What a program signs somebody up with."""


View = Callable[[HttpRequest], HttpResponse]
SIGNUP: View = views.SignupView.as_api_view(client=Client.APP, input_class={"POST": JsonSignup})
LOGIN: View = views.LoginView.as_api_view(client=Client.APP)
SECOND_STEP: View = AuthenticateView.as_api_view(client=Client.APP)
VERIFY: View = views.VerifyEmailView.as_api_view(client=Client.APP)


@dataclass(frozen=True, slots=True)
class Answer:
    """Who is logged in by it, if anybody, what is still missing, and the session's token."""

    is_logged_in: bool
    pending: frozenset[str]
    token: str


def ask(
    request: HttpRequest, view: View, body: dict[str, Any], *, token: str = "", actions: str, key: str = ""
) -> Answer:
    """Raises a Problem for whatever the view refuses; `actions` and `key` name the limits it counts."""
    request._body = json.dumps(body).encode()  # the view reads the request again
    request.META.pop("HTTP_X_SESSION_TOKEN", None)
    if token:
        request.META["HTTP_X_SESSION_TOKEN"] = token
    request.__dict__.pop("headers", None)  # kept by Django from its first reading
    try:
        response = view(request)
    except ImmediateHttpResponse as immediate:
        response = immediate.response
    content = json.loads(response.content or b"{}") if "json" in response.headers.get("Content-Type", "") else {}
    if response.status_code == 429:
        raise too_many(request, actions, key)
    if response.status_code == 403:
        raise Problem(
            403, "signup_closed", "Only people who were invited can sign up here. Open the invitation's link."
        )
    if response.status_code in {409, 410}:
        raise Problem(422, "verification_ended", "This code has expired. Sign up or log in again to get a new one.")
    if response.status_code == 400:
        raise refusal(request, content.get("errors", []), actions, key)
    flows = content.get("data", {}).get("flows", [])
    pending = frozenset(flow["id"] for flow in flows if flow.get("is_pending"))
    meta = content.get("meta", {})
    return Answer(bool(meta.get("is_authenticated")), pending, meta.get("session_token", ""))


def counted_under(token: str) -> str:
    """What wrong codes of the login behind this token are counted under; "" where none waits."""
    waiting = session_store(session_key=token).get(LOGIN_SESSION_KEY) if token.isalnum() else None
    return f"mfa-auth-user-{url_str_to_user_pk(waiting['user_pk'])}" if waiting and waiting.get("user_pk") else ""


def too_many(request: HttpRequest, actions: str, key: str) -> Problem:
    limit = limits.tightest(request, *actions.split(), key=key)
    headers = limit.headers | {"Retry-After": str(limit.reset or 60)}
    return Problem(
        429,
        "too_many_attempts",
        "That was too often. Try again after the time in Retry-After.",
        headers=headers,
    )


def refusal(request: HttpRequest, errors: list[dict[str, str]], actions: str, key: str) -> Problem:
    codes = {error.get("code") for error in errors}
    if codes & {"too_many_login_attempts", "rate_limited"}:
        return too_many(request, actions, key)
    if "email_password_mismatch" in codes:
        return Problem(401, "wrong_credentials", "That address and password do not belong together.")
    if "email_taken" in codes:
        sentence = "There is an account with this address. Log in instead."
        return Problem(409, "email_taken", sentence, fields={"email": [sentence]})
    fields: dict[str, list[str]] = {}
    for error in errors:
        name = error.get("param", "body")
        fields.setdefault(OURS.get(name, name), []).append(error["message"])
    code = "wrong_code" if "incorrect_code" in codes else "invalid_field"
    return Problem(422, code, next(iter(fields.values()))[0] if fields else "Correct the fields.", fields=fields)
