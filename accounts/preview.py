"""The picture beside the sign-up form: the dashboard's own components, drawn from sample figures."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tokentra.lib.charts import Part, Series, Slot, rank, stacked

DAYS = 14
MODELS = {
    "gpt-5": (
        "GPT-5",
        "openai",
        "118.42 124.10 131.77 127.36 92.08 61.54 58.91 133.25 141.60 138.03 146.89 109.47 72.15 69.83",
    ),
    "claude-sonnet-4-5": (
        "Claude Sonnet 4.5",
        "anthropic",
        "64.31 71.95 69.02 78.66 55.40 31.17 29.88 74.53 82.09 88.74 85.21 66.36 38.92 35.05",
    ),
    "gpt-4o-mini": (
        "GPT-4o mini",
        "openai",
        "22.18 24.67 21.93 25.40 18.06 12.35 11.72 24.81 26.59 25.14 27.33 21.46 14.20 13.57",
    ),
}


def preview(today: date) -> dict[str, Any]:
    """What the picture shows: spend by day and model, and the ranking of models."""
    days = [today - timedelta(days=back) for back in range(DAYS, 0, -1)]
    figures = {key: [Decimal(figure) for figure in text.split()] for key, (_, _, text) in MODELS.items()}
    series = [Series(key, MODELS[key][0], values) for key, values in figures.items()]
    total = sum((one.total for one in series), Decimal(0))
    week = sum((sum(one.values[7:], Decimal(0)) for one in series), Decimal(0))
    before = sum((sum(one.values[:7], Decimal(0)) for one in series), Decimal(0))
    order = list(MODELS)
    slots = [Slot(f"{day.day} {day:%b}", f"{day:%a} {day.day} {day:%b}") for day in days]
    return {
        "total": total,
        "change": (week - before) / before,
        "chart": stacked("sample-spend", "Sample spend by day and model", slots, series, ranking=order),
        "ranks": rank([Part(one.key, one.name, one.total, logo=MODELS[one.key][1]) for one in series], ranking=order),
    }
