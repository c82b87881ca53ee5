"""The page on which an organization chooses the tags that its calls are added up by."""

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.models import Organization
from accounts.permissions import Permission
from tokentra.lib.problems import Problem
from usage.measured import Event, SummedTag
from usage.measuring import choosing_tags
from usage.measuring.telling_apart import MOST_VALUES
from usage.minutes import Minute
from usage.spenders.places import tabs

NEWEST = 200  # calls that are looked through for tags to offer


@dataclass(frozen=True)
class Chosen:
    """A summed tag in the table."""

    tag: SummedTag
    href: str
    leave_href: str
    dialog: str
    question: str


@require_GET
@page(Permission.SEE_COSTS)
def summed_tags(request: OrgRequest) -> HttpResponse:
    return shown(request)


@require_POST
@page(Permission.MANAGE_SETTINGS)
def add(request: OrgRequest) -> HttpResponse:
    name = request.POST.get("name", "")
    held = {*SummedTag.objects.owned_by(request.organization).values_list("name", flat=True)}
    try:
        tag = choosing_tags.choose(name, by=request.membership)
    except Problem as problem:
        return shown(request, name=name, error=problem.message, status=problem.status)
    if tag.name in held:
        messages.info(request, f"Calls are added up by {tag.name} already.")
    else:
        messages.success(request, f"Calls are added up by {tag.name} from now on; what is kept of the past follows.")
    return redirect("usage:summed_tags")


@require_POST
@page(Permission.MANAGE_SETTINGS)
def leave_off(request: OrgRequest, pk: UUID) -> HttpResponse:
    tag = get_object_or_404(SummedTag.objects.owned_by(request.organization), pk=pk)
    choosing_tags.leave_off(tag, by=request.membership)
    messages.success(request, f"Calls are no longer added up by {tag.name}. The tag stays with each call.")
    return redirect("usage:summed_tags")


def shown(request: OrgRequest, *, name: str = "", error: str = "", status: int = 200) -> HttpResponse:
    chosen = [
        Chosen(
            tag,
            reverse("usage:measured", args=[tag.dimension]),
            reverse("usage:leave_off_summed_tag", args=[tag.pk]),
            f"leave-off-{tag.pk}",
            f"No longer add up by {tag.name}?",
        )
        for tag in SummedTag.objects.owned_by(request.organization).order_by("name")
    ]
    context = {
        "chosen": chosen,
        "offered": offered(request.organization, {each.tag.name for each in chosen}),
        "may_change": request.membership.may(Permission.MANAGE_SETTINGS),
        "is_full": len(chosen) >= choosing_tags.MOST_CHOSEN,
        "most": choosing_tags.MOST_CHOSEN,
        "most_values": MOST_VALUES,
        "name": name,
        "error": error,
        "tabs": tabs("measured"),
    }
    return render(request, "usage/tags.html", context, status=status)


def offered(organization: Organization, but: set[str]) -> list[str]:
    """Tags of the newest calls, the most frequent first."""
    newest = Event.objects.owned_by(organization).order_by(Minute("occurred_at").desc(), "-occurred_at")
    tags_of = newest.values_list("tags", flat=True)[:NEWEST]
    names = Counter(name for tags in tags_of for name in tags or () if name not in but)
    return [name for name, _ in names.most_common(12)]
