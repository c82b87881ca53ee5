"""Lines of a CSV file of figures, in full."""

from tokentra.lib.csv_cells import line, safe
from usage.figures import Figures, Question, written
from usage.names import NAMED, Names
from usage.rows import TOKEN_CLASSES
from usage.wire import plain

LEFT_OUT = ("unpriced_tokens", "partly_priced_calls", "tokenless_calls")  # by a cost
MEASURES = ("cost_usd", "other_currencies", "requests", "tokens", *TOKEN_CLASSES, "reasoning", *LEFT_OUT)


class CsvLines:
    """The columns of a question: its groups, names beside ids, then the figures."""

    def __init__(self, question: Question, names: Names) -> None:
        self.question, self.names = question, names

    def header(self) -> str:
        keys = [column for name in self.question.group_by for column in columns(name)]
        return line([*keys, *MEASURES])

    def row(self, figures: Figures) -> str:
        cells = []
        for name, value in figures.keys.items():
            cells.append(safe(written(value)))
            if name in NAMED:
                cells.append(safe(self.names.given(name, str(value))))
        return line([*cells, *measures(figures)])


def columns(name: str) -> tuple[str, ...]:
    """Of one group: where it is of ids, their names beside them."""
    return (name, f"{name}_name") if name in NAMED else (name,)


def measures(figures: Figures) -> list[str]:
    counts = figures.tokens
    return [
        plain(figures.cost),
        other_currencies(figures),
        "" if figures.requests is None else str(figures.requests),
        str(counts.total),
        *(str(counts.get(name)) for name in TOKEN_CLASSES),
        str(counts.reasoning),
        *left_out(figures),
    ]


def other_currencies(figures: Figures) -> str:
    return "; ".join(f"{plain(amount)} {currency}" for currency, amount in figures.other_currencies.items())


def left_out(figures: Figures) -> list[str]:
    """The cells of LEFT_OUT."""
    return [str(figures.unpriced_tokens), str(figures.partly_priced), str(figures.tokenless)]
