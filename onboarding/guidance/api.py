"""Guidance over JSON: the checklist, and what browsers tell of a person's doing."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from accounts import limits
from accounts.gates import api_member
from accounts.http import OrgRequest
from accounts.permissions import Permission
from onboarding.guidance import api_shapes as shapes
from onboarding.guidance import client_events, remembered
from onboarding.guidance.guide import Guide
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope

router = Router(by_alias=True)


def member(request: HttpRequest) -> OrgRequest:
    return api_member(request, Permission.SEE_COSTS)


@router.get(
    "/onboarding/checklist", auth=member, response=shapes.ChecklistAnswer, summary="What gets this person started"
)
def checklist(request: HttpRequest) -> dict[str, Any]:
    asking: OrgRequest = request.auth  # type: ignore[attr-defined]  # ninja keeps there what `member` found
    with organization_scope(asking.organization.pk):
        guide = Guide(asking.membership, now=timezone.now())
        guide.note_completion()
        items = [
            {
                "id": step.item.id,
                "title": step.item.title,
                "description": step.item.description,
                "icon": step.item.icon,
                "completed": step.completed,
                "completion_event": step.item.event,
                "action_url": step.href,
                "action_label": step.item.action,
                "priority": step.priority,
                "category": step.item.category,
                "optional": step.item.optional,
            }
            for step in guide.steps
        ]
    counted = guide.checklist
    return {
        "items": items,
        "completed_count": counted.completed_count,
        "total_count": counted.total_count,
        "percent_complete": counted.percent,
    }


@router.post("/onboarding/events", auth=member, response=shapes.EventAnswer, summary="Tell what this person did")
def events(request: HttpRequest, body: shapes.EventBody) -> dict[str, Any]:
    """Answers with the unlocks that this person has not celebrated yet. Facts are written by the server alone."""
    asking: OrgRequest = request.auth  # type: ignore[attr-defined]  # as above
    if limit := limits.exceeded(request, "onboarding_event"):
        sentence = "Too many events at once. Send this one again in a minute."
        raise Problem(
            429, "too_many_requests", sentence, headers=limit.headers | {"Retry-After": str(limit.reset or 60)}
        )
    with organization_scope(asking.organization.pk):
        guide = Guide(asking.membership, now=timezone.now())
        client_events.take(guide, body.event_name, body.event_data or {})
        unlocked = Guide(asking.membership, now=guide.now).to_celebrate
    remembered.after(request, body.event_name, body.event_data or {})
    return {
        "unlocked_features": [
            {
                "id": feature.id,
                "name": feature.name,
                "celebration_message": feature.celebration,
                "next_steps": [step.label for step in feature.next_steps],
            }
            for feature in unlocked
        ]
    }
