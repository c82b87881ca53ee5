"""Small pictures of cost over time, one for each row of a list: bars, since money falls on days."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from accounts.models import Organization
from tokentra.lib import money
from usage.measured import MeasuredHour
from usage.spenders import sums
from usage.spenders.pictures import Axis
from usage.spenders.spans import Span

HIGH, STEP, WIDE = 20, 3, 2


@dataclass(frozen=True)
class Spark:
    """Bars as one path in a box of `width` by HIGH; `words` say the same."""

    path: str
    width: int
    words: str


def of_values(organization: Organization, dimension: str, values: Collection[str], span: Span) -> dict[str, Spark]:
    """Of those that cost anything."""
    axis = Axis.of(span)
    rows = sums.rows(organization, dimension, span)
    time = "hour" if rows.model is MeasuredHour else "day"
    found = rows.of_values(values).filter(sums.USD).values_list("value", time).annotate(cost=Sum("amount")).order_by()
    costs: dict[str, list[Decimal]] = {}
    for value, at, cost in found:
        place = axis.place(at)
        if place is not None:
            costs.setdefault(value, [Decimal(0)] * len(axis.starts))[place] += cost
    titles = [slot.title for slot in axis.slots("")]
    return {value: drawn(amounts, titles, str(axis.grain)) for value, amounts in costs.items() if any(amounts)}


def drawn(amounts: Sequence[Decimal], titles: Sequence[str], grain: str) -> Spark:
    highest = max(amounts)
    bars = [
        f"M{STEP * place + 1} {HIGH}v-{max(Decimal(1), HIGH * amount / highest):.0f}"
        for place, amount in enumerate(amounts)
        if amount > 0
    ]
    peak = titles[amounts.index(highest)]
    words = f"Cost by {grain}, {titles[0]} to {titles[-1]}: at most {money.dollars(highest)}, {peak}"
    return Spark("".join(bars), STEP * len(amounts), words)
