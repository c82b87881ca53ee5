"""The words and signs that components share: bases, connection states, comparisons."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from tokentra.lib import money


@dataclass(frozen=True, slots=True)
class Word:
    label: str
    tone: str
    icon: str
    explanation: str = ""


BASES = {
    "billed": Word("Billed", "neutral", "receipt", "Read from the provider's own bill, to the last digit they sent."),
    "computed": Word(
        "Computed",
        "neutral",
        "calculator",
        "The provider's usage multiplied by the price book. The bill replaces it once it is complete.",
    ),
    "measured": Word(
        "Measured",
        "neutral",
        "activity",
        "Priced from calls that your own code reported, one event per model call.",
    ),
    "mixed": Word(
        "Mixed",
        "neutral",
        "stack-2",
        "Days with a complete bill count as billed; newer days are usage multiplied by the price book. "
        "No dollar is counted twice.",
    ),
    "reported": Word(
        "Reported", "neutral", "message-dollar", "The amount that your own code sent along with the call."
    ),
    "estimated": Word("Estimated", "neutral", "tilde", "Token counts were guessed from text, then priced."),
    "unpriced": Word(
        "Unpriced",
        "warn",
        "question-mark",
        "There is no rate for these tokens or units yet, so they are not part of any dollar figure.",
    ),
}

STATUSES = {
    "validating": Word("Checking key", "info", "loader"),
    "backfilling": Word("First sync", "info", "refresh"),
    "healthy": Word("Healthy", "good", "circle-check"),
    "degraded": Word("Partly working", "warn", "alert-triangle"),
    "failing": Word("Failing", "bad", "alert-circle"),
    "broken": Word("Needs a new key", "bad", "key-off"),
    "paused": Word("Paused", "neutral", "player-pause"),
    "disconnected": Word("Disconnected", "neutral", "plug-off"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    icon: str
    words: str

    @classmethod
    def of(cls, change: Decimal | float | None, against: str, otherwise: str) -> Self:
        """More and less are neither good nor bad by themselves: an arrow and a word, no colour."""
        if change is None or change == "":
            return cls("", otherwise)
        ratio = Decimal(str(change))
        if abs(ratio) < Decimal("0.0005"):
            return cls("arrow-right", f"same as {against}" if against else "no change")
        word, arrow = ("more", "arrow-up-right") if ratio > 0 else ("less", "arrow-down-right")
        return cls(arrow, f"{money.percent(abs(ratio))} {word}" + (f" than {against}" if against else ""))
