"""What a task may be given, whichever way it is queued: ids, and nothing for later."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from celery import Celery

CANVAS = ("link", "link_error", "chain", "chord")  # they carry other tasks' arguments inside the message
LATER = ("eta", "countdown")  # a worker would hold the message until then, and it is lost with the worker


class NotAnId(TypeError):
    """Something else than an id was about to be written into the broker."""


class ForLater(ValueError):
    """A task was about to be queued for another time than now."""


class IdsOnly(Celery):  # type: ignore[misc]  # celery has no types
    """Lets ids through and nothing else, whichever way a task is queued (reliability C13, E14)."""

    def send_task(
        self, name: str, args: Sequence[object] | None = None, kwargs: Mapping[str, object] | None = None, **more: Any
    ) -> Any:
        for value in (*(args or ()), *(kwargs or {}).values()):
            if not is_id(value):
                raise NotAnId(f"{name} was given something that is no id; a task takes ids and looks the rest up")
        if any(more.get(option) for option in CANVAS):
            raise NotAnId(f"{name} was given another task; leave a mark and let the next one find it")
        if any(more.get(option) is not None for option in LATER):
            raise ForLater(f"{name} is to run later; leave a mark with its time and let the sweep find it")
        return super().send_task(name, args, kwargs, **more)


def is_id(value: object) -> bool:
    """As ids are written, dashes included: 32 digits in a row may be somebody's key."""
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False
