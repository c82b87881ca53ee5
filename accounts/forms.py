"""Forms of accounts: allauth's with what is ours in them, and our own."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import AddEmailForm as AllauthAddress
from allauth.account.forms import ChangePasswordForm as AllauthChange
from allauth.account.forms import ConfirmEmailVerificationCodeForm as AllauthCode
from allauth.account.forms import ConfirmLoginCodeForm as AllauthLoginCode
from allauth.account.forms import LoginForm as AllauthLogin
from allauth.account.forms import ReauthenticateForm as AllauthPasswordAgain
from allauth.account.forms import RequestLoginCodeForm as AllauthRequestCode
from allauth.account.forms import ResetPasswordKeyForm as AllauthReset
from allauth.account.forms import SetPasswordForm as AllauthSet
from allauth.account.forms import SignupForm as AllauthSignup
from allauth.mfa.base.forms import AuthenticateForm as AllauthSecondStep
from allauth.mfa.base.forms import ReauthenticateForm as AllauthCodeAgain
from allauth.mfa.totp.forms import ActivateTOTPForm as AllauthTotp
from allauth.mfa.webauthn.forms import AddWebAuthnForm as AllauthPasskey
from allauth.mfa.webauthn.forms import EditWebAuthnForm as AllauthPasskeyName
from allauth.socialaccount.forms import SignupForm as AllauthSocialSignup
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase

from accounts import signup
from accounts.arrival import visit_of
from accounts.invitations import addresses_in
from accounts.invited import Invitation
from accounts.models import Membership, User
from accounts.naming import clean_name
from accounts.permissions import MEANS, Role
from accounts.signup import Arrival
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope, scoped_organization

HINT = "At least 10 characters, and not a common password."


class TellsKnownAddresses:
    """Where nobody waits for a code, a known address cannot be hidden: whoever signs up is let in at once."""

    def clean_email(self) -> str:
        email: str = super().clean_email()  # type: ignore[misc]  # allauth's form stands beside
        if self.account_already_exists and not settings.VERIFICATION_IS_MANDATORY:  # type: ignore[attr-defined]  # as above
            raise get_adapter().validation_error("email_taken")  # nobody can be let in without being told
        return email


class WithOrganization(TellsKnownAddresses):
    """Gives a person their organization with them; for a known address, does as much work for nothing."""

    invitation: Invitation | None = None

    def arrival(self, request: HttpRequest) -> Arrival:
        told: Arrival | None = getattr(request, "arrival", None)
        return told or Arrival(visit=visit_of(request), invitation=self.invitation)

    def save(self, request: HttpRequest) -> User:
        organization_id = scoped_organization() or uuid7()
        with organization_scope(organization_id):
            user: User = super().save(request)  # type: ignore[misc]  # allauth's form stands beside
            signup.welcome(user, organization_id, self.arrival(request))
        request.signed_up = user.pk, organization_id  # type: ignore[attr-defined]  # the API tells these ids
        return user

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponseBase | None]:
        if self.account_already_exists:  # type: ignore[attr-defined]  # allauth's form stands beside
            data = self.cleaned_data  # type: ignore[attr-defined]  # as above
            password = data.get("password1") or data.get("password") or ""
            request.signed_up = signup.rehearse(request, password, self.arrival(request))  # type: ignore[attr-defined]  # as above
        saved: tuple[User | None, HttpResponseBase | None] = super().try_save(request)  # type: ignore[misc]  # as above
        return saved


class SignupForm(WithOrganization, AllauthSignup):  # type: ignore[misc]  # allauth has no types
    """With an invitation the address is the one that was invited, whatever is sent."""

    def __init__(self, *args: Any, invitation: Invitation | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitation
        self.fields["email"].widget.attrs |= {"autofocus": True, "placeholder": "you@company.com"}
        if invitation:
            self.initial["email"] = invitation.email
            self.fields["email"].disabled = True
            self.fields["email"].help_text = "The address that was invited."
        self.fields["password1"].help_text = HINT
        self.fields["password1"].widget.attrs.pop("placeholder", None)


class SocialSignupForm(TellsKnownAddresses, AllauthSocialSignup):  # type: ignore[misc]  # allauth has no types
    """Asks for the address that another service did not tell."""


class LoginForm(AllauthLogin):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "Email"
        self.fields["login"].widget.attrs |= {"autofocus": True, "placeholder": "you@company.com"}
        self.fields["password"].help_text = ""
        self.fields["password"].widget.attrs.pop("placeholder", None)
        self.fields["remember"].label = "Keep me logged in on this device"


class OnePassword:
    """A new password is typed once: it can be shown, and a lost one can be reset."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("password2", None)
        self.fields["password1"].label = "New password"
        self.fields["password1"].help_text = HINT
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class ChangePasswordForm(OnePassword, AllauthChange):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = "Current password"


