"""What a row costs: the price book's rates or the organization's own, per class of tokens. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from uuid import UUID

from msgspec import Struct

from usage import price_book
from usage.price_book import PRICE_BOOK_VERSION, NoRates, Rates
from usage.rows import TOKEN_CLASSES, Basis, Ledger, Tokens, UsageRow

__all__ = ["PRICE_BOOK_VERSION", "Override", "Price", "Pricer", "rounded"]

PLACES = Decimal("1e-12")
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
MILLION = Decimal(1_000_000)
UNIT = "unit:"
STANDARD_TIERS = {"", "default", "standard"}
KEPT = 50_000


class Price(Struct, frozen=True):
    """An amount in USD, or in the row's own currency where the source gave it; None: there is no price.

    `rate_ref` names the rate behind the amount, or says why there is none.
    """

    amount: Decimal | None
    basis: Basis
    rate_ref: str = ""


@dataclass(frozen=True)
class Override:
    """An organization's own price from `since` up to, not including, `until`.

    Either `rates`, in USD per million tokens by class and in USD for one unit as `unit:search`, or `discount_percent`
    off the book. An empty `model` means every model of the provider; `processing` is standard, batch, flex, priority
    or any.
    """

    id: UUID
    provider: str
    model: str
    since: date
    until: date | None = None
    processing: str = "standard"
    rates: Mapping[str, Decimal] | None = None
    discount_percent: Decimal | None = None

    def holds(self, provider: str, model: str, processing: str, day: date) -> bool:
        return (
            self.provider == provider
            and self.model in ("", model)
            and self.processing in ("any", processing)
            and self.since <= day
            and (self.until is None or day < self.until)
        )

    @property
    def precedence(self) -> tuple[bool, bool, date, UUID]:
        """The narrower and then the later one wins."""
        return self.model != "", self.processing != "any", self.since, self.id


@dataclass
class Pricer:
    """Prices rows of one organization; keeps what it has looked up."""

    overrides: Sequence[Override] = ()
    _known: dict[tuple[object, ...], Rates | NoRates] = field(default_factory=dict)

    def price(self, row: UsageRow) -> Price:
        """The row's price: as sent for a bill, as reported where the source says it, else by its rates.

        A row is priced as a whole or not at all: one class with tokens and without a rate leaves it
        unpriced. Units beside tokens are never priced: their bill line carries the money.
        """
        if row.ledger is Ledger.BILLED:
            return Price(row.amount or Decimal(0), Basis.BILLED)
        if row.amount is not None:
            return Price(rounded(row.amount), Basis.REPORTED)
        if row.kind == "unit" or not any(row.tokens.classes):
            if row.units:
                return Price(None, Basis.UNPRICED, "units are on the bill")
            return Price(Decimal(0), Basis.COMPUTED, "nothing used")
        rates = self.rates(row)
        return Price(None, Basis.UNPRICED, rates.why) if isinstance(rates, NoRates) else _computed(row, rates)

    def rates(self, row: UsageRow) -> Rates | NoRates:
        """The rates that hold for a row of usage, or why there are none."""
        extra = dict(row.extra) if row.extra else {}
        speed, geo = extra.get("speed", ""), extra.get("inference_geo", "")
        dimensions = (row.provider, row.model, row.service_tier, row.batch, row.context_window, speed, geo)
        entry = price_book.find(row.provider, row.model)
        at = row.start if entry and entry.changes_within_days else row.day
        key = (*dimensions, at, row.seconds)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            found = self._known[key] = self._look_up(row, speed, geo)
        return found

    def amount(self, provider: str, model: str, tokens: Tokens, *, at: datetime, batch: bool = False) -> Decimal | None:
        """USD for tokens used at an instant, as requests of ordinary length; None when there is no rate."""
        return self.price(UsageRow(Ledger.USAGE, "", at, 1, provider, model, batch=batch, tokens=tokens)).amount

    def _look_up(self, row: UsageRow, speed: str, geo: str) -> Rates | NoRates:
        context = _context(row, speed)
        window, start, seconds = row.context_window, row.start, row.seconds
        book = price_book.rates(row.provider, row.model, context, window=window, start=start, seconds=seconds)
        if isinstance(book, Rates) and (factor := price_book.REGIONAL.get((row.provider, geo))):
            book = book.times(factor, f"declared {geo}")
        return self._overridden(book, row, context)

    def _overridden(self, book: Rates | NoRates, row: UsageRow, context: price_book.Context) -> Rates | NoRates:
        processing = context[0][1] if len(context) == 1 else "+".join(v for _, v in context) or "standard"
        holding = [own for own in self.overrides if own.holds(row.provider, row.model, processing, row.day)]
        own = max((o for o in holding if o.rates is not None), key=lambda o: o.precedence, default=None)
        if own is not None and own.rates is not None:
            base = book if isinstance(book, Rates) else Rates("", {})
            of_units = {name.removeprefix(UNIT): rate for name, rate in own.rates.items() if name.startswith(UNIT)}
            of_tokens = {name: rate for name, rate in own.rates.items() if not name.startswith(UNIT)}
            prices = {**base.per_million, **of_tokens}
            return Rates(f"override:{own.id}", prices, base.per_request, per_unit=of_units)
        off = max((o for o in holding if o.discount_percent is not None), key=lambda o: o.precedence, default=None)
        if off is not None and off.discount_percent is not None and isinstance(book, Rates):
            return book.times((100 - off.discount_percent) / 100, f"override:{off.id}")
        return book


def _computed(row: UsageRow, rates: Rates) -> Price:
    total = Decimal(0)
    for name, count in zip(TOKEN_CLASSES, row.tokens.classes, strict=True):
        if count:
            rate = rates.per_million.get(name)
            if rate is None:
                return Price(None, Basis.UNPRICED, f"no rate for {name}")
            total = EXACT.fma(rate, Decimal(count), total)
    total = EXACT.divide(total, MILLION)
    if rates.per_request:
        if row.requests is None:
            return Price(None, Basis.UNPRICED, "priced by request, and requests are not known")
        total = EXACT.fma(rates.per_request, Decimal(row.requests), total)
    is_certain = rates.certain_up_to is None or row.tokens.incoming <= rates.certain_up_to
    return Price(rounded(total), Basis.COMPUTED, rates.ref if is_certain else f"{rates.ref}:context unknown")


def rounded(amount: Decimal) -> Decimal:
    """To the twelve places that computed and reported amounts are kept in, half to even."""
    return amount.quantize(PLACES, context=EXACT)


def _context(row: UsageRow, speed: str) -> price_book.Context:
    """How a row was processed, in the book's words; () is the standard way."""
    tier = row.service_tier.lower()
    words: list[tuple[str, str]] = []
    if row.batch or tier == "batch":
        words.append(("processing", "batch"))
    if tier not in STANDARD_TIERS and tier != "batch":
        words.append(("service_tier", tier))
    if speed and speed not in STANDARD_TIERS:
        words.append(("speed", speed))
    return tuple(words)
