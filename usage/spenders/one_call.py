"""One call explained: its tokens by class, the rate of each, what that makes, and where it belongs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from tokentra.lib import money
from usage.measured import TAG, Event
from usage.measuring.prices import PARTS, Compiled, PriceTable, of_unit
from usage.measuring.shape import Sent
from usage.names import Names
from usage.pricing import Override, rounded
from usage.rows import TOKEN_CLASSES
from usage.spenders.words import WORDS, href
from usage.unpriced import IN_PART, LABELS, is_helped_by_a_price, is_in_part

MILLION = Decimal(1_000_000)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Line:
    """One class of tokens; rate in dollars a million, None where it is not known any more."""

    label: str
    count: int
    rate: Decimal | None = None
    cost: Decimal | None = None

    @property
    def rate_text(self) -> str:
        """Every digit: a rate is no amount that somebody pays."""
        return money.exact_dollars(self.rate)


@dataclass(frozen=True)
class Said:
    """One thing that the sender said of the call, and the page of all calls like it."""

    label: str
    value: str
    href: str = ""


class OneCall:
    def __init__(self, call: Event, overrides: Sequence[Override], names: Names, summed: Collection[str] = ()) -> None:
        """`summed` are the tags that have pages."""
        self.call, self.overrides, self.names, self.summed = call, overrides, names, summed

    @cached_property
    def _rates(self) -> Compiled | None:
        """Those that made the amount: None where they were others, or the amount came with the call."""
        call = self.call
        if call.amount is None or call.basis not in ("computed", "estimated"):
            return None
        sent = Sent(provider=call.provider, model=call.model, service_tier=call.service_tier)
        rates = PriceTable(self.overrides).rates(sent, call.occurred_at, call.tokens_in)
        if not isinstance(rates, Compiled) or rates.ref != self._ref:
            return None
        priced = {name: count for name, count in self._units.items() if name in rates.per_unit}
        beside = rates.per_request + sum(of_unit(rates.per_unit[name], count) for name, count in priced.items())
        made = rounded(sum((self._cost(rates, name) for name in TOKEN_CLASSES), Decimal(beside) / PARTS))
        return rates if made == call.amount else None

    @property
    def _ref(self) -> str:
        """That it leaves units out is said with these."""
        return self.call.rate_ref.removesuffix(IN_PART)

    def _part(self, rates: Compiled, name: str) -> int | None:
        parts = rates.parts if self.call.audio_in or self.call.image_in else rates.parts_of_text
        return parts[TOKEN_CLASSES.index(name)]

    def _cost(self, rates: Compiled, name: str) -> Decimal:
        return Decimal((getattr(self.call, name) or 0) * (self._part(rates, name) or 0)) / PARTS

    @cached_property
    def lines(self) -> list[Line]:
        return [self._line(name) for name in TOKEN_CLASSES if getattr(self.call, name)]

    def _line(self, name: str) -> Line:
        count = getattr(self.call, name)
        rates = self._rates
        if rates is None:
            return Line(LABELS[name], count)
        part = self._part(rates, name)
        return Line(LABELS[name], count, None if part is None else part * MILLION / PARTS, self._cost(rates, name))

    @property
    def has_rates(self) -> bool:
        return self._rates is not None

    @property
    def rate_words(self) -> str:
        """Where the amount comes from."""
        basis, ref = self.call.basis, self._ref
        if basis == "unpriced":
            return self.call.why_unpriced
        if basis == "reported":
            return "The amount came with the call."
        if ref == "nothing used":
            return "Nothing was used, so nothing is charged."
        own = "A price of your own" if "override:" in ref else "The price book"
        if self.has_rates or not self.lines:
            return f"{own}: {ref}."
        without = " Units that had no price are not in it." if is_in_part(self.call.rate_ref) else ""
        other = "It has other rates now, so they are not shown by class."
        return f"{own} as it was when the call arrived: {ref}. {other}{without}"

    @property
    def lacks_a_price(self) -> bool:
        """Whether a price of the organization's own would give such a call one, or the rest of its price."""
        ref = self.call.rate_ref
        return is_in_part(ref) if self.call.amount is not None else is_helped_by_a_price(ref)

    @property
    def is_late(self) -> bool:
        """It arrived a day or more after it was made: figures of its day were other ones before."""
        return self.call.received_at - self.call.occurred_at >= DAY

    @property
    def _units(self) -> dict[str, Decimal]:
        return {name: Decimal(count) for name, count in sorted((self.call.units or {}).items())}

    @property
    def units(self) -> list[str]:
        """What was used beside tokens, and whether its price is part of the amount."""
        rates, each = self._rates, []
        if rates is None:
            return [f"Used: {money.exact(count)} of {name}." for name, count in self._units.items()]
        if rates.per_request:
            each.append(f"In it: {money.exact_dollars(Decimal(rates.per_request) / PARTS)} for the request.")
        for name, count in self._units.items():
            used = f"{money.exact(count)} of {name}"
            if (parts := rates.per_unit.get(name)) is not None:
                rate, cost = (money.exact_dollars(Decimal(part) / PARTS) for part in (parts, of_unit(parts, count)))
                each.append(f"In it: {used} at {rate} each, {cost}.")
            else:
                each.append(f"Not in it: {used}, which has no price here.")
        return each

    @property
    def said(self) -> list[Said]:
        """Its dimensions and tags, as far as they were said."""
        columns = {"user": "user_ref", "api_key": "key_id"}
        found = []
        for name, word in WORDS.items():
            value = str(getattr(self.call, columns.get(name, name)) or "")
            if value and name != "model":
                found.append(Said(word.one, self.names.given(name, value) or value, href(name, value)))
        more = (("Purpose", self.call.purpose), ("Operation", self.call.operation), ("Tier", self.call.service_tier))
        tags = (
            Said(name, value, href(f"{TAG}{name}", value) if name in self.summed and value else "")
            for name, value in sorted((self.call.tags or {}).items())
        )
        return [*found, *(Said(label, value) for label, value in more if value), *tags]
