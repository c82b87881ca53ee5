"""The attribution page: what has no cost centre, rules that give it one, and a month's statement."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.naming import clean_name
from accounts.permissions import Permission
from tokentra.lib import money
from tokentra.lib.csv_cells import line, safe
from usage import allocation
from usage.allocating import SPECIFIC, Line
from usage.allocation_rules import AllocationRule
from usage.csv_lines import LEFT_OUT, left_out, other_currencies
from usage.figures import Figures
from usage.forms import LABELS, Lens, Segment, look
from usage.spenders.places import tabs
from usage.wire import plain

MONTHS = {"month": "This month so far", "last_month": "Last month"}
EXTRA = ("by",)
COLUMNS = ("cost_center", "cost_usd", "share", "other_currencies", *LEFT_OUT)


class RuleForm(forms.Form):
    dimension = forms.ChoiceField(choices=[(name, name) for name in SPECIFIC])
    value = forms.CharField(max_length=300)
    cost_center = forms.CharField(max_length=100, error_messages={"required": "Name the cost centre."})

    def clean_cost_center(self) -> str:
        return clean_name(self.cleaned_data["cost_center"])


@require_GET
@page(Permission.SEE_COSTS)
def attribution(request: OrgRequest) -> HttpResponse:
    return drawn(request, request.GET)


def drawn(request: OrgRequest, query: QueryDict, refused: RuleForm | None = None) -> HttpResponse:
    """The page, or with a rule that was `refused` the same again, holding what was typed."""
    lens = month_of(query)
    found = allocation.Allocation(request.organization, lens.period, by=(lens.extra.get("by") or ("",))[0])
    context = {
        "found": found,
        "tabs": tabs("rules"),
        "lens": lens,
        "refused": refused,
        "may_change": request.membership.may(Permission.MANAGE_BUDGETS),
        "months": [Segment(label, f"?period={key}", key == lens.period.preset) for key, label in MONTHS.items()],
        "ways": [Segment(LABELS[name], f"?{lens.query(by=name)}", name == found.by) for name in allocation.BY],
    }
    return render(request, "usage/attribution.html", context, status=422 if refused else 200)


@require_GET
@page(Permission.SEE_COSTS)
def statement(request: OrgRequest) -> StreamingHttpResponse:
    """The month's statement as a file, each line with what its cost leaves out; the last one is the total."""
    lens = month_of(request.GET)
    made = allocation.for_file(request.organization, lens.period)
    rows = [cells(each) for each in (*made.lines, made.unallocated)]
    lines = [line(COLUMNS), *map(line, rows), line(["Total", *sums(made.total, "")])]
    name = f"tokentra-statement-{lens.period.first_day}-to-{lens.period.last_day}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(iter(lines), content_type="text/csv; charset=utf-8", headers=headers)


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_BUDGETS)
def add_rule(request: OrgRequest) -> HttpResponse:
    """POST makes a rule. What a refused one is answered with stands at this address, so a look leads to the page."""
    if request.method == "GET":
        return redirect(f"{reverse('usage:attribution')}?{request.GET.urlencode()}")
    form, back = RuleForm(request.POST), request.POST.get("back", "")[:300]
    if not form.is_valid():
        return drawn(request, QueryDict(back), refused=form)
    told = form.cleaned_data
    allocation.allocate(
        request.organization,
        told["dimension"],
        told["value"],
        told["cost_center"],
        by=request.user,
        now=timezone.now(),
    )
    messages.success(request, f"It counts for {told['cost_center']} from now on, in every month.")
    return redirect(f"{reverse('usage:attribution')}?{back}")


@require_POST
@page(Permission.MANAGE_BUDGETS)
def remove_rule(request: OrgRequest, pk: UUID) -> HttpResponse:
    rule = get_object_or_404(AllocationRule.objects.owned_by(request.organization), pk=pk)
    allocation.release(rule, by=request.user)
    messages.success(request, "The rule is gone. Its spend is unallocated unless a wider rule names it.")
    return redirect("usage:attribution")


def month_of(query: QueryDict) -> Lens:
    """A statement is of a month: this one so far, or the last one."""
    query = query.copy()
    if query.get("period") not in MONTHS:
        query["period"] = next(iter(MONTHS))
    return look(query, timezone.now(), *EXTRA)


def cells(each: Line) -> list[str]:
    share = "" if each.share is None else money.percent(each.share)
    return [safe(each.center) or "Unallocated", *sums(each.figures, share)]


def sums(figures: Figures, share: str) -> list[str]:
    return [plain(figures.cost), share, other_currencies(figures), *left_out(figures)]
