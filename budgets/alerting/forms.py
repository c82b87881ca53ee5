"""The form of a rule: each kind asks for what it reads and for nothing else."""

from decimal import Decimal
from typing import Any

from django import forms

from accounts.one_line import OneLine
from budgets import scopes
from budgets.alerting import metrics
from budgets.alerting.detectors.look import ledger_of
from budgets.alerting.kinds import Kind
from budgets.alerting.models import Severity
from budgets.rules.anomaly import Sensitivity
from budgets.scopes import COUNTED, MEASURED, OF_LEDGER, PROVIDER

DIMENSIONS = list(dict.fromkeys((PROVIDER, *OF_LEDGER[COUNTED], *OF_LEDGER[MEASURED])))
MOST_DAYS, MOST_HOURS = 31, 24 * 14
SENSITIVITIES = {
    Sensitivity.LOW: "Low: only days that stand out far",
    Sensitivity.NORMAL: "Normal",
    Sensitivity.HIGH: "High: smaller rises too, with more false alarms",
}


def dimensions(empty: str) -> list[tuple[str, str]]:
    named = [(name, scopes.label(name)) for name in DIMENSIONS]
    return [("", empty), *named] if empty else named


class RuleForm(forms.Form):
    """What every rule has; each kind's form adds the rest."""

    name = OneLine(max_length=80, help_text="What the list of rules calls it.")
    severity = forms.ChoiceField(
        choices=Severity.choices,
        initial=Severity.WARNING,
        help_text="Channels and people choose how severe it has to be.",
    )


class AnomalyFields(forms.Form):
    sensitivity = forms.ChoiceField(
        choices=[(each.value, words) for each, words in SENSITIVITIES.items()], initial=Sensitivity.NORMAL
    )
    minimum = forms.DecimalField(
        label="At least so much more, in dollars",
        min_value=Decimal("0.01"),
        max_value=Decimal(10**9),
        max_digits=15,
        decimal_places=2,
        initial=Decimal(10),
        help_text="Smaller rises are not told, however unusual they are.",
    )


class AnomalyForm(RuleForm, AnomalyFields):
    pass


class JumpForm(RuleForm, AnomalyFields):
    dimension = forms.ChoiceField(label="Look at each", choices=dimensions(""), initial="api_key")
    value = forms.CharField(
        label="Only this one", max_length=256, required=False, help_text="As your figures name it. Empty: every one."
    )


class NewForm(RuleForm):
    dimension = forms.ChoiceField(label="Look for a new", choices=dimensions("Model or API key"), required=False)
    minimum = forms.DecimalField(
        label="Once it has cost, in dollars", min_value=Decimal(0), max_digits=15, decimal_places=2, initial=Decimal(10)
    )


class SilentForm(RuleForm):
    window = forms.IntegerField(
        label="After so many hours without a call", min_value=1, max_value=MOST_HOURS, initial=24
    )


class CustomForm(RuleForm):
    metric = forms.ChoiceField(choices=[(each.id, each.label) for each in metrics.METRICS])
    dimension = forms.ChoiceField(label="Of one", choices=dimensions("Everything"), required=False)
    value = forms.CharField(
        label="Which one", max_length=256, required=False, help_text="As your figures name it, such as a model's name."
    )
    window = forms.IntegerField(label="Over how many days", min_value=1, max_value=MOST_DAYS, initial=1)
    comparator = forms.ChoiceField(
        label="Tell when it is", choices=[(metrics.ABOVE, "Above"), (metrics.BELOW, "Below")], initial=metrics.ABOVE
    )
    bound = forms.DecimalField(
        label="This bound",
        min_value=Decimal(0),
        max_digits=18,
        decimal_places=6,
        help_text="Dollars, a number, or percent.",
    )

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        dimension, value, metric = told.get("dimension", ""), told.get("value", ""), told.get("metric")
        if dimension and not value:
            self.add_error("value", f"Say which {scopes.label(dimension).lower()}.")
        if value and not dimension:
            self.add_error("dimension", "Say of what this is one.")
        only_measured = metric in metrics.BY_ID and not metrics.BY_ID[metric].is_counted
        if only_measured and dimension and ledger_of(dimension) == COUNTED and dimension not in OF_LEDGER[MEASURED]:
            self.add_error("dimension", "Your code does not say this of its calls. Choose another dimension.")
        return told


FORMS: dict[str, type[RuleForm]] = {
    "anomaly": AnomalyForm, "jump": JumpForm, "new": NewForm, "no_data": SilentForm, "custom": CustomForm,
}  # fmt: skip


def form_of(kind: Kind) -> type[RuleForm]:
    return FORMS.get(kind.id, RuleForm)


def first_values(kind: Kind) -> dict[str, Any]:
    """What a new rule's form begins with."""
    return {"name": kind.label, "severity": kind.severity}
