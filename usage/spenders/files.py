"""The same lists as CSV files, streamed and complete."""

from collections.abc import Iterator
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils.text import slugify

from accounts.models import Organization
from accounts.plans import Feature
from tokentra.lib.csv_cells import line, safe
from usage.export import Tally, broken_csv, guarded, sent
from usage.spenders import listing
from usage.spenders.exploring import Explored
from usage.spenders.listing import Asked
from usage.spenders.sums import Sums
from usage.spenders.words import word_of
from usage.wire import plain

MEASURES = (
    "cost_usd",
    "other_currencies",
    "calls",
    "errors",
    "average_cost_usd",
    "average_latency_ms",
    "tokens_in",
    "tokens_out",
    "unpriced_tokens",
    "first_seen_in_period",
    "last_seen_in_period",
)


def response(organization: Organization, asker: UUID, asked: Asked) -> StreamingHttpResponse:
    """Raises a Problem when the same member has an export running, and NotInPlan."""
    organization.require(Feature.CSV)
    name = f"tokentra-{slugify(word_of(asked.dimension).many)}-{asked.span.first_day}-to-{asked.span.last_day}.csv"
    return sent(stream(organization, asker, asked), name=name)


def stream(organization: Organization, asker: UUID, asked: Asked) -> Iterator[str]:
    def lines(tally: Tally) -> Iterator[str]:
        yield line([safe(asked.dimension), *MEASURES])
        for each in listing.every(organization, asked):
            yield line([safe(each.value), *measures(each)])
            tally.rows += 1
        yield f"# rows: {tally.rows}\r\n"

    return guarded(organization, asker, lines, broken_csv)


def explored(organization: Organization, asker: UUID, asked: Explored) -> StreamingHttpResponse:
    """The whole table of measured calls. Raises as above."""
    organization.require(Feature.CSV)

    def lines(tally: Tally) -> Iterator[str]:
        yield line([*map(safe, asked.groups), *MEASURES])
        for keys, each in asked.every():
            yield line([*map(safe, keys), *measures(each)])
            tally.rows += 1
        yield f"# rows: {tally.rows}\r\n"

    name = f"tokentra-measured-{asked.span.first_day}-to-{asked.span.last_day}.csv"
    return sent(guarded(organization, asker, lines, broken_csv), name=name)


def measures(each: Sums) -> list[str]:
    moments = (each.first_at, each.last_at)
    return [
        plain(each.cost),
        "; ".join(f"{plain(amount)} {currency}" for currency, amount in each.others.items()),
        str(each.calls),
        str(each.errors),
        "" if each.average is None else plain(each.average),
        "" if each.latency is None else str(each.latency),
        str(each.tokens_in),
        str(each.tokens_out),
        str(each.unpriced_tokens),
        *("" if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in moments),
    ]
