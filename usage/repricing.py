"""Pricing the past anew, on purpose: rows without a price, or every row, told before and after."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from tokentra.lib.tenancy import organization_scope
from usage import rollup
from usage.ingest import overrides_of
from usage.models import COUNTS, LedgerDay, UsageRecord
from usage.pricing import Price, Pricer
from usage.rows import Basis, Ledger, Tokens, UsageRow

REPRICED = Q(ledger=Ledger.USAGE, kind="tokens", basis__in=(Basis.COMPUTED, Basis.UNPRICED))
AT_ONCE = 5_000

SET_PRICES = """
UPDATE usage_usagerecord SET amount = new.amount, basis = new.basis, rate_ref = new.rate_ref
FROM unnest(%(ids)s::uuid[], %(amounts)s::numeric[], %(bases)s::text[], %(refs)s::text[])
    AS new (id, amount, basis, rate_ref)
WHERE organization_id = %(organization)s AND day = %(day)s AND usage_usagerecord.id = new.id"""


@dataclass(frozen=True)
class Change:
    """What pricing anew does to a model on a day; amounts in USD. Rows without a price weigh nothing."""

    day: date
    provider: str
    model: str
    rows: int
    before: Decimal
    after: Decimal
    unpriced_before: int  # tokens
    unpriced_after: int
    what: str = "rows"


@dataclass(frozen=True)
class Asked:
    """Rows of UTC days from `start` up to, not including, `end`; `every_row`: those with a price too."""

    start: date | None = None
    end: date | None = None
    every_row: bool = False

    @property
    def days(self) -> Q:
        start = Q(day__gte=self.start) if self.start else Q()
        return start & Q(day__lt=self.end) if self.end else start

    @property
    def rows(self) -> Q:
        return REPRICED if self.every_row else REPRICED & Q(basis=Basis.UNPRICED)


def reprice(organization_id: UUID, asked: Asked, *, dry_run: bool) -> Iterator[Change]:
    """Price rows by today's book and overrides: a transaction for each day, writing only what differs.

    Bills and amounts that were reported are never touched. Opens the organization's scope itself.
    """
    with organization_scope(organization_id):
        days = LedgerDay.objects.filter(asked.days, organization_id=organization_id)
        wanted = sorted(set(days.values_list("day", flat=True)))
        pricer = Pricer(overrides_of(organization_id))
    for day in wanted:
        with organization_scope(organization_id):
            changes = _reprice_day(organization_id, day, asked, pricer, dry_run=dry_run)
        yield from changes


def _reprice_day(organization_id: UUID, day: date, asked: Asked, pricer: Pricer, *, dry_run: bool) -> list[Change]:
    of_day = LedgerDay.objects.filter(organization_id=organization_id, day=day).order_by("connection_id")
    list(of_day.select_for_update().values_list("connection_id"))
    rows = UsageRecord.objects.filter(asked.rows, organization_id=organization_id, day=day)
    differing: list[tuple[UsageRecord, Price]] = []
    for record in rows.iterator(AT_ONCE):
        price = pricer.price(as_row(record))
        if (price.amount, price.basis) != (record.amount, record.basis):
            differing.append((record, price))
    if not dry_run and differing:
        _write(organization_id, day, differing)
        for connection_id in sorted({record.connection_id for record, _ in differing}):
            rollup.rebuild(organization_id, connection_id, [day])
    return _changes(day, differing)


def as_row(record: UsageRecord) -> UsageRow:
    """A record as it was handed over, but for its amount."""
    return UsageRow(
        ledger=Ledger(record.ledger),
        endpoint=record.endpoint,
        start=record.start,
        seconds=record.seconds,
        provider=record.provider,
        model=record.model,
        project=record.project,
        api_key=record.api_key,
        user=record.user_ref,
        service_tier=record.service_tier,
        batch=record.batch,
        context_window=record.context_window,
        line_item=record.line_item,
        kind=record.kind,
        tokens=Tokens(*(getattr(record, name) for name in COUNTS)),
        units=tuple((name, Decimal(count)) for name, count in record.units.items()),
        requests=record.requests,
        currency=record.currency,
        extra=tuple(record.extra.items()),
    )


def _write(organization_id: UUID, day: date, differing: list[tuple[UsageRecord, Price]]) -> None:
    with connection.cursor() as cursor:
        for place in range(0, len(differing), AT_ONCE):
            some = differing[place : place + AT_ONCE]
            params: dict[str, Any] = {
                "organization": organization_id,
                "day": day,
                "ids": [record.id for record, _ in some],
                "amounts": [price.amount for _, price in some],
                "bases": [price.basis.value for _, price in some],
                "refs": [price.rate_ref for _, price in some],
            }
            cursor.execute(SET_PRICES, params)


def _changes(day: date, differing: list[tuple[UsageRecord, Price]]) -> list[Change]:
    by_model: dict[tuple[str, str], list[tuple[UsageRecord, Price]]] = defaultdict(list)
    for record, price in differing:
        by_model[record.provider, record.model].append((record, price))
    zero = Decimal(0)
    return [
        Change(
            day=day,
            provider=provider,
            model=model,
            rows=len(rows),
            before=sum((record.amount or zero for record, _ in rows), zero),
            after=sum((price.amount or zero for _, price in rows), zero),
            unpriced_before=sum(as_row(record).tokens.total for record, _ in rows if record.amount is None),
            unpriced_after=sum(as_row(record).tokens.total for record, price in rows if price.amount is None),
        )
        for (provider, model), rows in sorted(by_model.items())
    ]
