"""Features whose calls to a model are many and short, priced on its declared smaller sibling."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tokentra.lib import money
from usage.rows import Tokens
from usage.rules.cheaper_model import SHORT_INPUT, SHORT_OUTPUT
from usage.rules.evidence import Price, arithmetic, days_seen, part, prompt_tokens
from usage.rules.families import smaller_than

FEWEST_CALLS = 100
SMALLEST_SAVING = Decimal("0.01")
KEPT = (Decimal("0.5"), Decimal(1))  # another model may say the same in more tokens, and some calls stay as they were


@dataclass(frozen=True, slots=True)
class Call:
    """Which calls a rule is about."""

    feature: str
    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class FeatureUse:
    """What a feature's calls with one model came to in a period. `unpriced` counts calls without a price in dollars."""

    call: Call
    days: frozenset[date]
    calls: int
    errors: int
    unpriced: int
    cost: Decimal
    tokens: Tokens

    @property
    def answered(self) -> int:
        return self.calls - self.errors


@dataclass(frozen=True, slots=True)
class Proposal:
    """`cost` is as measured, `cost_then` that of the same tokens with the other model; `affected` bounds a saving."""

    call: Call
    use_model: str
    calls: int
    days: int
    tokens: Tokens
    cost: Decimal
    cost_then: Decimal
    affected: Decimal
    cheaper: Decimal
    low: Decimal
    high: Decimal
    confidence: str

    @property
    def formula(self) -> str:
        return (
            arithmetic(self.affected, "these calls", self.cheaper, KEPT, "kept")
            + f" Looked at: features whose calls with a model number at least {FEWEST_CALLS}, are all priced, "
            f"and average at most {money.exact(SHORT_INPUT)} tokens in and {money.exact(SHORT_OUTPUT)} out."
        )

    @property
    def why_confidence(self) -> str:
        seen = f"Seen on {days_seen(self.days)}."
        return f"{seen} Nobody has compared the answers, and length says nothing about difficulty."


def propose(uses: Iterable[FeatureUse], price: Price) -> list[Proposal]:
    """What is worth a look, the largest saving first."""
    found = [each for use in uses for each in proposed(use, price) if each.high >= SMALLEST_SAVING]
    return sorted(found, key=lambda each: (-each.high, each.call.feature, each.call.provider, each.call.model))


def proposed(use: FeatureUse, price: Price) -> Iterator[Proposal]:
    provider, model = use.call.provider, use.call.model
    smaller = smaller_than(provider, model)
    if not smaller or use.unpriced or use.answered < FEWEST_CALLS or not is_short(use):
        return
    now, then = price(provider, model, use.tokens), price(provider, smaller, use.tokens)
    if not now or then is None or then >= now:
        return
    affected = min(use.cost, now)  # what was paid may hold more than these tokens, or have been less than the book's
    cheaper = 1 - then / now
    low, high = (part(affected, cheaper * kept) for kept in KEPT)
    is_steady = len(use.days) >= 14 and use.answered >= 10_000
    yield Proposal(
        call=use.call,
        use_model=smaller,
        calls=use.calls,
        days=len(use.days),
        tokens=use.tokens,
        cost=use.cost,
        cost_then=then,
        affected=affected,
        cheaper=cheaper,
        low=low,
        high=high,
        confidence="medium" if is_steady else "low",
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same tokens with either model: those of the measured `calls`, or of a short one where there are none."""

    call: Call
    use_model: str
    calls: int
    tokens: Tokens
    now: Decimal
    then: Decimal

    @property
    def is_dearer(self) -> bool:
        return self.then > self.now

    @property
    def dearer(self) -> Decimal | None:
        """By which share; None from nothing."""
        return self.then / self.now - 1 if self.now else None


A_SHORT_CALL = Tokens(input=SHORT_INPUT, output=SHORT_OUTPUT)


def compare(call: Call, use_model: str, uses: Iterable[FeatureUse], price: Price) -> Comparison | None:
    """What the calls cost with either model; None where one of them has no price for such tokens."""
    measured = [(use.calls, use.tokens) for use in uses if use.call == call and use.tokens.total]
    for calls, tokens in [*measured, (0, A_SHORT_CALL)]:
        now, then = price(call.provider, call.model, tokens), price(call.provider, use_model, tokens)
        if now is not None and then is not None:
            return Comparison(call, use_model, calls, tokens, now, then)
    return None


def is_short(use: FeatureUse) -> bool:
    """On average over its calls that were answered, and text alone."""
    tokens = use.tokens
    is_text = tokens.audio_in + tokens.audio_out + tokens.image_in + tokens.image_out == 0
    is_small = prompt_tokens(tokens) <= SHORT_INPUT * use.answered and tokens.output <= SHORT_OUTPUT * use.answered
    return is_text and tokens.total > 0 and is_small
