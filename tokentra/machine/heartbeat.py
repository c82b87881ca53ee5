"""One task per worker, through that worker's own queue: it writes that the worker still works."""

from celery import Task, shared_task
from django.db.models.functions import Now

from accounts.models import Heartbeat
from tokentra.machine.programs import worker_names

# By the worker's own clock, which may be a day off: a beat that it took for old would make it silent for ever.
KEPT_FOR = 2 * 24 * 3600


def of(worker: str) -> "Task[[], None]":
    @shared_task(name=f"tokentra.machine.heartbeat.{worker}", queue=f"heartbeat.{worker}", expires=KEPT_FOR)
    def heartbeat() -> None:
        Heartbeat.objects.update_or_create(worker=worker, defaults={"at": Now()})

    return heartbeat


TASKS = [of(worker) for worker in worker_names()]
