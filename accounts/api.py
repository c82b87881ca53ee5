"""Authentication over JSON: sign up, verify, log in, log out, who am I."""

from datetime import UTC
from typing import Any

from allauth.headless.internal.sessionkit import authenticate_by_x_session_token
from allauth.usersessions.models import UserSession
from django.contrib.auth import logout
from django.contrib.sessions.models import Session
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from ninja import Router, Status

from accounts import api_shapes as shapes
from accounts import arrival, headless, limits
from accounts.gates import api_person
from accounts.signup import Arrival, signed_up_by_json
from tokentra.lib.ids import uuid7
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope

router = Router()
FOR_STRANGERS: dict[str, Any] = {"security": []}  # in the API's document: no key, no session


@router.post(
    "/auth/signup",
    response={201: shapes.SignupAnswer},
    exclude_unset=True,
    by_alias=True,
    summary="Sign up",
    openapi_extra=FOR_STRANGERS,
)
def signup(request: HttpRequest, body: shapes.SignupBody) -> Status[shapes.SignupAnswer]:
    """Makes a person and their organization. Where codes are required, known addresses are answered alike."""
    try:
        answer = sign_up(request, body)
    except IntegrityError:  # the address signed up in this very moment, elsewhere: it is a known one now
        answer = sign_up(request, body)
    user_id, organization_id = request.signed_up  # type: ignore[attr-defined]  # set by the form
    said: dict[str, Any] = {"success": True, "user_id": user_id, "organization_id": organization_id}
    said |= {"next_step": "/onboarding/company", "email_verification_required": not answer.is_logged_in}
    if answer.is_logged_in:
        said |= {"token": answer.token, "api_key": first_key(answer.token)}
    elif headless.PENDING_VERIFICATION in answer.pending:
        said["verification_token"] = answer.token
    else:  # a code went to this address a moment ago
        raise headless.too_many(request, "signup confirm_email", body.email.lower())
    return Status(201, shapes.SignupAnswer(**said))


def sign_up(request: HttpRequest, body: shapes.SignupBody) -> headless.Answer:
    with organization_scope(uuid7()):
        request.arrival = Arrival(  # type: ignore[attr-defined]  # the form reads it
            visit=arrival.told(body.utm_params.dict(), path=request.path),
            full_name=body.full_name,
            organization_name=body.organization_name,
            referral_source=body.referral_source,
        )
        fields = {"email": body.email, "password": body.password}
        return headless.ask(request, headless.SIGNUP, fields, actions="signup")


@router.post(
    "/auth/verify-email",
    response=shapes.VerifyAnswer,
    by_alias=True,
    summary="Verify an address with its code",
    openapi_extra=FOR_STRANGERS,
)
def verify_email(request: HttpRequest, body: shapes.VerifyBody) -> dict[str, Any]:
    answer = headless.ask(
        request, headless.VERIFY, {"key": body.code}, token=body.verification_token, actions="confirm_email"
    )
    if not answer.is_logged_in:
        raise Problem(422, "verification_ended", "This code has expired. Sign up or log in again to get a new one.")
    return {"token": answer.token, "api_key": first_key(answer.token)}


def first_key(token: str) -> str | None:
    """The key that comes with a sign-up, for the person whom this token lets in."""
    user, _ = authenticate_by_x_session_token(token)
    answers = signed_up_by_json.send(sender=Arrival, user=user)
    return next((key for _, key in answers if key), None)


@router.post("/auth/login", response=shapes.LoginAnswer, by_alias=True, summary="Log in", openapi_extra=FOR_STRANGERS)
def login(request: HttpRequest, body: shapes.LoginBody) -> dict[str, Any]:
    """The token is sent as `Authorization: Bearer` with later requests."""
    answer = headless.ask(
        request,
        headless.LOGIN,
        {"email": body.email.strip(), "password": body.password},
        actions="login_failed login",
        key=limits.account_key(body.email),
    )
    if headless.PENDING_MFA in answer.pending:
        sentence = "This account asks for a second step: send mfaToken with a code to /api/auth/mfa."
        raise Problem(401, "mfa_required", sentence, mfaToken=answer.token)
    if not answer.is_logged_in:
        sentence = "Verify the address first: send the code that was mailed now to /api/auth/verify-email."
        raise Problem(401, "email_not_verified", sentence, verificationToken=answer.token)
    return token_and_end(answer)


@router.post(
    "/auth/mfa",
    response=shapes.LoginAnswer,
    by_alias=True,
    summary="The second step of a login",
    openapi_extra=FOR_STRANGERS,
)
def second_step(request: HttpRequest, body: shapes.SecondStepBody) -> dict[str, Any]:
    """`mfaToken` came with the refusal `mfa_required`; the code is of an authenticator app or a recovery code."""
    key = headless.counted_under(body.mfa_token)
    if not key:
        raise Problem(401, "login_ended", "This login waits for no second step any more. Log in again.")
    answer = headless.ask(
        request, headless.SECOND_STEP, {"code": body.code}, token=body.mfa_token, actions="login_failed", key=key
    )
    if not answer.is_logged_in:
        raise Problem(401, "login_ended", "This login waits for no second step any more. Log in again.")
    return token_and_end(answer)


def token_and_end(answer: headless.Answer) -> dict[str, Any]:
    expires = Session.objects.get(pk=answer.token).expire_date
    return {"token": answer.token, "expires_at": expires.astimezone(UTC)}


@router.post("/auth/logout", response={204: None}, summary="Log out")
def log_out(request: HttpRequest) -> HttpResponse:
    api_person(request)
    UserSession.objects.filter(session_key=request.session.session_key).delete()
    logout(request)
    return HttpResponse(status=204)
