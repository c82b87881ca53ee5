"""What an owner or admin enters about their identity provider, and an address at its door."""

from typing import Any

from cryptography import x509
from django import forms
from django.core.exceptions import ValidationError

from accounts.sign_on import domains
from accounts.sign_on.kept import ROLES, SignOn, SignOnKind
from tokentra.lib.egress import BadAddress, checked

NEEDED: dict[str, dict[str, str]] = {
    SignOnKind.OIDC: {"issuer": "Enter the issuer.", "client_id": "Enter the client id."},
    SignOnKind.SAML: {
        "entity_id": "Enter the entity id.",
        "sso_url": "Enter the address that people are sent to.",
        "certificate": "Paste the certificate.",
    },
}


class DomainForm(forms.Form):
    name = forms.CharField(
        label="Domain", max_length=253, widget=forms.TextInput(attrs={"placeholder": "acme.example"})
    )

    def clean_name(self) -> str:
        return domains.clean(self.cleaned_data["name"])


class SignOnForm(forms.Form):
    kind = forms.ChoiceField(label="Protocol", choices=SignOnKind.choices)
    default_role = forms.ChoiceField(label="Role of whoever is new", choices=ROLES)
    issuer = forms.CharField(
        label="Issuer",
        max_length=300,
        required=False,
        help_text="OpenID Connect: an address that begins with https://.",
    )
    client_id = forms.CharField(label="Client id", max_length=200, required=False, help_text="OpenID Connect.")
    client_secret = forms.CharField(
        label="Client secret",
        max_length=300,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="OpenID Connect. It is kept encrypted and shown nowhere; empty keeps the one that is stored.",
    )
    entity_id = forms.CharField(label="Entity id", max_length=300, required=False, help_text="SAML: of your provider.")
    sso_url = forms.CharField(
        label="Single sign-on address", max_length=300, required=False, help_text="SAML, with HTTP redirect binding."
    )
    certificate = forms.CharField(
        label="Certificate",
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="SAML: what your provider signs with, in PEM.",
    )

    def __init__(self, *args: Any, kept: SignOn | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kept = kept

    def clean_issuer(self) -> str:
        return address(str(self.cleaned_data["issuer"])).rstrip("/")

    def clean_sso_url(self) -> str:
        return address(self.cleaned_data["sso_url"])

    def clean_certificate(self) -> str:
        text = str(self.cleaned_data["certificate"]).strip()
        if text:
            try:
                x509.load_pem_x509_certificate(text.encode())
            except ValueError:
                raise ValidationError(
                    "This is no certificate in PEM: it begins with -----BEGIN CERTIFICATE-----."
                ) from None
        return text

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        kind = str(values.get("kind", ""))
        for name, sentence in NEEDED.get(kind, {}).items():
            if not values.get(name) and name not in self.errors:
                self.add_error(name, sentence)
        has_secret = self.kept is not None and self.kept.has_secret
        if kind == SignOnKind.OIDC and not values.get("client_secret") and not has_secret:
            self.add_error("client_secret", "Enter the client secret.")
        return values


class SwitchForm(forms.Form):
    is_on = forms.BooleanField(label="People of your domains log in through it", required=False)
    is_required = forms.BooleanField(
        label="Sign-on is required",
        required=False,
        help_text="Members come in by it alone. Owners may log in otherwise, for the day it fails; that is audited.",
    )


class DoorForm(forms.Form):
    email = forms.EmailField(
        label="Email", widget=forms.EmailInput(attrs={"autofocus": True, "placeholder": "you@company.com"})
    )


def address(text: str) -> str:
    try:
        return checked(text) if text else ""
    except BadAddress as refusal:
        raise ValidationError(str(refusal)) from None
