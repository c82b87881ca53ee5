"""An organization's own prices are entered, ended and taken back, inside its scope; the audit log tells of each."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from accounts import audit
from accounts.models import Organization, User
from usage.models import PriceOverride
from usage.pricing import UNIT
from usage.rows import TOKEN_CLASSES


class Refused(Exception):
    """Its text is one sentence for whoever enters a price."""


def enter(
    organization: Organization,
    provider: str,
    model: str,
    *,
    rates: Mapping[str, Decimal],
    discount: Decimal | None = None,
    processing: str = PriceOverride.Processing.STANDARD,
    since: date,
    until: date | None = None,
    by: User | None = None,
) -> PriceOverride:
    """It holds for what is reported from now on, of days from `since`; the past is priced anew by `reprice`."""
    check(rates, discount)
    if until is not None and until <= since:
        raise Refused("It ends before it begins.")
    own = PriceOverride.objects.create(
        organization=organization,
        provider=provider,
        model=model,
        processing=processing,
        rates={name: f"{rate:f}" for name, rate in rates.items()} if rates else None,
        discount_percent=discount,
        since=since,
        until=until,
    )
    audit.note("price_entered", organization, by, about=own, **told(own))
    return own


def check(rates: Mapping[str, Decimal], discount: Decimal | None) -> None:
    if bool(rates) == (discount is not None):
        raise Refused("Give either rates or a discount.")
    if discount is not None and not 0 <= discount <= 100:
        raise Refused("A discount is a percentage from 0 to 100.")
    for name, rate in rates.items():
        is_unit = name.startswith(UNIT) and name != UNIT
        if name not in TOKEN_CLASSES and not is_unit:
            raise Refused(f"There is no class {name}. Use one of {', '.join(TOKEN_CLASSES)}, or {UNIT}NAME for a unit.")
        if not rate.is_finite() or rate < 0:
            raise Refused(f"The rate of {name} is an amount in dollars of 0 or more.")


def end(own: PriceOverride, until: date, *, today: date, by: User | None = None) -> None:
    """`until` is the first day without it. What was priced by it keeps its price."""
    if until <= own.since:
        raise Refused(f"It holds from {own.since}: choose a later day.")
    if until < today:
        raise Refused("The past was priced by it already: choose today or a later day.")
    if own.until is not None and own.until <= today:
        raise Refused("It has ended already.")
    own.until = until
    own.save(update_fields=["until"])
    audit.note("price_ended", own.organization, by, about=own, **told(own), until=f"{until}")


def remove(own: PriceOverride, *, by: User | None = None) -> None:
    audit.note("price_removed", own.organization, by, about=own, **told(own))
    own.delete()


def told(own: PriceOverride) -> dict[str, str]:
    price = f"{own.discount_percent}% off" if own.rates is None else ", ".join(f"{n} {r}" for n, r in own.rates.items())
    return {"provider": own.provider, "model": own.model, "price": price, "since": f"{own.since}"}
