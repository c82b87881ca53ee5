"""What people type about a connection beside its credentials."""

from typing import Any

from django import forms
from django.utils.html import format_html

from accounts.one_line import OneLine
from providers.models import Connection


class NameForm(forms.Form):
    name = OneLine(
        label="Name",
        max_length=100,
        help_text="How this account is called on your pages.",
        error_messages={"required": "Give the connection a name."},
    )


class OptionalNameForm(forms.Form):
    name = OneLine(
        label="Name",
        max_length=100,
        required=False,
        help_text="Empty takes the account's own name.",
    )


class DisconnectForm(forms.Form):
    data = forms.ChoiceField(  # type: ignore[assignment]  # a field's name, not the form's own data
        label="What was read so far",
        choices=[("keep", "Keep it"), ("delete", "Delete it")],
        widget=forms.RadioSelect,
        initial="keep",
        error_messages={"required": "Choose what happens to the data."},
    )
    typed = forms.CharField(label="Type the connection's name to confirm", max_length=100, strip=True)

    def __init__(self, *args: Any, connection: Connection, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = connection.name
        self.fields["typed"].help_text = format_html("The name is {}.", connection.name)
        self.fields["typed"].widget.attrs["autocomplete"] = "off"

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if typed != self.name:
            raise forms.ValidationError("This is not the connection's name. Nothing was changed.")
        return typed
