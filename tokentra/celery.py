"""The Celery app: which tasks there are and when the scheduler rings for them."""

import os
from importlib import import_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tokentra.settings")

from celery import Celery

app = Celery("tokentra")
app.set_default()  # for every thread of the web server, not only the one that imports this
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["tokentra.machine"], related_name="heartbeat")


@app.on_after_finalize.connect
def schedule(sender: Celery, **_: object) -> None:
    """Each app declares `BEATS`: the name of a task and how often the scheduler rings for it."""
    for module in ("tokentra.machine.beats", "accounts.tasks", "usage.tasks", "providers.tasks"):
        for name, task, every in import_module(module).BEATS:
            sender.conf.beat_schedule[name] = {"task": task, "schedule": every}
