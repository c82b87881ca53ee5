"""The same lists as CSV files, streamed and complete."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils.text import slugify

from accounts.models import Organization
from accounts.plans import Feature
from tokentra.lib.csv_cells import line, safe
from usage.csv_lines import columns
from usage.export import Tally, broken_csv, guarded, sent
from usage.measured import Run
from usage.names import NAMED, Names
from usage.spenders import listing
from usage.spenders import runs as listing_of_runs
from usage.spenders.exploring import Explored
from usage.spenders.places import Row, Spenders
from usage.spenders.spans import Span
from usage.spenders.sums import Sums
from usage.spenders.words import word_of
from usage.wire import moment, plain

MEASURES = (
    "cost_usd",
    "other_currencies",
    "calls",
    "errors",
    "average_cost_usd",
    "average_latency_ms",
    "tokens_in",
    "tokens_out",
    "unpriced_calls",
    "unpriced_tokens",
    "partly_priced_calls",
    "first_seen_in_period",
    "last_seen_in_period",
)
OF_RUNS = (
    "run",
    "agent",
    "customer",
    "feature",
    "began",
    "last_call_began",
    "took_ms",
    "calls",
    "errors",
    "tokens_in",
    "tokens_out",
    "cost_usd",
    "calls_in_other_currencies",
    "unpriced_calls",
    "partly_priced_calls",
)
AT_ONCE = 500  # values of which their names, providers and tools are looked up


def response(organization: Organization, asker: UUID, found: Spenders) -> StreamingHttpResponse:
    """Raises a Problem when the same member has an export running, and NotInPlan."""

    def rows() -> Iterator[list[str]]:
        rest = listing.every(organization, found.asked)
        while batch := list(islice(rest, AT_ONCE)):
            for row in found.rows_of(batch):
                keys = written(found.dimension, row.sums.value, found.names)
                yield [*keys, *measures(row.sums), *beside(found, row)]

    head = [*map(safe, columns(found.dimension)), *MEASURES, *beside_it(found)]
    return made(organization, asker, head, rows, of=word_of(found.dimension).many, span=found.span)


def explored(organization: Organization, asker: UUID, asked: Explored) -> StreamingHttpResponse:
    """The whole table of measured calls. Raises as above."""

    def rows() -> Iterator[list[str]]:
        for keys, each in asked.every():
            named = zip(asked.groups, keys, strict=True)
            yield [*(cell for name, key in named for cell in written(name, key, asked.names)), *measures(each)]

    head = [*(safe(column) for name in asked.groups for column in columns(name)), *MEASURES]
    return made(organization, asker, head, rows, of="measured", span=asked.span)


def runs(organization: Organization, asker: UUID, asked: listing_of_runs.Asked, span: Span) -> StreamingHttpResponse:
    """Those that began in the span. Raises as above."""

    def rows() -> Iterator[list[str]]:
        return map(of_run, listing_of_runs.every(organization, asked))

    return made(organization, asker, OF_RUNS, rows, of="runs", span=span)


def made(
    organization: Organization,
    asker: UUID,
    head: Iterable[str],
    rows: Callable[[], Iterator[list[str]]],
    *,
    of: str,
    span: Span,
) -> StreamingHttpResponse:
    organization.require(Feature.CSV)

    def lines(tally: Tally) -> Iterator[str]:
        yield line(head)
        for cells in rows():
            yield line(cells)
            tally.rows += 1
        yield f"# rows: {tally.rows}\r\n"

    name = f"tokentra-{slugify(of)}-{span.first_day}-to-{span.last_day}.csv"
    return sent(guarded(organization, asker, lines, broken_csv), name=name)


def written(dimension: str, value: str, names: Names) -> list[str]:
    """A value, and its name where it is an id."""
    named = [names.given(dimension, value)] if dimension in NAMED else []
    return [safe(text) for text in (value, *named)]


def beside_it(found: Spenders) -> list[str]:
    """What the page says of each beside its sums."""
    return ["first_seen", *(["providers"] if found.has_models else []), *(["runs", "tools"] if found.has_tools else [])]


def beside(found: Spenders, row: Row) -> list[str]:
    cells = [moment(row.first_at) or ""]
    if found.has_models:
        cells.append(safe("; ".join(key for key, _ in row.providers)))
    if found.has_tools:
        cells += [str(row.runs.number) + "+" * row.runs.is_more if row.runs else "0", safe("; ".join(row.tools))]
    return cells


def measures(each: Sums) -> list[str]:
    return [
        "" if each.known is None else plain(each.known),
        "; ".join(f"{plain(amount)} {currency}" for currency, amount in each.others.items()),
        str(each.calls),
        str(each.errors),
        "" if each.average is None else plain(each.average),
        "" if each.latency is None else str(each.latency),
        str(each.tokens_in),
        str(each.tokens_out),
        str(each.unpriced_calls),
        str(each.unpriced_tokens),
        str(each.partly_priced),
        moment(each.first_at) or "",
        moment(each.last_at) or "",
    ]


def of_run(run: Run) -> list[str]:
    return [
        *map(safe, (run.run, run.agent, run.customer, run.feature)),
        moment(run.started_at) or "",
        moment(run.last_at) or "",
        "" if run.took_ms is None else str(run.took_ms),
        str(run.calls),
        str(run.errors),
        str(run.tokens_in),
        str(run.tokens_out),
        "" if run.known is None else plain(run.known),
        str(run.other_calls or 0),
        str(run.unpriced_calls),
        str(run.partly_priced or 0),
    ]
