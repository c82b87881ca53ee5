"""What an owner or admin enters about their identity provider, and an address at its door."""

from typing import Any

from cryptography import x509
from django import forms
from django.core.exceptions import ValidationError

from accounts.permissions import Role
from accounts.sign_on import domains
from accounts.sign_on.kept import ROLES, SignOn, SignOnKind
from tokentra.lib.egress import BadAddress, checked

NEEDED: dict[str, dict[str, str]] = {
    SignOnKind.OIDC: {
        "issuer": "Enter the issuer.",
        "client_id": "Enter the client id.",
        "client_secret": "Enter the client secret.",
    },
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
    default_role = forms.ChoiceField(label="Role of whoever is new", choices=ROLES, initial=Role.VIEWER.value)
    issuer = forms.CharField(
        label="Issuer",
        max_length=300,
        required=False,
        help_text="An address that begins with https://.",
    )
    client_id = forms.CharField(label="Client id", max_length=200)
    client_secret = forms.CharField(
        label="Client secret",
        max_length=300,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="It is kept encrypted and shown nowhere; empty keeps the one that is stored.",
    )
    entity_id = forms.CharField(label="Entity id", max_length=300, required=False, help_text="Of your provider.")
    sso_url = forms.CharField(
        label="Single sign-on address", max_length=300, required=False, help_text="With HTTP redirect binding."
    )
    certificate = forms.CharField(
        label="Certificate",
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What your provider signs with, in PEM.",
    )

    use_required_attribute = False  # half of the fields are of the other protocol

    def __init__(self, *args: Any, kept: SignOn | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, sentences in NEEDED.items():
            for name, sentence in sentences.items():
                self.fields[name].required = not self.is_bound or self.data.get("kind") == kind
                self.fields[name].error_messages["required"] = sentence
        if kept is not None and kept.has_secret:
            self.fields["client_secret"].required = False
        self.openid = [self[name] for name in NEEDED[SignOnKind.OIDC]]
        self.saml = [self[name] for name in NEEDED[SignOnKind.SAML]]

    def clean(self) -> None:
        """What cannot be used of the protocol that is not chosen, whose fields are out of sight, is left out."""
        for kind, sentences in NEEDED.items():
            for name in sentences:
                if kind != self.cleaned_data.get("kind") and name in self.errors:
                    del self.errors[name]
                    self.cleaned_data[name] = ""

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
