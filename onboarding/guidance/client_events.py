"""What a browser may tell of a person: each allowed event with its data and its effect. Facts are ours to write."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Max
from pydantic import ValidationError

from accounts import journal
from accounts.api_shapes import Strict
from accounts.journal import Event
from accounts.models import JournalEntry
from onboarding.guidance import api_shapes as shapes
from onboarding.guidance import seen, tours
from onboarding.guidance.guide import Guide
from onboarding.guidance.seen import CHECKLIST, Kind, State
from onboarding.guidance.tours import Tour
from onboarding.models import Seen
from tokentra.lib.problems import Problem

Data = dict[str, Any]
Effect = Callable[[Guide, Data], Data]
"""Changes what the person has seen and answers what else the journal line says; `Data` has the line's names."""


def nothing_more(guide: Guide, data: Data) -> Data:
    return {}


def tour(state: Seen.State) -> Effect:
    def effect(guide: Guide, data: Data) -> Data:
        about = tours.BY_ID[data["tour"]]
        total = len(about.steps)
        viewed = 0 if state is State.STARTED else steps_viewed(guide, about)
        seen.mark(guide.membership, Kind.TOUR, about.id, state, now=guide.now, steps_viewed=viewed, steps_total=total)
        return {"steps_total": total} if state is State.STARTED else {"steps_viewed": viewed, "steps_total": total}

    return effect


def tour_step(guide: Guide, data: Data) -> Data:
    about = tours.BY_ID[data["tour"]]
    viewed = steps_viewed(guide, about, data["step"])
    total = len(about.steps)
    seen.mark(
        guide.membership, Kind.TOUR, about.id, State.STARTED, now=guide.now, steps_viewed=viewed, steps_total=total
    )
    return {}


def steps_viewed(guide: Guide, about: Tour, *more: str) -> int:
    """How many different steps of the tour were looked at since it last began."""
    lines = JournalEntry.objects.owned_by(guide.organization).filter(user=guide.user, data__tour=about.id)
    began = lines.filter(event=Event.TOUR_STARTED).aggregate(last=Max("at"))["last"]
    looked = lines.filter(event=Event.TOUR_STEP_VIEWED)
    if began:
        looked = looked.filter(at__gte=began)
    return len({*looked.values_list("data__step", flat=True), *more})


def tip_dismissed(guide: Guide, data: Data) -> Data:
    seen.mark(guide.membership, Kind.TOOLTIP, data["tooltip"], State.DISMISSED, now=guide.now)
    return {}


def celebrated(guide: Guide, data: Data) -> Data:
    if data["feature"] not in guide.useful:
        raise Problem(422, "not_unlocked", "This feature is not unlocked yet, so there is nothing to celebrate.")
    seen.mark(guide.membership, Kind.CELEBRATION, data["feature"], State.COMPLETED, now=guide.now)
    return {}


def checklist_dismissed(guide: Guide, data: Data) -> Data:
    seen.mark(guide.membership, Kind.CARD, CHECKLIST, State.DISMISSED, now=guide.now)
    return {}


@dataclass(frozen=True, slots=True)
class Allowed:
    shape: type[Strict] = shapes.Nothing
    effect: Effect = nothing_more
    once: bool = False  # the server writes it too, and only the first says something


ALLOWED = {
    Event.QUESTIONNAIRE_STARTED: Allowed(once=True),
    Event.PROVIDER_CONNECTION_STARTED: Allowed(shapes.OfProvider),
    Event.SDK_SETUP_STARTED: Allowed(once=True),
    Event.SDK_LANGUAGE_SELECTED: Allowed(shapes.OfLanguage),
    Event.SDK_API_KEY_COPIED: Allowed(),
    Event.SDK_CODE_COPIED: Allowed(shapes.PerhapsOfLanguage),
    Event.SDK_SETUP_SKIPPED: Allowed(),
    Event.TOUR_STARTED: Allowed(shapes.OfTour, tour(State.STARTED)),
    Event.TOUR_STEP_VIEWED: Allowed(shapes.OfStep, tour_step),
    Event.TOUR_COMPLETED: Allowed(shapes.OfTour, tour(State.COMPLETED)),
    Event.TOUR_SKIPPED: Allowed(shapes.OfTour, tour(State.SKIPPED)),
    Event.TOOLTIP_DISMISSED: Allowed(shapes.OfTip, tip_dismissed),
    Event.FEATURE_UNLOCK_CELEBRATED: Allowed(shapes.OfFeature, celebrated),
    Event.CHECKLIST_DISMISSED: Allowed(effect=checklist_dismissed),
}


def take(guide: Guide, name: str, sent: Data) -> None:
    """Write what a client tells and let it have its effect. Raises `Problem` 422 for what is not a client's to say."""
    event = event_of(name)
    allowed = ALLOWED[event]
    data = checked(allowed.shape, sent)
    if allowed.once:
        journal.record_once(event, guide.user, guide.organization, **data)
    else:
        said = allowed.effect(guide, data)
        journal.record(event, guide.user, guide.organization, at=guide.now, **data, **said)


def event_of(name: str) -> Event:
    if name in set(ALLOWED):
        return Event(name)
    told = f"Clients may send: {', '.join(ALLOWED)}."
    if name in set(Event):
        raise Problem(422, "server_fact", f"TokenTra writes {name} itself, where it becomes true. {told}")
    raise Problem(422, "unknown_event", f"There is no event of this name. {told}")


def checked(shape: type[Strict], sent: Data) -> Data:
    """The data under the journal's names: `tourId` is `tour` there."""
    try:
        data = shape.model_validate(sent)
    except ValidationError as wrong:
        fields: dict[str, list[str]] = {}
        for error in wrong.errors(include_input=False, include_url=False, include_context=False):
            place = ".".join(["eventData", *map(str, error["loc"])])
            fields.setdefault(place, []).append(error["msg"].removeprefix("Value error, "))
        named = ", ".join(sorted(fields))
        raise Problem(
            422, "invalid_field", f"Correct these fields and send it again: {named}.", fields=fields
        ) from None
    return {name.removesuffix("_id"): value for name, value in data.model_dump(exclude_none=True).items()}
