"""What people say about a key that they make or replace."""

from datetime import datetime, timedelta
from typing import Any

from django import forms

from accounts.models import Membership
from accounts.naming import clean_name
from accounts.permissions import Scope
from sdk_keys.issuing import scopes_for
from sdk_keys.models import Environment
from tokentra.lib.ids import uuid7

LASTING = {"always": "Until it is revoked", "30": "30 days", "90": "90 days", "365": "One year"}
NOW, IN_A_DAY = "now", "in_a_day"


class KeyForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=60,
        help_text="Where it is used, such as “Checkout service”.",
        error_messages={"required": "Give the key a name that says where it is used."},
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.INGEST],
        help_text="Give no more than the program needs. No scope holds another.",
        error_messages={"required": "Choose at least one thing that the key may do."},
    )
    environment = forms.ChoiceField(
        label="Environment",
        choices=Environment.choices,
        widget=forms.RadioSelect,
        initial=Environment.LIVE,
        help_text="Test keys begin with tt_test_, so that one is not taken for the other.",
    )
    lasts = forms.ChoiceField(label="How long it works", choices=list(LASTING.items()))
    asking = forms.UUIDField(required=False, initial=uuid7, widget=forms.HiddenInput)  # tells this form from the next

    def __init__(self, *args: Any, member: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(scope.value, f"{scope.label} ({scope.value})") for scope in scopes_for(member)]
        self.fields["scopes"].choices = offered  # type: ignore[attr-defined]  # it is a field of choices

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])

    def wanted(self, now: datetime) -> dict[str, Any]:
        """What `issuing.make` is told."""
        days = self.cleaned_data["lasts"]
        ends = {"expires_at": now + timedelta(days=int(days)) if days.isdecimal() else None}
        return {name: self.cleaned_data[name] for name in ("name", "scopes", "environment")} | ends


class ReplaceForm(forms.Form):
    old = forms.ChoiceField(
        label="The old key",
        choices=[
            (IN_A_DAY, "Works for 24 hours more, while you change over"),
            (NOW, "Stops now, because others may have it"),
        ],
        widget=forms.RadioSelect,
        initial=IN_A_DAY,
        error_messages={"required": "Choose what happens to the old key."},
    )
