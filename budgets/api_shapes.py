"""Bodies of the budget routes, exactly as programs send and read them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from django.core.exceptions import ValidationError
from pydantic import Field, StringConstraints, field_validator, model_validator

from accounts.api_shapes import Camel, Strict
from accounts.naming import clean_name
from budgets import scopes
from budgets.making import Wanted
from budgets.models import LONGEST_NAME, Budget, Ledger, Mode, PromptLimit, Unit
from budgets.prompting import MOST as MOST_PROMPT_TOKENS
from budgets.rules.periods import Every, Span
from budgets.rules.thresholds import DEFAULT, HIGHEST, MOST
from budgets.standing import Standing

Value = Annotated[str, StringConstraints(min_length=1, max_length=scopes.LONGEST_VALUE)]
Values = Annotated[list[Value], Field(min_length=1, max_length=scopes.MOST_VALUES)]
Percent = Annotated[int, Field(ge=1, le=HIGHEST)]
Amount = Annotated[Decimal, Field(gt=0, max_digits=21, decimal_places=6)]


class Parts(Strict):
    """What the organization's own budget and all others have in common."""

    amount: Amount
    thresholds: list[Percent] = Field(default=list(DEFAULT), min_length=1, max_length=MOST)
    forecast_at: int | None = Field(100, ge=1, le=HIGHEST)
    mode: Mode = Mode.NOTIFY


class OwnBody(Parts):
    """The organization's own budget: dollars in a calendar month."""


class BudgetBody(Parts):
    name: str = Field(max_length=LONGEST_NAME)
    ledger: Ledger = Ledger.COUNTED
    scope: dict[str, Values] = Field(default={}, max_length=3)
    each: str = Field("", max_length=80)
    unit: Unit = Unit.USD
    period: Every = Every.MONTH
    anchor: date | None = None
    months: int = Field(1, ge=1, le=12)
    anyway: bool = False

    @field_validator("name")
    @classmethod
    def is_a_name(cls, value: str) -> str:
        return named(value)

    @model_validator(mode="after")
    def is_whole(self) -> Self:
        if self.period is Every.CUSTOM and self.anchor is None:
            raise ValueError("Give the anchor: the day on which a custom period began.")
        if self.unit is Unit.TOKENS and self.amount % 1:
            raise ValueError("Tokens come whole.")
        return self

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            name=self.name,
            amount=self.amount,
            ledger=self.ledger,
            scope=self.scope,
            each=self.each,
            unit=self.unit,
            every=self.period,
            anchor=self.anchor,
            months=self.months,
            thresholds=tuple(self.thresholds),
            forecast_at=self.forecast_at,
            mode=self.mode,
        )


class BudgetPatch(Strict):
    """Any of these; with `version`, only if nobody changed it since that one was read."""

    version: int | None = None
    archived: bool | None = None
    name: str | None = Field(None, max_length=LONGEST_NAME)
    ledger: Ledger | None = None
    scope: dict[str, Values] | None = Field(None, max_length=3)
    each: str | None = Field(None, max_length=80)
    unit: Unit | None = None
    amount: Amount | None = None
    period: Every | None = None
    anchor: date | None = None
    months: int | None = Field(None, ge=1, le=12)
    thresholds: list[Percent] | None = Field(None, min_length=1, max_length=MOST)
    forecast_at: int | None = Field(None, ge=1, le=HIGHEST)
    mode: Mode | None = None


class PromptLimitBody(Strict):
    tokens: int | None = Field(ge=1, le=MOST_PROMPT_TOKENS)


class PromptLimitShape(Camel):
    tokens: int | None
    changed_at: datetime | None


class StandingShape(Camel):
    value: str
    spent: str
    limit: str
    share: str
    thresholds_crossed: list[int]
    basis: str
    unpriced_tokens: int
    raised_until: datetime | None


class BudgetShape(Camel):
    id: UUID
    name: str
    ledger: str
    scope: dict[str, list[str]]
    each: str
    department: str | None
    unit: str
    amount: str
    currency: str | None
    period: str
    anchor: date | None
    months: int
    thresholds: list[int]
    forecast_at: int | None
    mode: str
    version: int
    archived_at: datetime | None
    period_start: datetime
    period_end: datetime
    standings: list[StandingShape]


class BudgetList(Camel):
    items: list[BudgetShape]


def named(value: str) -> str:
    try:
        name = clean_name(value, longest=LONGEST_NAME)
    except ValidationError as wrong:
        raise ValueError(wrong.messages[0]) from None
    if not name:
        raise ValueError("Give the budget a name.")
    return name


def body_of(budget: Budget, patch: BudgetPatch) -> dict[str, Any]:
    """A whole body: what the budget is, with what the patch says on top."""
    held = {
        "name": budget.name,
        "ledger": budget.ledger,
        "scope": budget.scope,
        "each": budget.each,
        "unit": budget.unit,
        "amount": f"{budget.amount:f}",
        "period": budget.every,
        "anchor": budget.anchor,
        "months": budget.months,
        "thresholds": budget.thresholds,
        "forecast_at": budget.forecast_at,
        "mode": budget.mode,
    }
    said = patch.model_dump(exclude_unset=True, exclude={"version", "archived"})
    return held | said


def shown(budget: Budget, span: Span, found: list[Standing]) -> dict[str, Any]:
    return {
        **{
            name: getattr(budget, name)
            for name in ("id", "name", "ledger", "scope", "each", "unit", "anchor", "months", "thresholds")
        },
        **{name: getattr(budget, name) for name in ("forecast_at", "mode", "version", "archived_at")},
        "department": budget.department.name if budget.department else None,
        "amount": plain(budget.amount, budget.unit),
        "currency": "USD" if budget.unit == Unit.USD else None,
        "period": budget.every,
        "period_start": span.start,
        "period_end": span.end,
        "standings": [standing(each) for each in found],
    }


def standing(each: Standing) -> dict[str, Any]:
    return {
        "value": each.value,
        "spent": plain(each.spent, each.budget.unit),
        "limit": plain(each.limit, each.budget.unit),
        "share": f"{each.share:.6f}",
        "thresholds_crossed": list(each.crossed),
        "basis": each.basis,
        "unpriced_tokens": each.unpriced_tokens,
        "raised_until": each.raised.ends_at if each.raised else None,
    }


def prompt_limit(held: PromptLimit | None) -> dict[str, Any]:
    return {"tokens": held.tokens if held else None, "changed_at": held.changed_at if held else None}


def plain(value: Decimal, unit: str) -> str:
    """Every digit that says something; of dollars the cents as well."""
    whole, _, places = f"{value:f}".partition(".")
    places = places.rstrip("0").ljust(2 if unit == Unit.USD else 0, "0")
    return f"{whole}.{places}" if places else whole
