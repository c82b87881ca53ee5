"""Budgets over JSON: the organization's own, and all others."""

from dataclasses import replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router, Status
from pydantic import ValidationError

from accounts.gates import api_asker, api_reader
from accounts.http import Asker
from accounts.permissions import Permission, Scope
from budgets import api_shapes as shapes
from budgets import making, prompting
from budgets.models import Budget, Ledger, Unit
from budgets.rules.periods import Every, span_at
from budgets.standing import in_spans, with_parts
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope

router = Router(by_alias=True)
OWN = "Monthly budget"


def manager(request: HttpRequest) -> Asker:
    return api_asker(request, Permission.MANAGE_BUDGETS, scope=Scope.ADMIN)


@router.get("/usage/budget", auth=api_reader, response=shapes.BudgetShape, summary="The organization's own budget")
def own_budget(request: HttpRequest) -> dict[str, Any]:
    """Of everything that counts in a calendar month; 404 while there is none."""
    asker: Asker = request.auth  # type: ignore[attr-defined]  # ninja keeps there what `api_reader` found
    with organization_scope(asker.organization.pk):
        if (budget := own(asker)) is None:
            raise Http404
        return shown(asker, [budget])[0]


@router.put("/usage/budget", auth=manager, response=shapes.BudgetShape, summary="Set the organization's own budget")
def set_own_budget(request: HttpRequest, body: shapes.OwnBody) -> dict[str, Any]:
    """Makes it, or changes what there is."""
    asker: Asker = request.auth  # type: ignore[attr-defined]  # as above
    now = timezone.now()
    with organization_scope(asker.organization.pk):
        asker.organization.lock()
        budget = own(asker)
        wanted = making.Wanted(
            budget.name if budget else OWN,
            body.amount,
            thresholds=tuple(body.thresholds),
            forecast_at=body.forecast_at,
            mode=body.mode,
        )
        if budget is None:
            budget = making.make(asker.organization, wanted, by=asker.person, now=now)
        else:
            making.change(budget, wanted, by=asker.person, now=now, version=budget.version)
        return shown(asker, [budget])[0]


@router.get("/budgets", auth=api_reader, response=shapes.BudgetList, summary="Budgets and how they stand")
def all_budgets(request: HttpRequest, archived: bool = False) -> dict[str, Any]:
    """Active ones; with `archived`, those that are."""
    asker: Asker = request.auth  # type: ignore[attr-defined]  # as above
    with organization_scope(asker.organization.pk):
        mine = Budget.objects.owned_by(asker.organization).filter(archived_at__isnull=not archived)
        return {"items": shown(asker, list(with_parts(mine).order_by("created_at", "pk")))}


@router.get(
    "/budgets/prompt-limit", auth=api_reader, response=shapes.PromptLimitShape, summary="How long a prompt may be"
)
def prompt_limit(request: HttpRequest) -> dict[str, Any]:
    """`tokens` is null where a prompt may be of any length."""
    asker: Asker = request.auth  # type: ignore[attr-defined]  # as above
    with organization_scope(asker.organization.pk):
        return shapes.prompt_limit(prompting.limit_of(asker.organization))


@router.put(
    "/budgets/prompt-limit", auth=manager, response=shapes.PromptLimitShape, summary="Set how long a prompt may be"
)
def set_prompt_limit(request: HttpRequest, body: shapes.PromptLimitBody) -> dict[str, Any]:
    """Checks refuse longer ones with `prompt_too_long`, within seconds. `{"tokens": null}` lifts the limit."""
    asker: Asker = request.auth  # type: ignore[attr-defined]  # as above
    with organization_scope(asker.organization.pk):
        prompting.allow(asker.organization, body.tokens, by=asker.person, now=timezone.now())
        return shapes.prompt_limit(prompting.limit_of(asker.organization))


@router.post("/budgets", auth=manager, response={201: shapes.BudgetShape}, summary="Create a budget")
def create_budget(request: HttpRequest, body: shapes.BudgetBody) -> Status[dict[str, Any]]:
    """A scope that no figure ever had is refused with `scope_never_matches`, unless `anyway` is true."""
    asker: Asker = request.auth  # type: ignore[attr-defined]  # as above
    with organization_scope(asker.organization.pk):
        made = making.make(asker.organization, body.wanted, by=asker.person, now=timezone.now(), anyway=body.anyway)
        return Status(201, shown(asker, [made])[0])


@router.patch("/budgets/{budget_id}", auth=manager, response=shapes.BudgetShape, summary="Change a budget")
def change_budget(request: HttpRequest, budget_id: UUID, body: shapes.BudgetPatch) -> dict[str, Any]:
    """What is not said stays. `archived` takes it out of use, and back.

    What it counts and when it begins anew cannot change (`another_budget`): archive it and create another.
    """
    asker: Asker = request.auth  # type: ignore[attr-defined]  # as above
    now = timezone.now()
    with organization_scope(asker.organization.pk):
        budget = Budget.objects.owned_by(asker.organization).filter(pk=budget_id).first()
        if budget is None:
            raise Http404
        if body.model_dump(exclude_unset=True, exclude={"version", "archived"}):
            try:
                whole = shapes.BudgetBody.model_validate(shapes.body_of(budget, body), by_name=True)
            except ValidationError as wrong:
                raise invalid(wrong) from None
            making.change(
                budget,
                replace(whole.wanted, department=budget.department),
                by=asker.person,
                now=now,
                version=budget.version if body.version is None else body.version,
            )
        if body.archived is not None:
            (making.archive if body.archived else making.restore)(budget, by=asker.person, now=now)
            budget.refresh_from_db()
        return shown(asker, [budget])[0]


def own(asker: Asker) -> Budget | None:
    mine = Budget.objects.owned_by(asker.organization).active()
    month = mine.filter(ledger=Ledger.COUNTED, scope={}, each="", department=None, every=Every.MONTH, unit=Unit.USD)
    return with_parts(month).order_by("created_at", "pk").first()


def shown(asker: Asker, budgets: list[Budget]) -> list[dict[str, Any]]:
    zone, now = ZoneInfo(asker.organization.timezone), timezone.now()
    spans = [(budget, span_at(now, zone, budget.rule)) for budget in budgets]
    found = in_spans(asker.organization, spans, now=now)
    return [
        shapes.shown(budget, span, [each for each in found if each.budget.pk == budget.pk]) for budget, span in spans
    ]


def invalid(wrong: ValidationError) -> Problem:
    fields: dict[str, list[str]] = {}
    for each in wrong.errors(include_input=False, include_url=False):
        name = ".".join(map(str, each["loc"])) or "body"
        fields.setdefault(name, []).append(str(each["msg"]).removeprefix("Value error, "))
    return Problem(422, "invalid_field", f"Check {', '.join(sorted(fields))}.", fields=fields)
