"""The same lists as CSV files, streamed and complete."""

from collections.abc import Iterator
from uuid import UUID

from django.http import StreamingHttpResponse

from accounts.models import Organization
from tokentra.lib.tenancy import organization_scope
from usage.csv_lines import line, safe
from usage.export import Body, hold_the_only_one
from usage.spenders import listing
from usage.spenders.listing import Asked
from usage.spenders.sums import Sums
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
    """Raises a Problem when the same member has an export running."""
    lines = stream(organization, asker, asked)
    first = next(lines)  # takes the lock before the answer begins
    name = f"tokentra-{asked.dimension}s-{asked.span.first_day}-to-{asked.span.last_day}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(Body(first, lines), content_type="text/csv; charset=utf-8", headers=headers)


def stream(organization: Organization, asker: UUID, asked: Asked) -> Iterator[str]:
    """Opens the organization's scope itself, since the request's is over when the server reads this."""
    count = 0
    with organization_scope(organization.pk):
        hold_the_only_one(organization, asker)
        yield line([asked.dimension, *MEASURES])
        for each in listing.every(organization, asked):
            yield line([safe(each.value), *measures(each)])
            count += 1
    yield f"# rows: {count}\r\n"


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
