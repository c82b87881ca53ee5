"""What one call costs, fast: the pricer's rates as whole numbers, looked up once for each kind of call. Pure.

It answers what `usage.pricing.Pricer` answers for the same tokens, to the last digit. A call is one request, so
where a price depends on how long the input is, the rate that holds for this length is taken.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter

from usage import price_book
from usage.measuring.shape import Sent, Tokens
from usage.price_book import NoRates, Rates
from usage.pricing import Override, Price, Pricer, rounded
from usage.rows import TOKEN_CLASSES, Basis, Ledger, UsageRow
from usage.rows import Tokens as Counts
from usage.unpriced import IN_PART

# Rates are held in parts of 10^-24 USD for one token, so that every published price is a whole number.
PARTS = Decimal(10) ** 24
TO_PLACES = 10**12  # from parts to the twelve places that are kept
NO_ROOM = 10**12 * TO_PLACES  # what the column of an event's amount does not hold
KEPT = 20_000
UNENDING = 10**15
NONE_USED = Tokens()
in_order: Callable[[Tokens], tuple[int, ...]] = attrgetter(*TOKEN_CLASSES)  # the counts


@dataclass(frozen=True, slots=True)
class Compiled:
    """Rates by class in the order of TOKEN_CLASSES, in PARTS; None where a class has none."""

    ref: str
    parts: tuple[int | None, ...]
    parts_of_text: tuple[int | None, ...]  # of a call without audio and images: what it read from a cache was text
    per_request: int
    certain_up_to: int | None
    per_unit: Mapping[str, int]


@dataclass
class PriceTable:
    """For one organization's own prices, which are given."""

    overrides: Sequence[Override] = ()
    _pricer: Pricer = field(init=False)
    _known: dict[tuple[str, str, str, date, str], Compiled | NoRates] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pricer = Pricer(self.overrides)

    def price(self, sent: Sent, at: datetime, units: Mapping[str, Decimal]) -> Price:
        """The amount in USD, or as reported in its own currency; `basis` says which, or that there is none.

        A call that used units alone has a price where each of them has one. Beside tokens, those without a price are
        left out, and `rate_ref` says so.
        """
        if sent.cost is not None:
            return Price(rounded(sent.cost.amount), Basis.REPORTED, "reported")
        if sent.usage_source == "missing":
            return unpriced("the sender does not know the tokens")
        tokens = sent.tokens or NONE_USED
        counts = in_order(tokens)
        if not any(counts) and not units:
            return Price(Decimal(0), Basis.COMPUTED, "nothing used")
        return self._computed(sent, at, tokens, counts, units)

    def _computed(
        self, sent: Sent, at: datetime, tokens: Tokens, counts: tuple[int, ...], units: Mapping[str, Decimal]
    ) -> Price:
        rates = self.rates(sent, at, sum(counts) - tokens.output - tokens.audio_out - tokens.image_out)
        priced = {} if isinstance(rates, NoRates) else rates.per_unit
        if units and not any(counts) and (without := next((name for name in units if name not in priced), "")):
            return unpriced(f"no rate for the unit {without}")
        if isinstance(rates, NoRates):
            return unpriced(rates.why)
        ref, total = rates.ref, rates.per_request
        if units:
            total += sum(of_unit(priced[name], count) for name, count in units.items() if name in priced)
            if not units.keys() <= priced.keys():
                ref += IN_PART
        parts = rates.parts_of_text if tokens.audio_in == tokens.image_in == 0 else rates.parts
        for place, count in enumerate(counts):
            if count:
                rate = parts[place]
                if rate is None:
                    return unpriced(f"no rate for {TOKEN_CLASSES[place]}")
                total += count * rate
        places = half_even(total, TO_PLACES)
        if places >= NO_ROOM:
            return unpriced("a higher price than is kept")
        basis = Basis.ESTIMATED if sent.usage_source == "estimated" else Basis.COMPUTED
        return Price(Decimal(places).scaleb(-12), basis, ref)

    def rates(self, sent: Sent, at: datetime, incoming: int) -> Compiled | NoRates:
        """The rates that hold for a call with so many tokens going in."""
        window = ""
        while True:
            rates = self._at(sent.provider, sent.model, sent.service_tier or "", at, window)
            if isinstance(rates, NoRates) or rates.certain_up_to is None or incoming <= rates.certain_up_to:
                return rates
            window = f"{rates.certain_up_to}-{UNENDING}"

    def _at(self, provider: str, model: str, tier: str, at: datetime, window: str) -> Compiled | NoRates:
        key = (provider, model, tier, at.date(), window)
        found = self._known.get(key)
        if found is None:
            row = UsageRow(
                Ledger.MEASURED,
                "",
                at,
                1,
                provider,
                model,
                service_tier=tier,
                batch=tier == "batch",
                context_window=window,
                tokens=Counts(input=1),
                requests=1,
            )
            rates = self._pricer.rates(row)
            found = compiled(rates) if isinstance(rates, Rates) else rates
            entry = price_book.find(provider, model)
            if entry and entry.changes_within_days:
                return found
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[key] = found
        return found


def compiled(rates: Rates) -> Compiled:
    text_read = rates.per_million.get(price_book.TEXT_READ)
    of_text = rates.per_million if text_read is None else rates.per_million | {"cache_read": text_read}
    return Compiled(
        rates.ref,
        in_parts(rates.per_million),
        in_parts(of_text),
        int(rates.per_request * PARTS),
        rates.certain_up_to,
        {name: int(rate * PARTS) for name, rate in rates.per_unit.items()},
    )


def of_unit(parts: int, count: Decimal) -> int:
    """Units may come in parts."""
    return int((count * parts).to_integral_value())


def in_parts(per_million: Mapping[str, Decimal]) -> tuple[int | None, ...]:
    rates = [per_million.get(name) for name in TOKEN_CLASSES]
    return tuple(None if rate is None else int(rate * PARTS / 1_000_000) for rate in rates)


def unpriced(why: str) -> Price:
    return Price(None, Basis.UNPRICED, why)


def half_even(total: int, divisor: int) -> int:
    """A whole number divided, rounded half to even."""
    quotient, rest = divmod(total, divisor)
    return quotient + (rest * 2 > divisor or (rest * 2 == divisor and quotient & 1))
