"""Charts drawn on the server: bars as one path per series, and the table with the same numbers."""

from django import template
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from tokentra.lib.charts import Chart, tick_labels

register = template.Library()

HEIGHT = 1000  # of the drawing; it is stretched over the plot
SLOT, BAR = 100, 68


@register.simple_tag
def chart(chart: Chart, height: int = 280) -> SafeString:
    labels = tick_labels(chart.axis, chart.unit, bare=chart.is_empty)
    ticks = [
        {"label": label, "at": f"{chart.axis.share(value) * 100:.2f}"}
        for value, label in zip(chart.axis.ticks, labels, strict=True)
    ]
    values = {
        "chart": chart,
        "height": height,
        "ticks": ticks,
        "longest_tick": max(map(len, labels)),
        "width": SLOT * len(chart.slots),
        "paths": [(one.colour, path) for one, path in zip(chart.series, paths(chart), strict=True)],
        "marks": marks(chart),
        "days": days(chart),
        "numbers": numbers(chart),
    }
    return render_to_string("ui/chart.html", values)


def paths(chart: Chart) -> list[str]:
    """Each series as one SVG path; bars pile up from zero, credits down from it."""
    scale = HEIGHT / float(chart.axis.high - chart.axis.low)
    zero = float(chart.axis.high) * scale
    above, below = [zero] * len(chart.slots), [zero] * len(chart.slots)
    drawn = []
    for one in chart.series:
        pieces = []
        for position, value in enumerate(one.values):
            if not value:
                continue
            pile = above if value > 0 else below
            start = pile[position]
            pile[position] = start - float(value) * scale
            top, tall = min(start, pile[position]), abs(start - pile[position])
            pieces.append(f"M{SLOT * position + (SLOT - BAR) // 2} {top:.1f}h{BAR}v{tall:.1f}h-{BAR}z")
        drawn.append("".join(pieces))
    return drawn


def marks(chart: Chart) -> list[dict[str, str]]:
    """Where hatching lies over bars that are not settled."""
    count = len(chart.slots)
    return [
        {
            "left": f"{(position + (1 - BAR / SLOT) / 2) / count * 100:.3f}",
            "width": f"{BAR / SLOT / count * 100:.3f}",
            "tall": f"{chart.axis.share(total) * 100:.2f}",
        }
        for position, (slot, total) in enumerate(zip(chart.slots, chart.totals, strict=True))
        if slot.state and total > 0
    ]


def days(chart: Chart) -> list[dict[str, str]]:
    count = len(chart.slots)
    return [
        {"label": slot.label, "at": f"{(position + 0.5) / count * 100:.2f}"}
        for position, slot in enumerate(chart.slots)
        if position % chart.every == 0
    ]


def numbers(chart: Chart) -> SafeString:
    """The rows of the table under a chart, written as text: ninety days of seven series are 700 cells."""
    columns = [[chart.text(value) for value in one.values] for one in chart.series]
    rows = []
    for position, (slot, total) in enumerate(zip(chart.slots, chart.totals, strict=True)):
        name = escape(slot.title or slot.label)
        head = f'<a href="{escape(slot.href)}">{name}</a>' if slot.href else name
        note = {"partial": " (so far)", "unsettled": " (not settled)"}.get(slot.state, "")
        parts = "".join(f'<td class="num">{texts[position]}</td>' for texts in columns)
        whole = f'<td class="num" title="{chart.exact(total)}">{chart.text(total)}</td>'
        rows.append(f'<tr><th scope="row">{head}<span>{note}</span></th>{whole}{parts}</tr>')
    return mark_safe("".join(rows))  # noqa: S308  # names are escaped above, figures are ours
