"""Pricing measured events anew, on purpose, told before and after; whatever they are added up to follows."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import Q

from accounts.models import Organization
from tokentra.lib.tenancy import organization_scope
from usage.ingest import overrides_of
from usage.measured import Event, SummedTag
from usage.measuring import rebuilding, rezoning, sums_anew
from usage.measuring.kinds import Kind, kind_of
from usage.measuring.prices import PriceTable
from usage.measuring.shape import Sent, Tokens
from usage.measuring.sums import ROLLUPS
from usage.pricing import Price
from usage.repricing import Asked, Change
from usage.rows import Basis
from usage.unpriced import IN_PART, is_in_part

encode = msgspec.json.Encoder().encode

MOST = 5_000  # events of one step, during which nobody else writes the organization's sums
NO_ID = UUID(int=0)
OF_STEP = "day = %(day)s AND id = ANY(%(ids)s::uuid[])"
SET_PRICES = """
UPDATE usage_event SET amount = new.amount, kind_id = new.kind_id
FROM unnest(%(ids)s::uuid[], %(amounts)s::numeric[], %(kind_ids)s::uuid[]) AS new (id, amount, kind_id)
WHERE organization_id = %(organization)s AND day = %(day)s AND usage_event.id = new.id"""


@dataclass(frozen=True, slots=True)
class Differing:
    """An event, and the price that it does not have."""

    event: Event
    price: Price

    @property
    def kind(self) -> Kind:
        """The one that it is of then."""
        event, price = self.event, self.price
        key = str(event.key_id) if event.key_id else None
        said = (key, event.provider, event.model, event.operation, event.status, event.environment)
        return kind_of(*said, price.basis, price.rate_ref)


@dataclass
class Tally:
    """What pricing anew does to the events of a model on a day."""

    rows: int = 0
    before: Decimal = Decimal(0)
    after: Decimal = Decimal(0)
    unpriced_before: int = 0
    unpriced_after: int = 0

    def add(self, differing: Differing) -> None:
        event, price = differing.event, differing.price
        tokens = event.tokens_in + event.tokens_out
        self.rows += 1
        self.before += event.amount or 0
        self.after += price.amount or 0
        self.unpriced_before += tokens if event.amount is None else 0
        self.unpriced_after += tokens if price.amount is None else 0


def reprice(organization_id: UUID, asked: Asked, *, dry_run: bool) -> Iterator[Change]:
    """Price the events that are kept by today's book and overrides: each in one transaction with its sums.

    Amounts that were reported are never touched. Opens the organization's scope itself, once for each step, so that
    whoever sends events waits for a step at most.
    """
    with organization_scope(organization_id):
        events = Event.objects.filter(asked.days, of_basis(asked), organization_id=organization_id)
        days = sorted(events.order_by().values_list("day", flat=True).distinct())
        prices = PriceTable(overrides_of(organization_id))
    with suppress(Organization.DoesNotExist):  # it was deleted meanwhile
        for day in days:
            yield from changes(day, _reprice_day(organization_id, day, asked, prices, dry_run=dry_run))


def of_basis(asked: Asked) -> Q:
    """Calls without a price, and those with one for a part of what they used."""
    if asked.every_row:
        return Q(kind__basis__in=(Basis.UNPRICED, Basis.COMPUTED, Basis.ESTIMATED))
    return Q(kind__basis=Basis.UNPRICED) | Q(kind__rate__endswith=IN_PART)


def _reprice_day(
    organization_id: UUID, day: date, asked: Asked, prices: PriceTable, *, dry_run: bool
) -> Iterator[Differing]:
    after = NO_ID
    while True:
        with organization_scope(organization_id):
            events = Event.objects.filter(of_basis(asked), organization_id=organization_id, day=day, id__gt=after)
            step = list(events.order_by("id")[:MOST])
            differing = [found for event in step if (found := differing_of(event, prices))]
            if differing and not dry_run:
                _write(organization_id, day, differing)
        yield from differing
        if len(step) < MOST:
            return
        after = step[-1].id


def differing_of(event: Event, prices: PriceTable) -> Differing | None:
    sent = Sent(
        event.provider,
        event.model,
        tokens=Tokens(*(getattr(event, name) or 0 for name in Tokens.__struct_fields__)),
        usage_source=event.usage_source,  # type: ignore[arg-type]  # it was read into this shape
        service_tier=event.service_tier,
    )
    units = {name: Decimal(count) for name, count in (event.units or {}).items()}
    price = prices.price(sent, event.occurred_at, units)
    said, held = ((each.amount, each.basis, is_in_part(each.rate_ref)) for each in (price, event))
    return None if said == held else Differing(event, price)


def _write(organization_id: UUID, day: date, differing: list[Differing]) -> None:
    """What was added up with the former price is taken back and added up with the new one."""
    with connection.cursor() as cursor:
        params = rebuilding.alone_with(cursor, organization_id, day)
        tags = SummedTag.objects.filter(organization_id=organization_id).values_list("name", flat=True)
        params |= {
            "tags": list(tags),
            "ids": [each.event.id for each in differing],
            "amounts": [each.price.amount for each in differing],
            "kind_ids": [each.kind.id for each in differing],
            "kinds": encode(list({each.kind.id: each.kind for each in differing}.values())).decode(),
        }
        with rebuilding.true_if_full(cursor, organization_id, [day]):
            cursor.execute(sums_anew.taking_back(OF_STEP, *ROLLUPS), params)
            for name in ROLLUPS:
                cursor.execute(sums_anew.emptying(OF_STEP, name), params)
            cursor.execute(sums_anew.ADDING_KINDS, params)
            cursor.execute(SET_PRICES, params)
            cursor.execute(sums_anew.making(OF_STEP, *ROLLUPS), params)
            rezoning.hours_anew(cursor, params)


def changes(day: date, differing: Iterable[Differing]) -> Iterator[Change]:
    """By model; events that repeat others are priced as well, and tell nothing."""
    found: dict[tuple[str, str], Tally] = {}
    for each in differing:
        if not each.event.is_parent:
            found.setdefault((each.event.provider, each.event.model), Tally()).add(each)
    for (provider, model), tally in sorted(found.items()):
        yield Change(day, provider, model, **vars(tally), what="calls")
