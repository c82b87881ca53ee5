"""The page of an organization's own prices: those that hold, come and ended; a new one, shown in its effect first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
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
from accounts.models import Organization
from accounts.permissions import Permission
from tokentra.lib import money
from tokentra.lib.ids import uuid7
from usage import own_prices as prices
from usage.measuring.providers import known_as
from usage.models import PriceOverride
from usage.own_price_effects import Effects, effects, rates_now
from usage.pricing import UNIT, Override
from usage.rows import TOKEN_CLASSES

WORDS = {
    "input": "Input",
    "cache_read": "Read from a cache",
    "cache_write_5m": "Written to a cache, for 5 minutes",
    "cache_write_30m": "Written to a cache, for 30 minutes",
    "cache_write_1h": "Written to a cache, for an hour",
    "cache_write_12h": "Written to a cache, for 12 hours",
    "output": "Output",
    "audio_in": "Audio in",
    "audio_out": "Audio out",
    "image_in": "Images in",
    "image_out": "Images out",
}
OFTEN = ("input", "cache_read", "output")
PROCESSING = {
    PriceOverride.Processing.STANDARD: "as usual",
    PriceOverride.Processing.BATCH: "in batches",
    PriceOverride.Processing.FLEX: "by the flex tier",
    PriceOverride.Processing.PRIORITY: "by the priority tier",
    PriceOverride.Processing.ANY: "in any way",
}


def rate_field(label: str) -> forms.DecimalField:
    return forms.DecimalField(label=label, max_digits=18, decimal_places=12, min_value=0, required=False)


class PriceForm(forms.Form):
    provider = forms.CharField(
        max_length=40,
        help_text="As its usage names it: openai, anthropic, pinecone.",
        error_messages={"required": "Say whose price it is."},
    )
    model = forms.CharField(max_length=256, required=False, help_text="As the provider names it. Empty: every model.")
    processing = forms.ChoiceField(
        label="For calls that are made", choices=[(k.value, w) for k, w in PROCESSING.items()]
    )
    discount = forms.DecimalField(
        label="Discount on the price book, in percent",
        max_digits=6,
        decimal_places=3,
        min_value=0,
        max_value=100,
        required=False,
        help_text="Instead of prices of your own below.",
    )
    unit = forms.RegexField(
        r"^[A-Za-z0-9_.-]+$",
        label="Unit that is not tokens",
        max_length=64,
        required=False,
        help_text="As your calls name it: read_unit, search, page.",
        error_messages={"invalid": "Write the unit's name as your calls do, such as read_unit."},
    )
    unit_rate = rate_field("Dollars for one unit")
    since = forms.DateField(
        label="From",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": "Say from which day it holds.", "invalid": "Write the day as 2026-01-31."},
    )
    until = forms.DateField(
        label="Up to, not including",
        widget=forms.DateInput(attrs={"type": "date"}),
        required=False,
        help_text="Empty: until you end it.",
        error_messages={"invalid": "Write the day as 2026-01-31."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in TOKEN_CLASSES:
            self.fields[name] = rate_field(WORDS[name])

    @property
    def often(self) -> list[forms.BoundField]:
        return [self[name] for name in OFTEN]

    @property
    def seldom(self) -> list[forms.BoundField]:
        return [self[name] for name in TOKEN_CLASSES if name not in OFTEN]

    @property
    def says_seldom(self) -> bool:
        return any(self[name].value() or self[name].errors for name in TOKEN_CLASSES if name not in OFTEN)

    def clean_provider(self) -> str:
        return known_as(self.cleaned_data["provider"].strip())

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if bool(told.get("unit")) != (told.get("unit_rate") is not None):
            self.add_error("unit", "Give a unit and its price together.")
        since, until = told.get("since"), told.get("until")
        if since and until and until <= since:
            self.add_error("until", "It ends before it begins.")
        if not self.errors:
            try:
                prices.check(self.rates, told["discount"])
            except prices.Refused as reason:
                self.add_error(None, str(reason))
        return told

    @property
    def rates(self) -> dict[str, Decimal]:
        told = self.cleaned_data
        found = {name: told[name] for name in TOKEN_CLASSES if told.get(name) is not None}
        return found | ({f"{UNIT}{told['unit']}": told["unit_rate"]} if told.get("unit") else {})

    @property
    def override(self) -> Override:
        told = self.cleaned_data
        return Override(
            uuid7(),
            told["provider"],
            told["model"],
            told["since"],
            told["until"],
            told["processing"],
            self.rates or None,
            told["discount"],
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """A price in words, and what it would have made of the last days."""

    sentences: list[str]
    effects: Effects


@dataclass(frozen=True, slots=True)
class Row:
    price: PriceOverride
    today: date

    @property
    def dialog(self) -> str:
        return f"end-{self.price.pk}"

    @property
    def is_ended(self) -> bool:
        return self.price.until is not None and self.price.until <= self.today

    @property
    def has_begun(self) -> bool:
        return self.price.since <= self.today

    @property
    def words(self) -> list[str]:
        return list(in_words(self.price.rates, self.price.discount_percent))

    @property
    def processing(self) -> str:
        return PROCESSING[PriceOverride.Processing(self.price.processing)]

    @property
    def whose(self) -> str:
        return f"{self.price.provider} {self.price.model or 'every model'}"


@require_GET
@page(Permission.MANAGE_BUDGETS)
def own_prices(request: OrgRequest) -> HttpResponse:
    return drawn(request, PriceForm(initial={"since": timezone.now().date(), "processing": "standard"}))


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_BUDGETS)
def new(request: OrgRequest) -> HttpResponse:
    """POST shows what a price does; with `act` enter it enters it. A look leads to the page."""
    if request.method == "GET":
        return redirect("usage:own_prices")
    form = PriceForm(request.POST)
    if not form.is_valid():
        return drawn(request, form, status=422)
    own = form.override
    if request.POST.get("act") != "enter":
        return drawn(request, form, preview=preview_of(request.organization, own))
    made = prices.enter(
        request.organization,
        own.provider,
        own.model,
        rates=form.rates,
        discount=own.discount_percent,
        processing=own.processing,
        since=own.since,
        until=own.until,
        by=request.user,
    )
    messages.success(
        request, f"The price of {Row(made, own.since).whose} is there. It holds for what is reported from now on."
    )
    return redirect("usage:own_prices")


@require_POST
@page(Permission.MANAGE_BUDGETS)
def end(request: OrgRequest, price_id: UUID) -> HttpResponse:
    own, today = mine(request, price_id), timezone.now().date()
    try:
        until = forms.DateField(error_messages={"required": "Choose a day."}).clean(request.POST.get("until"))
        prices.end(own, until, today=today, by=request.user)
    except (prices.Refused, forms.ValidationError) as reason:
        sentence = reason.messages[0] if isinstance(reason, forms.ValidationError) else str(reason)
        messages.error(request, f"The price of {Row(own, today).whose} did not change. {sentence}")
    else:
        messages.success(
            request, f"The price of {Row(own, today).whose} holds up to {until:%-d %b %Y}, not including it."
        )
    return redirect("usage:own_prices")


@require_POST
@page(Permission.MANAGE_BUDGETS)
def remove(request: OrgRequest, price_id: UUID) -> HttpResponse:
    """Of one that has not begun; what has held is ended, so that its history stays."""
    own, today = mine(request, price_id), timezone.now().date()
    if own.since <= today:
        messages.error(request, f"The price of {Row(own, today).whose} has held already. End it instead.")
    else:
        prices.remove(own, by=request.user)
        messages.success(request, f"The price of {Row(own, today).whose} is gone. It had not begun.")
    return redirect("usage:own_prices")


def mine(request: OrgRequest, price_id: UUID) -> PriceOverride:
    return get_object_or_404(PriceOverride.objects.owned_by(request.organization), pk=price_id)


def drawn(request: OrgRequest, form: PriceForm, *, status: int = 200, preview: Preview | None = None) -> HttpResponse:
    today = timezone.now().date()
    mine = PriceOverride.objects.owned_by(request.organization).order_by("provider", "model", "-since")
    rows = [Row(each, today) for each in mine]
    context = {
        "form": form,
        "preview": preview,
        "rows": [each for each in rows if not each.is_ended],
        "ended": [each for each in rows if each.is_ended],
        "today": today,
    }
    return render(request, "usage/own_prices.html", context, status=status)


def preview_of(organization: Organization, own: Override) -> Preview:
    now = timezone.now()
    before = rates_now(organization, own, now) if own.model and own.rates else {}
    return Preview(list(in_words(own.rates, own.discount_percent, before)), effects(organization, own, now))


def in_words(rates: Any, discount: Decimal | None, before: Any = None) -> Iterator[str]:
    """One line for each rate; `before` says what it is instead of."""
    if rates is None:
        yield f"{(discount or Decimal(0)).normalize():f} % off the price book"
        return
    for name, told in rates.items():
        rate = Decimal(told)
        of = f"one {name.removeprefix(UNIT)}" if name.startswith(UNIT) else f"a million tokens of {WORDS[name].lower()}"
        known = (before or {}).get(name)
        instead = "" if before is None or known == rate else f" instead of {amount(known)}" if known is not None else ""
        yield f"{amount(rate)} for {of}{instead}"


def amount(rate: Decimal) -> str:
    return money.exact_dollars(rate)
