"""Lines of a CSV file: figures in full, and texts that no spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Iterable

from usage.figures import Figures, Question, written
from usage.names import NAMED, Names
from usage.rows import TOKEN_CLASSES
from usage.wire import plain

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "#")  # "#" would be read as the line that carries the count
MEASURES = ("cost_usd", "other_currencies", "requests", "tokens", *TOKEN_CLASSES, "reasoning", "unpriced_tokens")


def safe(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


class CsvLines:
    """The columns of a question: its groups, names beside ids, then the figures."""

    def __init__(self, question: Question, names: Names) -> None:
        self.question, self.names = question, names

    def header(self) -> str:
        keys = [column for name in self.question.group_by for column in self.columns(name)]
        return line([*keys, *MEASURES])

    @staticmethod
    def columns(name: str) -> tuple[str, ...]:
        return (name, f"{name}_name") if name in NAMED else (name,)

    def row(self, figures: Figures) -> str:
        cells = []
        for name, value in figures.keys.items():
            cells.append(safe(written(value)))
            if name in NAMED:
                cells.append(safe(self.names.given(name, str(value))))
        return line([*cells, *measures(figures)])


def measures(figures: Figures) -> list[str]:
    counts = figures.tokens
    return [
        plain(figures.cost),
        "; ".join(f"{plain(amount)} {currency}" for currency, amount in figures.other_currencies.items()),
        "" if figures.requests is None else str(figures.requests),
        str(counts.total),
        *(str(counts.get(name)) for name in TOKEN_CLASSES),
        str(counts.reasoning),
        str(figures.unpriced_tokens),
    ]
