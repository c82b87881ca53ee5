"""The picture beside the sign-up form: the dashboard's own components, drawn from sample figures."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tokentra.lib.charts import Part, Series, Slot, rank, stacked

DAYS = 14
MODELS = {
    "gpt-5": ("GPT-5", "openai", "118 124 131 127 92 61 58 133 141 138 146 109 72 69"),
    "claude-sonnet-4-5": ("Claude Sonnet 4.5", "anthropic", "64 71 69 78 55 31 29 74 82 88 85 66 38 35"),
    "gpt-4o-mini": ("GPT-4o mini", "openai", "22 24 21 25 18 12 11 24 26 25 27 21 14 13"),
    "text-embedding-3-large": ("Embeddings 3 large", "openai", "8 9 9 8 7 4 4 9 10 9 10 8 5 5"),
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
        "ranks": rank(
            [Part(one.key, one.name, one.total, logo=MODELS[one.key][1]) for one in series], ranking=order
        ),
    }
