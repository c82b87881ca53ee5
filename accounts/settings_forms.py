"""Forms of the settings pages: what a person and an organization say of themselves, and what is kept for how long."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils import timezone

from accounts.currencies import CURRENCIES
from accounts.industries import Industry
from accounts.models import LONGEST_AUDIT, LONGEST_KEPT, SHORTEST_AUDIT, SHORTEST_KEPT, Organization, User
from accounts.naming import clean_name
from accounts.retention import kept_from

AGAIN = {"event_days": "days_again", "audit_days": "audit_days_again"}  # the fields in which days are typed twice


class NameField(forms.CharField):
    """One line of text in one Unicode form."""

    def __init__(self, *, longest: int = 100, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)
        self.longest = longest

    def to_python(self, value: Any) -> str:
        return clean_name(str(value or "").strip(" "), longest=self.longest)


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # takes its argument in stubs only
    full_name = NameField(label="Name", longest=150, required=False)

    class Meta:
        model = User
        fields = ("full_name",)


class PlaceForm(forms.ModelForm):  # type: ignore[type-arg]  # takes its argument in stubs only
    """What every organization says of itself."""

    name = NameField(label="Name")
    website = forms.URLField(label="Website", required=False, assume_scheme="https")
    timezone = forms.ChoiceField(
        label="Time zone",
        choices=[
            (name, name.replace("_", " ")) for name in sorted(available_timezones()) if "/" in name or name == "UTC"
        ],
        help_text="For budgets and for what your own code measures. Providers' figures keep their UTC days.",
    )
    currency = forms.ChoiceField(
        label="Currency",
        choices=[(code, f"{code}, {name}") for code, name in CURRENCIES],
        help_text="What you plan in. Costs are counted in US dollars; bills in another currency stand beside them.",
    )

    class Meta:
        model = Organization
        fields: tuple[str, ...] = ("name", "website", "timezone", "currency")


class NewOrganizationForm(PlaceForm):
    """Another organization."""


class DaysField(forms.IntegerField):
    """For how many days something is kept, within limits that its hint and its refusal tell."""

    def __init__(self, *, shortest: int, longest: int, help_text: str, **kwargs: Any) -> None:
        limits = f"{shortest:,} to {longest:,} days."
        messages = dict.fromkeys(("min_value", "max_value"), limits)
        help_text = f"{limits} {help_text}"
        super().__init__(min_value=shortest, max_value=longest, error_messages=messages, help_text=help_text, **kwargs)


class OrganizationForm(PlaceForm):
    """Its settings. Days by which something would be deleted are asked for a second time."""

    industry = forms.ChoiceField(label="Industry", required=False, choices=[("", "Not said"), *Industry.choices])
    event_days = DaysField(
        label="Keep single events for, in days",
        shortest=SHORTEST_KEPT,
        longest=LONGEST_KEPT,
        help_text="Each model call that your code reports is deleted after that. What they add up to stays.",
    )
    days_again = forms.CharField(
        label="Type the number of days again to delete older calls", max_length=10, required=False
    )
    audit_days = DaysField(
        label="Keep the audit log for, in days",
        shortest=SHORTEST_AUDIT,
        longest=LONGEST_AUDIT,
        help_text="Older lines are deleted.",
    )
    audit_days_again = forms.CharField(
        label="Type the number of days again to delete older lines", max_length=10, required=False
    )

    class Meta(PlaceForm.Meta):
        fields = (*PlaceForm.Meta.fields, "industry", "event_days", "audit_days")

    field_order = (*PlaceForm.Meta.fields, "industry", "event_days", "days_again", "audit_days", "audit_days_again")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            for again in AGAIN.values():
                del self.fields[again]

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or {}
        today = timezone.now().date()
        calls = "Single calls from before {} are deleted then, for good. What they add up to stays."
        self.ask_again("event_days", calls, lambda days: kept_from(today, days))
        lines = "Lines of the audit log from before {} are deleted then, for good."
        self.ask_again("audit_days", lines, lambda days: today - timedelta(days=days))
        return told

    def ask_again(self, name: str, sentence: str, first_kept: Callable[[int], date]) -> None:
        """Refuse fewer days by which something is deleted, until they were typed twice."""
        again, before = AGAIN[name], getattr(self.instance, name)
        days = self.cleaned_data.get(name, before)
        first = first_kept(days)
        if first > first_kept(before) and self.cleaned_data.get(again) != str(days):
            self.fields[again].required = True  # it says so from now on
            self.add_error(again, f"{sentence.format(f'{first.day} {first:%B %Y}')} Nothing is saved yet.")
        else:
            del self.fields[again]
