"""The page of departments: values of one dimension under one name, for budgets to be about."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts import audit
from accounts.gates import page
from accounts.http import OrgRequest
from accounts.naming import clean_name
from accounts.permissions import Permission
from budgets import scopes
from budgets.forms import lines
from budgets.models import LONGEST_NAME, Budget, Department
from usage.names import Names

MOST = 100
OF = ("team", "user", "cost_center", "project", "api_key")


class DepartmentForm(forms.Form):
    name = forms.CharField(
        label="Name", max_length=LONGEST_NAME, error_messages={"required": "Give the department a name."}
    )
    dimension = forms.ChoiceField(label="Made of", choices=[(name, f"{scopes.label(name)}s") for name in OF])
    values = forms.CharField(
        label="Which",
        max_length=scopes.MOST_VALUES * scopes.LONGEST_VALUE,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One in each line, as your figures name them.",
        error_messages={"required": "Name at least one."},
    )

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"], longest=LONGEST_NAME)

    def clean_values(self) -> list[str]:
        return checked(lines(self.cleaned_data["values"]))


def checked(values: list[str]) -> list[str]:
    if not values or len(values) > scopes.MOST_VALUES or any(len(each) > scopes.LONGEST_VALUE for each in values):
        raise forms.ValidationError(
            f"Name up to {scopes.MOST_VALUES}, each of at most {scopes.LONGEST_VALUE} characters."
        )
    return values


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_BUDGETS)
def departments(request: OrgRequest) -> HttpResponse:
    """POST adds one."""
    form = DepartmentForm(request.POST or None)
    mine = Department.objects.owned_by(request.organization).order_by("name")
    if form.is_valid():
        told: dict[str, Any] = form.cleaned_data
        request.organization.lock()
        if mine.filter(name=told["name"]).exists():
            form.add_error("name", "There is a department of this name.")
        elif mine.count() >= MOST:
            form.add_error(None, f"An organization has up to {MOST} departments.")
        else:
            made = Department.objects.create(organization=request.organization, created_at=timezone.now(), **told)
            audit.note("department_created", request.organization, request.user, about=made, name=made.name)
            messages.success(request, f"{made.name} is there. Choose it when you create a budget.")
            return redirect("budgets:departments")
    names = Names(request.organization)
    named = [(each, [names.shown(each.dimension, value) for value in each.values]) for each in mine]
    context = {"form": form, "departments": named, "used": used(request)}
    return render(request, "budgets/departments.html", context, status=422 if form.errors else 200)


@require_POST
@page(Permission.MANAGE_BUDGETS)
def remove(request: OrgRequest, department_id: UUID) -> HttpResponse:
    department = get_object_or_404(Department.objects.owned_by(request.organization), pk=department_id)
    if department.pk in used(request):
        messages.error(request, f"A budget is about {department.name}, also where it is archived. So it stays.")
    else:
        audit.note("department_removed", request.organization, request.user, about=department, name=department.name)
        department.delete()
        messages.success(request, f"{department.name} is gone. What it was made of stays as it is.")
    return redirect("budgets:departments")


def used(request: OrgRequest) -> set[UUID | None]:
    mine = Budget.objects.owned_by(request.organization).exclude(department=None)
    return set(mine.values_list("department_id", flat=True))
