"""The Celery app: which tasks there are, what they may be given, and when the scheduler rings for them."""

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tokentra.settings")

from celery import Celery

CANVAS = ("link", "link_error", "chain", "chord")  # they carry other tasks' arguments inside the message
MODULES = (
    "tokentra.machine.beats",
    "accounts.tasks",
    "usage.tasks",
    "providers.tasks",
    "budgets.tasks",
    "onboarding.tasks",
)
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


app = IdsOnly("tokentra")
app.set_default()  # for every thread of the web server, not only the one that imports this
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["tokentra.machine"], related_name="heartbeat")


@app.on_after_finalize.connect
def schedule(sender: Celery, **_: object) -> None:
    """Each app declares `BEATS`: the name of a task and how often the scheduler rings for it."""
    for module in MODULES:
        for name, task, every in import_module(module).BEATS:
            sender.conf.beat_schedule[name] = {"task": task, "schedule": every}
