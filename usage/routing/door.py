"""The page of routing: proposals from measured history, the rules, and what they have done."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from tokentra.lib.problems import Problem
from usage import price_book
from usage.routing import making
from usage.routing.board import Board
from usage.routing.effect import FEWEST_CALLS
from usage.routing.rule import LONGEST, RoutingRule
from usage.rules.routing import Call, Comparison

SNIPPET = 'tokentra_sdk.observe(routing=True)\n\nwith tokentra_sdk.attributes(feature="summaries"):\n    answer = ask()'


def listed(name: str) -> forms.TextInput:
    """With what the page knows as proposals while typing."""
    return forms.TextInput(attrs={"list": name, "autocomplete": "off", "spellcheck": "false"})


class RuleForm(forms.Form):
    feature = forms.CharField(
        max_length=LONGEST,
        strip=False,
        widget=listed("known-features"),
        help_text="As your code names it.",
        error_messages={"required": "Name the feature."},
    )
    provider = forms.SlugField(
        max_length=40, widget=listed("known-providers"), error_messages={"required": "Name the provider."}
    )
    model = forms.CharField(
        label="Model asked for",
        max_length=LONGEST,
        widget=listed("known-models"),
        help_text="Without a date it stands for all its versions.",
        error_messages={"required": "Name the model that is asked for."},
    )
    use_model = forms.CharField(
        label="Model to use",
        max_length=LONGEST,
        widget=listed("known-models"),
        help_text="Of the same provider.",
        error_messages={"required": "Name the model to use."},
    )

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        provider, models = told.get("provider"), (told.get("model"), told.get("use_model"))
        if not provider:
            return told
        for name, model in zip(("model", "use_model"), models, strict=True):
            if model and price_book.find(provider, model) is None:
                self.add_error(name, f"The price book knows no model {model} of {provider}.")
        if models[0] and models[0] == models[1]:
            self.add_error("use_model", "Choose another model than the one that is asked for.")
        return told


@require_GET
@page(Permission.SEE_COSTS)
def routing(request: OrgRequest) -> HttpResponse:
    """A suggestion leads here with the models of its rule, which then stands ready to be added."""
    board = Board(request.organization, timezone.now())
    asked = {name: request.GET[name][:LONGEST] for name in RuleForm.base_fields if request.GET.get(name)}
    if "provider" in asked and "model" in asked:
        asked.setdefault("feature", board.only_feature(asked["provider"], asked["model"]))
    return drawn(request, board, RuleForm(initial=asked))


def drawn(
    request: OrgRequest, board: Board, form: RuleForm, *, status: int = 200, dearer: Comparison | None = None
) -> HttpResponse:
    context = {
        "board": board,
        "form": form,
        "dearer": dearer,
        "known": named(dearer) if dearer else "",
        "sees_keys": request.membership.may(Permission.MANAGE_OWN_KEYS),
        "may_change": request.membership.may(Permission.MANAGE_ROUTING),
        "fewest": FEWEST_CALLS,
        "snippet": SNIPPET,
    }
    return render(request, "usage/routing.html", context, status=status)


def named(compared: Comparison) -> str:
    """Which rule it is that somebody knows to be dearer: another one is asked about anew."""
    call = compared.call
    return f"{call.feature}/{call.provider}/{call.model}/{compared.use_model}"


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_ROUTING)
def add_rule(request: OrgRequest) -> HttpResponse:
    """POST makes a rule; one that is dearer is asked about first.

    What a refused one is answered with stands at this address, so a look leads to the page.
    """
    if request.method == "GET":
        return redirect("usage:routing")
    form, board = RuleForm(request.POST), Board(request.organization, timezone.now())
    if not form.is_valid():
        return drawn(request, board, form, status=422)
    told = form.cleaned_data
    call = Call(told["feature"], told["provider"], told["model"])
    compared = board.comparison(call, told["use_model"])
    if compared and compared.is_dearer and request.POST.get("dearer") != named(compared):
        return drawn(request, board, form, status=422, dearer=compared)
    basis = board.basis_of(call, told["use_model"])
    try:
        making.make(request.organization, call, told["use_model"], basis=basis, by=request.user, now=board.now)
    except Problem as problem:
        form.add_error(None, problem.message)
        return drawn(request, board, form, status=problem.status)
    messages.success(
        request, f"The rule for {call.feature} is there, and off. Enable it when you have compared answers."
    )
    return redirect("usage:routing")


@require_POST
@page(Permission.MANAGE_ROUTING)
def enable_rule(request: OrgRequest, pk: UUID) -> HttpResponse:
    rule = rule_of(request, pk)
    making.enable(rule, by=request.user, now=timezone.now())
    messages.success(request, f"On: programs that read the rules find {rule.use_model} for {rule.feature} from now on.")
    return redirect("usage:routing")


@require_POST
@page(Permission.MANAGE_ROUTING)
def disable_rule(request: OrgRequest, pk: UUID) -> HttpResponse:
    rule = rule_of(request, pk)
    making.disable(rule, by=request.user, now=timezone.now())
    messages.success(request, f"Off: programs that read the rules no longer find one for {rule.feature}.")
    return redirect("usage:routing")


@require_POST
@page(Permission.MANAGE_ROUTING)
def remove_rule(request: OrgRequest, pk: UUID) -> HttpResponse:
    rule = rule_of(request, pk)
    making.remove(rule, by=request.user)
    messages.success(request, f"The rule for {rule.feature} is gone.")
    return redirect("usage:routing")


def rule_of(request: OrgRequest, pk: UUID) -> RoutingRule:
    return get_object_or_404(RoutingRule.objects.owned_by(request.organization), pk=pk)
