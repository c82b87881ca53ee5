"""Doors to the guide. Anybody may read it: it says nothing about anybody's data."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from tokentra.guide.contents import SECTIONS
from tokentra.guide.reading import pages
from tokentra.guide.searching import search as find

LONGEST_QUERY = 200


@require_GET
def contents(request: HttpRequest) -> HttpResponse:
    return shown(request, "")


@require_GET
@vary_on_headers("HX-Request")  # one address, two answers: a cache keeps them apart
def search(request: HttpRequest) -> HttpResponse:
    return shown(request, " ".join(request.GET.get("q", "")[:LONGEST_QUERY].split()))


@require_GET
def page(request: HttpRequest, slug: str) -> HttpResponse:
    everything = list(pages().values())
    place = next((at for at, each in enumerate(everything) if each.slug == slug), None)
    if place is None:
        raise Http404
    here = everything[place]
    context = {
        "page": here,
        "before": everything[place - 1] if place else None,
        "after": everything[place + 1] if place + 1 < len(everything) else None,
        "beside": [each for each in everything if each.section == here.section],
        "frame": frame(request),
    }
    return render(request, "guide/page.html", context)


def shown(request: HttpRequest, query: str) -> HttpResponse:
    """The contents, or what was found instead of them; as it is typed, only that part of the page."""
    by_section = [(section, [each for each in pages().values() if each.section == section]) for section in SECTIONS]
    found = find(pages().values(), query) if query else []
    context = {"query": query, "found": found, "sections": by_section, "frame": frame(request)}
    fragment = "#results" if getattr(request, "htmx", False) else ""
    return render(request, f"guide/contents.html{fragment}", context)


def frame(request: HttpRequest) -> str:
    """Members keep their sidebar; whoever belongs to no organization reads without one."""
    return "base.html" if getattr(request, "membership", None) else "guide/public.html"
