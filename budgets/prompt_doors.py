"""The page on which somebody says how long a prompt may be."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from budgets import prompting


class PromptLimitForm(forms.Form):
    tokens = forms.IntegerField(
        label="Tokens in a prompt, at most",
        required=False,
        min_value=1,
        max_value=prompting.MOST,
        help_text="Empty: a prompt may be of any length.",
        error_messages={"invalid": "Write whole tokens as a number, such as 32000."},
    )


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_BUDGETS)
def longest_prompt(request: OrgRequest) -> HttpResponse:
    """POST sets it, or lifts it."""
    held = prompting.limit_of(request.organization)
    form = PromptLimitForm(request.POST or None, initial={"tokens": held.tokens if held else None})
    if request.method == "POST" and form.is_valid():
        tokens = form.cleaned_data["tokens"]
        prompting.allow(request.organization, tokens, by=request.user, now=timezone.now())
        said = f"A prompt may have up to {tokens:,} tokens." if tokens else "A prompt may be of any length."
        messages.success(request, f"{said} Calls that are checked go by it within seconds.")
        return redirect("budgets:list")
    context = {"form": form, "held": held}
    return render(request, "budgets/longest_prompt.html", context, status=422 if form.errors else 200)
