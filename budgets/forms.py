"""What people say of a budget, and of a raise."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms

from accounts.models import Organization
from accounts.naming import clean_name
from budgets import scopes, words
from budgets.making import FIXED, Wanted
from budgets.models import LONGEST_NAME, Budget, Department, Ledger, Mode, Unit
from budgets.rules.periods import Every
from budgets.rules.thresholds import DEFAULT, HIGHEST, MOST
from tokentra.lib.problems import Problem
from usage.measured import SummedTag

LARGEST = Decimal(10) ** 15
OFFERED_MODES = {
    Mode.NOTIFY: "Tell people, and let calls go on",
    Mode.THROTTLE: "Slow calls down: each waits a second, and one more for every percent above",
    Mode.BLOCK: "Refuse calls until the next period",
}
# said of a new budget alone
COUNTING = (
    "of", "values", "also", "also_values", "department", "is_each", "unit", "every", "anchor", "months", "anyway",
)  # fmt: skip


def dimensions_of(organization: Organization) -> list[tuple[str, Any]]:
    """What a budget can be of, by who says it; `counted:model` names both."""
    tags = SummedTag.objects.owned_by(organization).order_by("name")
    measured = [*scopes.OF_LEDGER[Ledger.MEASURED], *(tag.dimension for tag in tags)]
    return [
        ("", words.WHOLE),
        ("By bills and usage", pairs(Ledger.COUNTED, scopes.OF_LEDGER[Ledger.COUNTED])),
        ("By what your code measured", pairs(Ledger.MEASURED, measured)),
    ]


def pairs(ledger: str, dimensions: Sequence[str]) -> list[tuple[str, str]]:
    return [(f"{ledger}:{name}", scopes.label(name)) for name in dimensions]


class BudgetForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=LONGEST_NAME,
        error_messages={"required": "Give the budget a name."},
    )
    of = forms.ChoiceField(label="What it is for", required=False)
    values = forms.CharField(
        label="Which",
        required=False,
        max_length=scopes.MOST_VALUES * scopes.LONGEST_VALUE,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="One in each line, as your figures name them.",
    )
    also = forms.ChoiceField(
        label="And within it", required=False, help_text="Narrows it to a combination, such as a customer and a model."
    )
    also_values = forms.CharField(
        label="Which of those",
        required=False,
        max_length=scopes.MOST_VALUES * scopes.LONGEST_VALUE,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )
    department = forms.ModelChoiceField(
        label="Department", queryset=Department.objects.none(), required=False, empty_label="None"
    )
    is_each = forms.BooleanField(
        label="Each of them has this budget for itself",
        required=False,
        help_text="Such as each user, or each customer. Name none to mean every one that there is.",
    )
    unit = forms.ChoiceField(label="Counted in", choices=Unit.choices, initial=Unit.USD)
    amount = forms.DecimalField(
        label="Amount",
        max_digits=24,
        decimal_places=6,
        max_value=LARGEST,
        error_messages={"required": "Say how much it is.", "invalid": "Write the amount as a number, such as 500."},
    )
    every = forms.ChoiceField(
        label="Begins anew",
        choices=[(each.value, label) for each, label in words.EVERY.items()],
        initial=Every.MONTH,
    )
    anchor = forms.DateField(
        label="First day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Each period begins on this day of the month, or on the month's last day where it has no such day.",
        error_messages={"invalid": "Write the day as 2026-01-31."},
    )
    months = forms.IntegerField(label="Months in a period", required=False, min_value=1, max_value=12, initial=1)
    thresholds = forms.CharField(
        label="Tell people at",
        initial=", ".join(map(str, DEFAULT)),
        max_length=100,
        help_text="Percent of the amount, up to ten, separated by commas.",
        error_messages={"required": "Give at least one percentage, such as 100."},
    )
    forecast_at = forms.IntegerField(
        label="And when it is heading for",
        required=False,
        min_value=1,
        max_value=HIGHEST,
        initial=100,
        help_text="Percent that the whole period will take, going by its days so far. Empty: no forecast.",
    )
    mode = forms.ChoiceField(
        label="When it is used up",
        choices=[(mode.value, label) for mode, label in OFFERED_MODES.items()],
        initial=Mode.NOTIFY,
        required=False,
        help_text="Calls are slowed or refused where your programs check before each call.",
    )
    anyway = forms.BooleanField(label="Create it anyway: this will be used later", required=False)

    def __init__(self, *args: Any, organization: Organization, budget: Budget | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization, self.budget, self.is_unreachable = organization, budget, False
        if budget:
            for name in COUNTING:
                del self.fields[name]
            return
        offered = dimensions_of(organization)
        self.fields["of"].choices = offered  # type: ignore[attr-defined]  # it is a field of choices
        self.fields["also"].choices = [("", "Nothing more"), *offered[1:]]  # type: ignore[attr-defined]  # as above
        departments = Department.objects.owned_by(organization).order_by("name")
        self.fields["department"].queryset = departments  # type: ignore[attr-defined]  # it is a field of rows
        if not departments:
            del self.fields["department"]

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"], longest=LONGEST_NAME)

    def clean_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["amount"]
        if amount <= 0:
            raise forms.ValidationError("The amount has to be more than zero.")
        return amount

    def clean_thresholds(self) -> tuple[int, ...]:
        return read_thresholds(re.split(r"[\s,;%]+", self.cleaned_data["thresholds"].strip(" ,;%")))

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or self.cleaned_data
        if told.get("every") == Every.CUSTOM and not told.get("anchor") and "anchor" not in self.errors:
            self.add_error("anchor", "Choose the day on which a period begins.")
        unit = self.budget.unit if self.budget else told.get("unit")
        if unit == Unit.TOKENS and told.get("amount") and told["amount"] % 1:
            self.add_error("amount", "Tokens come whole.")
        if not self.budget:
            self.check_scope(told)
        return told

    def check_scope(self, told: dict[str, Any]) -> None:
        of, also = told.get("of", ""), told.get("also", "")
        if also and (not of or also.partition(":")[0] != of.partition(":")[0] or also == of):
            self.add_error("also", "Choose another one of the same list as above.")
        if also and not told.get("also_values", "").strip():
            self.add_error("also_values", "Say which.")
        if of and not told.get("values", "").strip() and not told.get("is_each") and not told.get("department"):
            self.add_error("values", "Say which, or let each of them have this budget for itself.")
        if told.get("is_each") and not of:
            self.add_error("of", "Choose what each one of is to have this budget.")

    @property
    def wanted(self) -> Wanted:
        told = self.cleaned_data
        if self.budget:
            return Wanted(
                name=told["name"],
                amount=told["amount"],
                **{name: getattr(self.budget, name) for name in FIXED},
                thresholds=told["thresholds"],
                forecast_at=told["forecast_at"],
                mode=told.get("mode") or self.budget.mode,
            )
        ledger, _, dimension = told["of"].partition(":")
        scope = {dimension: lines(told["values"])} if dimension and lines(told["values"]) else {}
        if told["also"]:
            scope[told["also"].partition(":")[2]] = lines(told["also_values"])
        department = told.get("department")
        if department and not ledger:
            ledger = department_ledger(department)
        return Wanted(
            name=told["name"],
            amount=told["amount"],
            ledger=ledger or Ledger.COUNTED,
            scope=scope,
            each=dimension if told["is_each"] else "",
            department=department,
            unit=told["unit"],
            every=told["every"],
            anchor=told["anchor"],
            months=told["months"] or 1,
            thresholds=told["thresholds"],
            forecast_at=told["forecast_at"],
            mode=told.get("mode") or Mode.NOTIFY,
        )

    def refuse(self, problem: Problem) -> None:
        """What the workflow says stands beside the field that it is about."""
        self.is_unreachable = problem.code == "scope_never_matches"
        field = "values" if "scope" in problem.fields else "mode" if "mode" in problem.fields else None
        self.add_error(field, problem.message)


def department_ledger(department: Department) -> str:
    """Teams and cost centres are said by code alone; projects and keys are on bills."""
    counted = department.dimension in scopes.OF_LEDGER[Ledger.COUNTED]
    return Ledger.COUNTED if counted else Ledger.MEASURED


def lines(text: str) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def read_thresholds(parts: Sequence[object]) -> tuple[int, ...]:
    """Raises ValidationError with what is wrong with them."""
    told = [str(part) for part in parts if str(part)]
    if any(not part.isdecimal() or not 1 <= int(part) <= HIGHEST for part in told):
        raise forms.ValidationError(f"Write whole percentages from 1 to {HIGHEST}.")
    found = tuple(sorted({int(part) for part in told}))
    if not found or len(found) > MOST:
        raise forms.ValidationError(f"Give one to {MOST} percentages.")
    return found


def initial(budget: Budget) -> dict[str, Any]:
    """What the form holds of a budget that there is."""
    return {
        "name": budget.name,
        "amount": f"{budget.amount.normalize():f}",
        "thresholds": ", ".join(map(str, budget.thresholds)),
        "forecast_at": budget.forecast_at,
        "mode": budget.mode,
    }


class RaiseForm(forms.Form):
    amount = forms.DecimalField(
        label="Limit that you need",
        max_digits=24,
        decimal_places=6,
        max_value=LARGEST,
        help_text="The whole limit, not what comes on top.",
        error_messages={"required": "Say which limit you need."},
    )
    last_day = forms.DateField(
        label="Until",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The last day on which the higher limit holds.",
        error_messages={"required": "Say until when.", "invalid": "Write the day as 2026-01-31."},
    )
    reason = forms.CharField(
        label="Reason",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say what it is for."},
    )

    def __init__(self, *args: Any, limit: Decimal, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limit, self.today = limit, today

    def clean_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["amount"]
        if amount <= self.limit:
            raise forms.ValidationError("Ask for more than the limit that holds already.")
        return amount

    def clean_last_day(self) -> date:
        day: date = self.cleaned_data["last_day"]
        if not 0 <= (day - self.today).days <= 366:
            raise forms.ValidationError("Choose a day from today to a year from now.")
        return day
