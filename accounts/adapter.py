"""What allauth asks us: which addresses may sign up, what we write to people, where links lead."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from allauth.account import app_settings as allauth_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts import joining, letters, limits, sessions, signup, social
from accounts.arrival import visit_of
from accounts.disposable import is_among, is_disposable
from accounts.gates import has_proved
from accounts.http import absolute
from accounts.models import User
from accounts.naming import clean_name, fold, keeps_its_domain
from accounts.sign_on import admitting, discovery, setting_up
from accounts.sign_on.standing import is_key, note_break_glass, standing
from accounts.sign_on.unwelcome import Unwelcome
from accounts.signup import Arrival
from tokentra.lib.tenancy import organization_scope

WORDS = {
    "email_password_mismatch": "That address and password do not belong together.",
    "email_taken": "There is an account with this address. Log in instead.",
    "incorrect_code": "This is not the code that was sent last.",
    "incorrect_password": "This is not your password.",
    "enter_current_password": "This is not your current password.",
    "too_many_login_attempts": "Too many wrong attempts. Wait a few minutes, then try again.",
    "rate_limited": "That was too often in a short time. Wait a few seconds, then try again.",
    "invalid_password_reset": "This link has expired or was used already.",
    "duplicate_email": "This is your address already.",
}


MESSAGES = {
    "password_changed.txt": "Your password was saved, and your other sessions were ended.",
    "password_set.txt": "Your password was saved.",
    "email_confirmed.txt": "Your address is verified.",
    "email_confirmation_failed.txt": "This address belongs to another account now.",
    "account_connected.txt": "The account was connected.",
    "account_disconnected.txt": "The account was disconnected.",
    "totp_activated.txt": "From now on, logging in asks for a code of your authenticator app.",
    "totp_deactivated.txt": "The authenticator app is off.",
    "webauthn_added.txt": "The passkey was added.",
    "webauthn_removed.txt": "The passkey was removed.",
}


# a code or link that a mail server brings later than this is of no use any more
CODE_LASTS = timedelta(seconds=allauth_settings.EMAIL_VERIFICATION_BY_CODE_TIMEOUT)
OUR_STAGES = {"allauth.mfa.stages.AuthenticateStage": "accounts.factor_keeping.SecondFactorStage"}
GOOD_FOR = {
    "login_code": timedelta(seconds=allauth_settings.LOGIN_BY_CODE_TIMEOUT),
    "email_confirmation": CODE_LASTS,
    "email_confirmation_signup": CODE_LASTS,
    "password_reset_key": timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT),
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Sign-up, login and mail in our words."""

    error_messages = DefaultAccountAdapter.error_messages | WORDS

    def clean_email(self, email: str) -> str:
        """Refuses throwaway mailboxes, domains outside the operator's list, and those that another one passes for."""
        address = fold(email)
        if not keeps_its_domain(email):
            raise ValidationError("Write its domain in the form that begins with xn--.", code="email_idn")
        if len(address) > 254:
            raise ValidationError("Use at most 254 characters.", code="email_too_long")
        if invited := settings.ALLOWED_EMAIL_DOMAINS:
            if not is_among(address, invited):
                raise ValidationError("Addresses of this domain may not sign up here.", code="email_domain")
        elif is_disposable(address, refused=settings.DISPOSABLE_DOMAINS):
            raise ValidationError("This is a throwaway mailbox. Use one that you keep.", code="disposable_email")
        return address

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Everybody, or those alone whose browser holds an open invitation."""
        return settings.SIGNUP_IS_OPEN or joining.held(request) is not None

    def get_login_stages(self) -> list[str]:
        stages = [OUR_STAGES.get(stage, stage) for stage in super().get_login_stages()]
        if settings.VERIFICATION_IS_MANDATORY:
            return stages
        return [stage for stage in stages if not stage.endswith(".EmailVerificationStage")]

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        return limits.account_key(credentials.get("email", ""))

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        super().login(request, user)
        if not get_authentication_records(request, user):  # a sign-up: the password is a moment old
            record_authentication(request, user, method="signup")
        sessions.began(request)
        if isinstance(user, User):
            note_break_glass(request, user)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        values = dict(context)
        if "login_url" not in values:
            values["login_url"] = absolute(reverse("account_login"))
        name = template_prefix.rpartition("/")[2]
        lasts = GOOD_FOR.get(name)
        letters.write(name, email, values, good_until=timezone.now() + lasts if lasts else None)

    def add_message(
        self, request: HttpRequest, level: int, message_template: str = "", *args: Any, **kwargs: Any
    ) -> None:
        """Says in our words what is worth saying; the rest is on the page that follows."""
        if kwargs.get("message"):
            super().add_message(request, level, *args, **kwargs)
        elif sentence := MESSAGES.get(message_template.rpartition("/")[2]):
            super().add_message(request, level, message=sentence)

    def get_reset_password_from_key_url(self, key: str) -> str:
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return absolute(path.replace("UID-KEY", key))

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        was = email_address.user.email
        confirmed: bool = super().confirm_email(request, email_address)
        if confirmed:
            signup.verified(email_address.user, email_address.email, invitation=joining.held(request))
            if was != email_address.email and request.user.is_authenticated:
                sessions.end_others(request)
        return confirmed

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        super().set_password(user, password)
        if isinstance(user, User):
            sessions.note_everywhere("password_changed", user)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Whoever came by an invitation goes on with it, while it is open."""
        if joining.held(request):
            return reverse("accounts:held_invitation")
        return str(super().get_login_redirect_url(request))

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return self.get_login_redirect_url(request)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Changes of a second factor count a login of the last ten minutes, as our own dangerous acts do."""
        is_required: bool = super().is_reauthentication_required(app=app, **kwargs)
        return is_required and not (app == "allauth.mfa" and has_proved(self.request))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:security")

    def is_safe_url(self, url: str | None) -> bool:
        """Only own paths: nothing that names a host, however it is spelled."""
        path = str(url or "")
        return path.startswith("/") and not path.startswith("//") and bool(super().is_safe_url(path))


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Sign-in through Google, GitHub or Microsoft."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        if sociallogin.state.get("process") == "connect" and not standing(request).is_own:
            sentence = "Log out, log in by yourself, then connect it."
            raise social.refusal(request, "Not in this session", sentence, status=403)
        if is_key(sociallogin.account.provider):
            admitting.admit(request, sociallogin)
        else:
            social.admit(request, sociallogin)

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Beside those of the installation, that of the organization that is asked for by its key."""
        apps: list[SocialApp] = super().list_apps(request, provider=provider, client_id=client_id)
        ours = setting_up.app_for(client_id if provider == "saml" else provider)
        speaks_it = ours is not None and (provider != "saml" or ours.provider == "saml")
        return [*apps, ours] if speaks_it else apps

    def get_requests_session(self) -> Any:
        """An address that a customer typed is asked through the wall."""
        if self.request and self.request.path.startswith(("/oidc/", "/sso/")):
            return discovery.Session(OAuth2Error)
        return super().get_requests_session()

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """With an invitation, for the address that was invited and that the service vouches for."""
        if settings.SIGNUP_IS_OPEN or is_key(sociallogin.account.provider):
            return True
        offer = joining.held(request)
        proved = {fold(each.email) for each in sociallogin.email_addresses if each.verified}
        return offer is not None and offer.email in proved

    def on_authentication_error(self, request: HttpRequest, provider: Any, error: str = "", **kwargs: Any) -> None:
        social.failed(request, cancelled=error == AuthError.CANCELLED)

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: BaseForm | None = None) -> User:
        """A new person by this door gets all that email sign-up gives, in one transaction."""
        offer, method, voucher = joining.held(request), sociallogin.account.provider, None
        if is_key(method):
            offer, method, voucher = None, "sign_on", UUID(hex=method)
        if offer and not offer.is_for(sociallogin.user):
            offer = None
        arrival = Arrival(method=method, visit=visit_of(request), invitation=offer, vouched_by=voucher)
        organization_id = signup.place_for(arrival)
        try:
            with organization_scope(organization_id):
                user: User = super().save_user(request, sociallogin, form)
                signup.welcome(user, organization_id, arrival)
        except Unwelcome as reason:
            raise admitting.refusal(request, reason) from None
        return user

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        user: User = super().populate_user(request, sociallogin, data)
        name = data.get("name") or " ".join(filter(None, (data.get("first_name"), data.get("last_name"))))
        try:
            user.full_name = clean_name(name or "", longest=150)
        except ValidationError:  # what a provider says about somebody is no reason to turn them away
            user.full_name = ""
        return user
