"""What this session keeps of guidance, because it holds beyond one organization."""

from typing import Any

from django.http import HttpRequest

from accounts.journal import Event

TOURED = "toured"


def after(request: HttpRequest, event: str, data: dict[str, Any]) -> None:
    """A tour that was taken in the sample workspace is not offered again with one's own figures, nor the reverse."""
    held = toured(request)
    if event in {Event.TOUR_COMPLETED, Event.TOUR_SKIPPED} and data["tourId"] not in held:
        request.session[TOURED] = sorted([*held, data["tourId"]])


def toured(request: HttpRequest) -> list[str]:
    held: list[str] = request.session.get(TOURED, [])
    return held


def forget(request: HttpRequest, tour: str) -> None:
    if tour in (held := toured(request)):
        request.session[TOURED] = [each for each in held if each != tour]
