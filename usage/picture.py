"""The picture of the product beside the sign-up form: two weeks of the sample workspace, by the real price book."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from tokentra.lib.charts import Part, Series, Slot, rank, stacked
from usage import demo
from usage.pricing import Pricer

DAYS = 14


@lru_cache(maxsize=1)
def picture(today: date) -> dict[str, Any]:
    """Spend by day and model over the two weeks that ended yesterday, and the ranking of models."""
    days = [today - timedelta(days=back) for back in range(DAYS, 0, -1)]
    pricer = Pricer()
    spend: dict[str, defaultdict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    providers = {}
    fortnight = demo.Stretch(days[0], today, datetime.combine(today, time.min, UTC), last_day=today)
    for provider in demo.USAGE_ENDPOINT:
        for row in demo.usage_of(provider, fortnight):
            spend[row.model][row.day] += pricer.price(row).amount or 0
            providers[row.model] = provider
    series = [Series(model, model, [dated[day] for day in days]) for model, dated in spend.items()]
    order = sorted(spend, key=lambda model: -sum(spend[model].values()))
    earlier, later = (
        sum((dated[day] for dated in spend.values() for day in week), Decimal(0)) for week in (days[:7], days[7:])
    )
    slots = [Slot(f"{day.day} {day:%b}", f"{day:%a} {day.day} {day:%b}") for day in days]
    return {
        "total": earlier + later,
        "change": abs(later - earlier) / earlier,
        "word": "more" if later >= earlier else "less",
        "chart": stacked("sample-spend", "Sample spend by day and model", slots, series, ranking=order),
        "ranks": rank([Part(one.key, one.name, one.total, logo=providers[one.key]) for one in series], ranking=order),
    }
