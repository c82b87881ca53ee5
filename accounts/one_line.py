"""The field of a form that takes a name, or another text of one line."""

from typing import Any

from django import forms

from accounts.naming import clean_name


class OneLine(forms.CharField):
    """Its value is in the one form in which names are kept; what deceives is refused."""

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        return clean_name(text) if text else ""
