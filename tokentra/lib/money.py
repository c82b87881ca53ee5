"""How money, tokens, shares and durations are written for people; nothing is stored or summed in these forms."""

from decimal import Decimal

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
CENT = Decimal("0.01")
MILLION = Decimal(1_000_000)

STEPS = ((Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "B"), (MILLION, "M"), (Decimal(1000), "K"))

Figure = Decimal | int | float | str


def dollars(value: Figure | None) -> str:
    """`$4,832.47`; below a cent two significant digits; from a million on `$1.24M`."""
    if value is None:
        return DASH
    amount = _decimal(value)
    sign, size = (MINUS if amount < 0 else ""), abs(amount)
    if 0 < size < CENT:
        return f"{sign}${_two_significant(size)}"
    rounded = size.quantize(CENT)
    return f"{sign}${rounded:,}" if rounded < MILLION else f"{sign}${_compact(size)}"


def exact_dollars(value: Figure | None) -> str:
    """Every digit that was stored, and at least the cents."""
    if value is None:
        return DASH
    amount = _decimal(value)
    sign, text = (MINUS if amount < 0 else ""), f"{abs(amount):,f}"
    whole, _, places = text.partition(".")
    return f"{sign}${whole}.{places.rstrip('0').ljust(2, '0')}"


def money(value: Figure | None, currency: str = "USD") -> str:
    """An amount of any currency: dollars wear their sign, others their ISO code."""
    if value is None or currency == "USD":
        return dollars(value)
    return f"{dollars(value).replace('$', '')} {currency}"


def tokens(value: Figure | None) -> str:
    """`9,481`, `45.2K`, `12.3M`: three significant digits from ten thousand on."""
    if value is None:
        return DASH
    amount = _decimal(value)
    sign, size = (MINUS if amount < 0 else ""), abs(amount)
    return f"{sign}{exact(size) if size < 10_000 else _compact(size)}"


def exact(value: Figure | None) -> str:
    """Every digit, in groups of three."""
    if value is None:
        return DASH
    amount = _decimal(value)
    text = f"{abs(amount):,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{MINUS if amount < 0 else ''}{text}"


def percent(ratio: Figure | None) -> str:
    """A ratio as a percentage: whole from ten on, one place below; never a false zero, nor a false hundred."""
    if ratio is None:
        return DASH
    share = _decimal(ratio) * 100
    sign, size = (MINUS if share < 0 else ""), abs(share)
    if 0 < size < Decimal("0.1"):
        return f"<{sign}0.1%"
    if Decimal("99.95") <= size < 100:
        return f">{sign}99.9%"
    if size == 0 or Decimal("9.95") <= size < Decimal("99.5") or size >= 100:
        return f"{sign}{size.quantize(Decimal(1)):,}%"
    return f"{sign}{exact(size.quantize(Decimal('0.1')))}%"


def duration(milliseconds: Figure | None) -> str:
    """`850 ms`, `1.2 s`, `3.5 min`, `2.1 h`."""
    if milliseconds is None:
        return DASH
    size = _decimal(milliseconds)
    for above, unit, length in (("59_995", "min", 60_000), ("999", "s", 1000)):
        if size > Decimal(above):
            is_hours = unit == "min" and size >= 3_600_000
            whole, name = (size / 3_600_000, "h") if is_hours else (size / length, unit)
            return f"{whole.quantize(Decimal('0.1'))} {name}"
    return f"{size:f} ms"


def _decimal(value: Figure) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _compact(size: Decimal) -> str:
    for position, (step, letter) in enumerate(STEPS):
        if size >= step:
            text = _three_significant(size / step)
            if text == "1000" and position:  # 999,999 rounds up into the next letter
                return f"1.00{STEPS[position - 1][1]}"
            return f"{text}{letter}"
    return exact(size)


def _three_significant(size: Decimal) -> str:
    for limit, places in ((Decimal("9.995"), "0.01"), (Decimal("99.95"), "0.1")):
        if size < limit:
            return str(size.quantize(Decimal(places)))
    return str(size.quantize(Decimal(1)))


def _two_significant(size: Decimal) -> str:
    rounded = size.quantize(Decimal(1).scaleb(size.adjusted() - 1))
    text = f"{rounded:f}".rstrip("0")
    return text if len(text.partition(".")[2]) >= 2 else f"{rounded.quantize(CENT)}"
