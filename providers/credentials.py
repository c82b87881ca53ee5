"""What a person or a program sends as credentials, checked by the provider's own form and made secret."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from providers.connectors.base import Connector, Credentials
from tokentra.lib.secret import Secret


class Refused(Exception):
    """Fields that are missing or unknown."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        super().__init__("the credentials are not complete")
        self.fields = {name: list(messages) for name, messages in fields.items()}


def cleaned(connector: Connector, given: Mapping[str, Any]) -> Credentials:
    """Secrets by field; `Refused` when one is missing or unknown."""
    unknown = sorted(set(given) - set(connector.form.base_fields))
    if unknown:
        raise Refused({name: ["This field is not known."] for name in unknown})
    form = connector.form(data=dict(given))
    if not form.is_valid():
        raise Refused({name: [str(message) for message in messages] for name, messages in form.errors.items()})
    return of(form)


def of(form: forms.Form) -> Credentials:
    """The credentials of a form that is valid."""
    return {name: value for name, value in form.cleaned_data.items() if isinstance(value, Secret) and value}
