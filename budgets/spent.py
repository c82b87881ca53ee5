"""What was spent: dollars by what they rest on, and what those say nothing of. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)


@dataclass(frozen=True)
class Spent:
    """`amount` is in dollars. Of other currencies nothing is in it but their names.

    `unpriced_calls` are measured; of what counts, those alone that told no tokens: others are in `unpriced_tokens`.
    """

    amount: Decimal = ZERO
    billed: Decimal = ZERO
    computed: Decimal = ZERO
    measured: Decimal = ZERO
    tokens: int = 0
    unpriced_tokens: int = 0
    unpriced_calls: int = 0
    other_currencies: tuple[str, ...] = ()

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.amount + other.amount,
            self.billed + other.billed,
            self.computed + other.computed,
            self.measured + other.measured,
            self.tokens + other.tokens,
            self.unpriced_tokens + other.unpriced_tokens,
            self.unpriced_calls + other.unpriced_calls,
            tuple(sorted({*self.other_currencies, *other.other_currencies})),
        )

    @property
    def basis(self) -> str:
        """As the chip says it; "" where nothing was spent."""
        parts = [name for name in ("billed", "computed", "measured") if getattr(self, name)]
        return parts[0] if len(parts) == 1 else "mixed" if parts else ""


NOTHING = Spent()


def read(sums: Sequence[Any]) -> Spent:
    """Of the sums that `budgets.spending` selects, in their order."""
    amount, billed, computed, measured, tokens, unpriced_tokens, unpriced_calls, others = sums
    return Spent(
        amount,
        Decimal(billed),
        Decimal(computed),
        measured,
        int(tokens),
        int(unpriced_tokens),
        int(unpriced_calls),
        tuple(others),
    )
