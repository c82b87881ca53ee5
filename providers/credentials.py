"""What a person or a program sends as credentials, tidied, checked by the provider's own form and made secret."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from providers.connectors.base import Connector, Credentials
from tokentra.lib.secret import Secret

INVISIBLE = {"Cc", "Cf", "Zl", "Zp", "Zs"}


class Refused(Exception):
    """Fields that are missing, unknown or not even shaped like a credential."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        super().__init__("the credentials are not complete")
        self.fields = {name: list(messages) for name, messages in fields.items()}


def cleaned(connector: Connector, given: Mapping[str, Any]) -> Credentials:
    """Secrets by field; `Refused` when one is missing or unknown."""
    unknown = sorted(set(given) - set(connector.form.base_fields))
    if unknown:
        raise Refused({name: ["This field is not known."] for name in unknown})
    form = bound(connector, given)
    if not form.is_valid():
        raise Refused({name: [str(message) for message in messages] for name, messages in form.errors.items()})
    return of(form)


def bound(connector: Connector, given: Mapping[str, Any]) -> forms.Form:
    return connector.form(data={name: tidy(given[name]) for name in connector.form.base_fields if name in given})


def of(form: forms.Form) -> Credentials:
    """The credentials of a form that is valid."""
    return {name: Secret(str(value)) for name, value in form.cleaned_data.items() if value}


def tidy(value: object) -> object:
    """Without the spaces, line breaks and invisible characters that come along when a key is copied."""
    if not isinstance(value, str):
        return value
    is_document = value.lstrip().startswith("{")
    return "".join(
        letter for letter in value.strip() if is_document and letter.isspace() or unicodedata.category(letter) not in INVISIBLE
    )
