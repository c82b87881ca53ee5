"""How one person wants to hear of alerts: at once, once a day, or not by mail; when not; how severe."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from budgets.alerting import telling
from budgets.alerting.models import AlertWish, Mailing, Severity

FIELDS = ("mailing", "least", "digest_at", "quiet_from", "quiet_until")


def clock() -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class WishForm(forms.Form):
    mailing = forms.ChoiceField(label="Letters", choices=Mailing.choices, widget=forms.RadioSelect)
    least = forms.ChoiceField(label="From this severity on", choices=Severity.choices)
    digest_at = forms.TimeField(label="The daily letter comes at", widget=clock())
    quiet_from = forms.TimeField(
        label="Quiet from",
        widget=clock(),
        required=False,
        help_text="Letters wait until the quiet hours end. Critical ones do not wait.",
    )
    quiet_until = forms.TimeField(label="Quiet until", widget=clock(), required=False)

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        first, last = told.get("quiet_from"), told.get("quiet_until")
        for name, given, other in (("quiet_from", first, last), ("quiet_until", last, first)):
            if given is None and other is not None and name not in self.errors:
                self.add_error(name, "Quiet hours have a beginning and an end.")
        return told


@require_http_methods(["GET", "POST"])
@page(Permission.SEE_COSTS)
def wishes(request: OrgRequest) -> HttpResponse:
    wish = telling.wish_of(request.membership)
    form = WishForm(request.POST or None, initial={name: getattr(wish, name) for name in FIELDS})
    if request.method == "POST" and form.is_valid():
        keep(request, form.cleaned_data)
        messages.success(request, "Your wishes are kept.")
        return redirect("alerts:wishes")
    context = {"form": form, "zone": request.organization.timezone.replace("_", " ")}
    return render(request, "budgets/alerts/wishes.html", context, status=422 if form.errors else 200)


def keep(request: OrgRequest, told: dict[str, Any]) -> None:
    wanted = {name: told[name] for name in FIELDS}
    AlertWish.objects.bulk_create(
        [AlertWish(organization=request.organization, user=request.user, is_chosen=True, **wanted)],
        update_conflicts=True,
        unique_fields=["organization", "user"],
        update_fields=["is_chosen", *FIELDS],
    )
