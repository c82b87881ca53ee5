"""Figures that an organization's own rules may watch, on one screen. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tokentra.lib import money
from usage.figures import Figures

ABOVE, BELOW = "above", "below"
ROOM = Decimal("0.1")  # of the bound: what was told has to go back so far before it is over


@dataclass(frozen=True, slots=True)
class Metric:
    """`is_counted`: what counts has it; else only what code measured."""

    id: str
    label: str
    shown: Callable[[Decimal], str]
    is_counted: bool = True


METRICS = (
    Metric("cost", "Spend", money.dollars),
    Metric("tokens", "Tokens", money.tokens),
    Metric("requests", "Requests", money.tokens),
    Metric("unpriced", "Unpriced tokens", money.tokens),
    Metric("errors", "Share of failed calls", lambda value: money.percent(value / 100), is_counted=False),
    Metric("cost_a_call", "Cost of a call", money.dollars, is_counted=False),
)
BY_ID = {metric.id: metric for metric in METRICS}


def is_beyond(value: Decimal, comparator: str, bound: Decimal, *, stands: bool) -> bool:
    """Whether a figure is past its bound; one that was told already stays so until it is clearly back."""
    room = abs(bound) * ROOM if stands else Decimal(0)
    return value > bound - room if comparator == ABOVE else value < bound + room


def of_figures(figures: Figures, metric: str) -> Decimal | None:
    match metric:
        case "cost":
            return figures.cost
        case "tokens":
            return Decimal(figures.tokens.total)
        case "requests":
            return None if figures.requests is None else Decimal(figures.requests)
        case "unpriced":
            return Decimal(figures.unpriced_tokens)
    return None


def of_sums(sums: Mapping[str, Any], metric: str) -> Decimal | None:
    """Of what was measured; None where there was no call to say it of."""
    told = {name: Decimal(value or 0) for name, value in sums.items()}
    calls = told["calls"]
    answers: dict[str, Decimal | None] = {
        "cost": told["cost"],
        "tokens": told["tokens_in"] + told["tokens_out"],
        "requests": calls,
        "unpriced": told["unpriced"],
        "errors": 100 * told["errors"] / calls if calls else None,
        "cost_a_call": told["cost"] / calls if calls else None,
    }
    return answers.get(metric)
