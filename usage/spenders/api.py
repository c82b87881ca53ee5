"""Customers, agents and runs over JSON: the same columns as their pages."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, QueryDict
from django.urls import register_converter
from django.utils import timezone
from ninja import Router

from accounts.gates import api_reader
from accounts.models import Organization
from tokentra.lib.periods import period
from tokentra.lib.tenancy import organization_scope
from usage import asking
from usage.asking import Mistakes
from usage.cursors import Foreign
from usage.forms import Lens
from usage.measured import Run
from usage.reference import parameter
from usage.spenders import listing, runs, spans
from usage.spenders.answers import one_run, run_line, spenders
from usage.spenders.ids import TextConverter, opened
from usage.spenders.places import LONGEST_SEARCH, Spenders

register_converter(TextConverter, "text")
router = Router()
ENDS = {"from", "to"}
PAGED = [
    parameter("limit", "Items on a page.", type="integer", minimum=1, maximum=asking.MOST, default=asking.LIMIT),
    parameter("cursor", "The nextCursor of the page before."),
]
LISTED: dict[str, Any] = {
    "parameters": [
        parameter("from", "The first day, as 2026-01-31, in the organization's zone. Default: 30 days."),
        parameter("to", "The day after the last one."),
        parameter("search", "A part of the id."),
        parameter(
            "sort", f"One of {', '.join(listing.SORTS)}; a leading - turns the order around.", default=listing.DEFAULT
        ),
        *PAGED,
    ]
}
RUNS: dict[str, Any] = {
    "parameters": [
        *(parameter(f"filter[{name}]", f"Only runs of this {name}, one at a time.") for name in runs.FILTERS),
        parameter("from", "The first day, as 2026-01-31, in the organization's zone. Default: all days."),
        parameter("to", "The day after the last one."),
        parameter(
            "sort",
            "By when they began: -began, the newest first, or began. By what they cost: -cost, the dearest first, or "
            "cost; one whose cost is null counts as 0.",
            default=runs.NEWEST,
        ),
        *PAGED,
    ]
}


@router.get("/customers", url_name="customers", summary="What each customer costs", openapi_extra=LISTED)
def customers(request: HttpRequest) -> dict[str, Any]:
    return listed(request, "customer")


@router.get("/agents", url_name="agents", summary="What each agent costs", openapi_extra=LISTED)
def agents(request: HttpRequest) -> dict[str, Any]:
    return listed(request, "agent")


def listed(request: HttpRequest, dimension: str) -> dict[str, Any]:
    """One page of the values of a dimension, in days of the organization's zone."""
    asker = api_reader(request)
    wrong = checked(request, {"from", "to", "search", "sort", "limit", "cursor"})
    chosen = days(request, asker.organization, timezone.now(), wrong)
    sort = request.GET.get("sort", listing.DEFAULT)
    if not listing.is_sort(sort):
        wrong.add("sort", f"Sort by one of {', '.join(listing.SORTS)}; a leading - turns the order around.")
    limit = asking.number(request.GET, wrong)
    wrong.refuse_if_any()
    said = {"q": (request.GET.get("search", "")[:LONGEST_SEARCH],), "sort": (sort,)}
    with organization_scope(asker.organization.pk):
        found = Spenders(asker.organization, dimension, Lens(chosen.period, extra=said), chosen)
        try:
            found.page = listing.page(asker.organization, found.asked, after=request.GET.get("cursor", ""), size=limit)
        except Foreign as foreign:
            wrong.add("cursor", str(foreign))
        wrong.refuse_if_any()
        return spenders(found)


def days(request: HttpRequest, organization: Organization, now: datetime, wrong: Mistakes) -> spans.Span:
    chosen = period("30d", spans.wall(organization.timezone, now))
    given = {name: request.GET.get(name, "") for name in ("from", "to")}
    if any(given.values()):
        unlike = [name for name, text in given.items() if len(text) != 10]
        for name in unlike:
            wrong.add(name, "Give both ends as days, as 2026-01-31: they are the organization's.")
        if not unlike:
            chosen = asking.between_ends(request.GET, wrong) or chosen
    return spans.of(chosen, organization.timezone, now)


def checked(request: HttpRequest, allowed: set[str]) -> Mistakes:
    """With what nobody asks for, and texts that the database cannot hold, among the mistakes."""
    wrong = Mistakes()
    for name, values in request.GET.lists():
        if name not in allowed:
            wrong.add(name, "There is no such parameter.")
        elif any("\x00" in value for value in values):
            wrong.add(name, "Leave out the NUL character.")
    wrong.refuse_if_any()
    return wrong


@router.get("/runs", url_name="runs", summary="Runs by when they began or what they cost", openapi_extra=RUNS)
def all_runs(request: HttpRequest) -> dict[str, Any]:
    asker = api_reader(request)
    wrong = checked(request, {*(f"filter[{name}]" for name in runs.FILTERS), *ENDS, "sort", "limit", "cursor"})
    chosen = days(request, asker.organization, timezone.now(), wrong) if ENDS & request.GET.keys() else None
    sort = request.GET.get("sort", runs.NEWEST)
    if sort not in runs.SORTS:
        wrong.add("sort", f"Sort by one of {', '.join(runs.SORTS)}.")
    limit = asking.number(request.GET, wrong)
    wanted = runs.Asked(filters(request.GET, wrong), chosen, sort)
    wrong.refuse_if_any()
    if "" in wanted.filters.values():  # nobody has that name: it is not that of runs without one
        return {"items": [], "nextCursor": None}
    with organization_scope(asker.organization.pk):
        try:
            page = runs.page(asker.organization, wanted, after=request.GET.get("cursor", ""), size=limit)
        except Foreign as foreign:
            wrong.add("cursor", str(foreign))
        wrong.refuse_if_any()
        return {"items": [run_line(run) for run in page.runs], "nextCursor": page.after or None}


def filters(query: QueryDict, wrong: Mistakes) -> dict[str, str]:
    """One value of each: an index holds its runs in order, and those of no two values together."""
    found = {}
    for name in runs.FILTERS:
        values = query.getlist(f"filter[{name}]")
        if len({*values}) > 1:
            wrong.add(f"filter[{name}]", f"Give one {name}, and ask for each other one by itself.")
        elif values:
            found[name] = values[0]
    return found


@router.get("/runs/{text:run}", url_name="run", summary="One run with its calls, each under its parent")
def run(request: HttpRequest, run: str) -> dict[str, Any]:
    """The id as it was sent, or as it stands in the address of its page. Up to 1,000 calls, the first in time."""
    asker = api_reader(request)
    with organization_scope(asker.organization.pk):
        held = found_run(asker.organization, run)
        return one_run(runs.OneRun(asker.organization, held))


def found_run(organization: Organization, text: str) -> Run:
    """A name that begins with "~" itself comes first."""
    names = [text]
    with suppress(ValueError):
        names.append(opened(text))
    for name in names:
        if "\x00" not in name and (held := runs.one(organization, name)):
            return held
    raise Http404("no run of this name")