class SetPasswordForm(OnePassword, AllauthSet):  # type: ignore[misc]  # allauth has no types
    """The first password of somebody who came by another service."""


class ResetPasswordKeyForm(OnePassword, AllauthReset):  # type: ignore[misc]  # allauth has no types
    """The new password behind a reset link."""


class PasswordAgainForm(AllauthPasswordAgain):  # type: ignore[misc]  # allauth has no types
    """Before something dangerous."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs |= {"autofocus": True, "placeholder": ""}


class NewAddressForm(AllauthAddress):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "New address"
        self.fields["email"].widget.attrs.pop("placeholder", None)


class CodeForm(AllauthCode):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Six-digit code"
        self.fields["code"].widget.attrs |= {"inputmode": "numeric", "autofocus": True, "placeholder": ""}


class AsksForCode:
    """A code of an app, typed on a phone's number keys or pasted."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code"
        self.fields["code"].widget.attrs |= {"inputmode": "numeric", "autofocus": True, "placeholder": ""}


class SecondStepForm(AsksForCode, AllauthSecondStep):  # type: ignore[misc]  # allauth has no types
    """The second step of a login."""


class CodeAgainForm(AsksForCode, AllauthCodeAgain):  # type: ignore[misc]  # allauth has no types
    """Before something dangerous."""


class TotpForm(AsksForCode, AllauthTotp):  # type: ignore[misc]  # allauth has no types
    """The first code of a new app."""


class PasskeyForm(AllauthPasskey):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = "Name"
        self.fields["name"].max_length = 60
        self.fields["passwordless"].label = "Log in with it alone, without the password"
        self.fields["passwordless"].help_text = "It is then opened by your finger, face or PIN."
        self.initial.setdefault("passwordless", True)

    def clean_name(self) -> str:
        return clean_name(super().clean_name(), longest=60)


class PasskeyNameForm(AllauthPasskeyName):  # type: ignore[misc]  # allauth has no types
    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"], longest=60)


class LoginCodeForm(AsksForCode, AllauthLoginCode):  # type: ignore[misc]  # allauth has no types
    """The code that was mailed to log in with."""


class AskForLoginCodeForm(AllauthRequestCode):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].widget.attrs |= {"autofocus": True, "placeholder": "you@company.com"}


class GivesRole(forms.Form):
    """A role, of those that this member may give."""

    def __init__(self, *args: Any, giver: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = [(role, MEANS[role]) for role in Role if giver.may_give(role)]
        self.fields["role"] = forms.ChoiceField(
            label="Role", choices=[(role.value, f"{role.label}: {meaning}") for role, meaning in self.offered]
        )

    @property
    def role(self) -> Role:
        return Role(self.cleaned_data["role"])

    @property
    def wanted(self) -> str:
        """The role that is marked, before or after something was sent."""
        return str(self["role"].value() or "")


class RoleForm(GivesRole):
    """The role of a member."""


class InvitationForm(GivesRole):
    addresses = forms.CharField(
        label="Email addresses",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "june@company.com, jo@company.com"}),
        help_text="One or many, by line or comma.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("role", Role.MEMBER)

    def clean_addresses(self) -> list[str]:
        found = addresses_in(self.cleaned_data["addresses"])
        if not found:
            raise ValidationError("Enter at least one address.")
        return found
