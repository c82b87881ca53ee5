"""The export: every row of a question as a file, streamed, in the order of its page."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import connection
from django.http import StreamingHttpResponse

from accounts.http import Asker
from accounts.models import Organization
from accounts.plans import Feature
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import name_within, organization_scope
from usage import focus, stats
from usage.asking import Asked
from usage.csv_lines import CsvLines
from usage.figures import Figures, Whole
from usage.names import Names
from usage.wire import encode, item, measures

log = logging.getLogger(__name__)

STOPPED = "The export stopped early and is not complete. Ask for it again."
BY_DAY = ("day", "provider", "model", "project", "api_key")
BY_HOUR = ("hour", "provider", "model")


@dataclass
class Tally:
    """How many rows were written so far."""

    rows: int = 0


Shape = Callable[[Asked, Names, Iterator[Figures], Tally], Iterator[str]]


def response(asker: Asker, asked: Asked) -> StreamingHttpResponse:
    """Raises a Problem when the same member or key has an export running.

    A person takes what is theirs as JSON on every plan; raises NotInPlan for another file and for a program.
    """
    if asker.person is None:
        asker.organization.require(Feature.READ_API)
    elif asked.format != "json":
        asker.organization.require(Feature.CSV)
    kind = "application/json" if asked.format == "json" else "text/csv; charset=utf-8"
    span = asked.question.period
    name = f"tokentra-{asked.format}-{span.first_day}-to-{span.last_day}.{'json' if asked.format == 'json' else 'csv'}"
    return sent(stream(asker.organization, asker.id, whole(asked)), name=name, kind=kind)


def sent(lines: Iterator[str], *, name: str, kind: str = "text/csv; charset=utf-8") -> StreamingHttpResponse:
    """The lines of a stream as a file of this name; its first line is made before the answer begins."""
    first = next(lines)  # takes the lock
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
    }
    return StreamingHttpResponse(Body(first, lines), content_type=kind, headers=headers)


class Body:
    """The first line and the rest of them; closing it ends the transaction behind them."""

    def __init__(self, first: str, rest: Iterator[str]) -> None:
        self.first, self.rest = first, rest

    def __iter__(self) -> Iterator[str]:
        yield self.first
        yield from self.rest

    def close(self) -> None:
        self.rest.close()  # type: ignore[attr-defined]  # a generator


def whole(asked: Asked) -> Asked:
    """FOCUS has columns of its own; an export that names no groups has those of the usage page."""
    groups = asked.question.group_by or (BY_HOUR if asked.question.by_hour else BY_DAY)
    if asked.format == "focus":
        groups = focus.BY_HOUR if asked.question.by_hour else focus.BY_DAY
    return replace(asked, question=replace(asked.question, group_by=groups))


def stream(organization: Organization, asker: UUID, asked: Asked) -> Iterator[str]:
    def lines(tally: Tally) -> Iterator[str]:
        figures = stats.groups(organization, asked.question, stream=True)
        return SHAPES[asked.format](asked, Names(organization), figures, tally)

    return guarded(organization, asker, lines, ENDS[asked.format])


def guarded(
    organization: Organization, asker: UUID, lines: Callable[[Tally], Iterator[str]], end: Callable[[int], str]
) -> Iterator[str]:
    """Lines read in the organization's scope, which it opens itself: the request's is over when the server reads them.

    One that stops on its way says so in its last line, made by `end` of the rows that were written.
    """
    tally, has_begun = Tally(), False
    try:
        with organization_scope(organization.pk):
            hold_the_only_one(organization, asker)
            for text in lines(tally):
                has_begun = True
                yield text
    except Exception:
        if not has_begun:
            raise  # nothing was sent: the request answers with an error of its own
        log.exception("an export of %s stopped after %s rows", organization.pk, tally.rows)
        yield end(tally.rows)


def hold_the_only_one(organization: Organization, asker: UUID) -> None:
    """One running export for each member or key, whichever process serves it; let go with the transaction."""
    with connection.cursor() as cursor:
        name = name_within(organization.pk, "export", asker)
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            sentence = "An export of yours is still running. Wait until it has ended, then ask again."
            raise Problem(429, "export_running", sentence, headers={"Retry-After": "10"})


def as_csv(asked: Asked, names: Names, figures: Iterator[Figures], tally: Tally) -> Iterator[str]:
    lines = CsvLines(asked.question, names)
    yield lines.header()
    for each in figures:
        yield lines.row(each)
        tally.rows += 1
    yield f"# rows: {tally.rows}\r\n"


def as_focus(asked: Asked, names: Names, figures: Iterator[Figures], tally: Tally) -> Iterator[str]:
    yield focus.header()
    for each in figures:
        for line in focus.rows(each, names):
            yield line
            tally.rows += 1
    yield f"# rows: {tally.rows}\r\n"


def as_json(asked: Asked, names: Names, figures: Iterator[Figures], tally: Tally) -> Iterator[str]:
    sums = Whole()
    yield '{"items": ['
    for each in figures:
        sums.add(each)
        yield (",\n" if tally.rows else "\n") + encode(item(asked, each)).decode()
        tally.rows += 1
    totals = encode(measures(asked.metrics, sums.total)).decode()
    yield f'\n],\n"totals": {totals},\n"rowCount": {tally.rows}}}\n'


def broken_csv(rows: int) -> str:
    return f"# error: {STOPPED}\r\n# rows: {rows}\r\n"


def broken_json(rows: int) -> str:
    error = json.dumps({"code": "export_stopped", "message": STOPPED})
    return f'\n],\n"error": {error},\n"rowCount": {rows}}}\n'


SHAPES: dict[str, Shape] = {"csv": as_csv, "json": as_json, "focus": as_focus}
ENDS: dict[str, Callable[[int], str]] = {"csv": broken_csv, "json": broken_json, "focus": broken_csv}
