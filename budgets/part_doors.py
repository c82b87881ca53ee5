"""The parts of single values under a budget that each value has: more for one user, less for one customer."""

from decimal import Decimal
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from budgets import looking, scopes
from budgets.forms import LARGEST
from budgets.models import Allocation, Budget
from budgets.views import of
from usage.names import Names

MOST = 1_000


class PartForm(forms.Form):
    value = forms.CharField(
        label="Whose",
        max_length=scopes.LONGEST_VALUE,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="As your figures name it.",
        error_messages={"required": "Say whose part it is."},
    )
    amount = forms.DecimalField(
        label="Amount",
        required=False,
        max_digits=24,
        decimal_places=6,
        max_value=LARGEST,
        help_text="Empty: the same as everybody else.",
    )

    def clean_amount(self) -> Decimal | None:
        amount: Decimal | None = self.cleaned_data["amount"]
        if amount is not None and amount <= 0:
            raise forms.ValidationError("The amount has to be more than zero.")
        return amount


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_BUDGETS)
def parts(request: OrgRequest, budget_id: UUID) -> HttpResponse:
    """POST gives one value a part of its own, or takes it back."""
    budget = of(request, budget_id)
    if not budget.each:
        raise Http404
    form = PartForm(request.POST or None, initial={"value": request.GET.get("value", "")[: scopes.LONGEST_VALUE]})
    mine = Allocation.objects.owned_by(request.organization).filter(budget=budget).order_by("value")
    if form.is_valid():
        told = form.cleaned_data
        request.organization.lock()
        if told["amount"] is None or mine.filter(value=told["value"]).exists() or mine.count() < MOST:
            give(budget, told["value"], told["amount"], request)
            has = "the same as everybody" if told["amount"] is None else "a part of its own"
            who = Names(request.organization).shown(budget.each, told["value"])
            messages.success(request, f"{who} has {has} now.")
            return redirect("budgets:budget", budget_id)
        form.add_error(None, f"A budget has up to {MOST} parts.")
    names = Names(request.organization)
    named = [(names.shown(budget.each, each.value), each) for each in mine]
    context = {"form": form, "budget": budget, "parts": named, "label": scopes.label(budget.each)}
    return render(request, "budgets/parts.html", context, status=422 if form.errors else 200)


def give(budget: Budget, value: str, amount: Decimal | None, request: OrgRequest) -> None:
    looking.settle(budget, timezone.now())
    mine = Allocation.objects.owned_by(budget.organization).filter(budget=budget, value=value)
    if amount is None:
        mine.delete()
    else:
        Allocation.objects.bulk_create(
            [Allocation(organization=budget.organization, budget=budget, value=value, amount=amount)],
            update_conflicts=True,
            unique_fields=["organization", "budget", "value"],
            update_fields=["amount"],
        )
    Budget.objects.owned_by(budget.organization).filter(pk=budget.pk).update(changed_at=timezone.now())
    part = None if amount is None else f"{amount.normalize():f}"
    audit.note("budget_part_set", budget.organization, request.user, about=budget, value=value, amount=part)
    looking.look_soon(budget.organization)
