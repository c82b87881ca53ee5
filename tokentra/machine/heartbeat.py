"""One task per worker, through that worker's own queue: it writes that the worker still works."""

from celery import Task, shared_task
from django.db.models.functions import Now

from accounts.models import Heartbeat
from tokentra.machine import heartbeats
from tokentra.machine.programs import worker_names


def of(worker: str) -> "Task[[], None]":
    @shared_task(name=heartbeats.task(worker), queue=heartbeats.queue(worker), expires=heartbeats.KEPT_FOR)
    def heartbeat() -> None:
        Heartbeat.objects.update_or_create(worker=worker, defaults={"at": Now()})

    return heartbeat


TASKS = [of(worker) for worker in worker_names()]
