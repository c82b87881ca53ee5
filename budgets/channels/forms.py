"""The form of a channel: what its kind asks for, checked before anything is kept."""

from typing import Any

from django import forms

from accounts.one_line import OneLine
from budgets.alerting.models import Severity
from budgets.channels.kinds import Kind
from budgets.channels.models import ChannelKind
from tokentra.lib.egress import BadAddress, checked
from tokentra.lib.secret import Secret

KEY_LENGTH = 32  # of PagerDuty's integration keys


class Unsaid(forms.TextInput):
    """Shows what is typed, and says none of it again when the form is drawn anew: whoever has the address may post."""

    def format_value(self, value: object) -> None:
        return None


class ChannelForm(forms.Form):
    """`address` comes out as a Secret; an email asks for none."""

    name = OneLine(max_length=80, help_text="What alerts and the log call it.")
    email = forms.EmailField(label="Address", max_length=254)
    address = forms.CharField(max_length=2_000, widget=Unsaid(attrs={"autocomplete": "off", "spellcheck": "false"}))
    least = forms.ChoiceField(label="From this severity on", choices=Severity.choices, initial=Severity.INFO)

    def __init__(self, kind: Kind, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.kind = kind
        if kind.id == ChannelKind.EMAIL:
            del self.fields["address"]
        else:
            del self.fields["email"]
            self.fields["address"].label, self.fields["address"].help_text = kind.asks, kind.hint
            self.fields["address"].error_messages["required"] = f"Paste the {kind.asks.lower()}."

    def clean_address(self) -> Secret:
        text: str = self.cleaned_data["address"].strip()
        if self.kind.url:
            if len(text) != KEY_LENGTH or not text.isalnum() or not text.isascii():
                raise forms.ValidationError(f"An integration key has {KEY_LENGTH} letters and digits.")
            return Secret(text)
        try:
            return Secret(checked(text, suffixes=self.kind.suffixes))
        except BadAddress as reason:
            raise forms.ValidationError(str(reason)) from None
