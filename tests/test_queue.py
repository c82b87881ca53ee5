"""What may enter the queue: ids, whichever way a task is called; and how the queue is set up."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from celery import current_app

from tests.lib.test_masking import CANARIES
from tokentra.celery import app
from tokentra.ids_only import ForLater, NotAnId
from tokentra.lib.ids import uuid7
from tokentra.lib.secret import Secret
from tokentra.schedule import beat_schedule
from usage.tasks import audit_organization

ID = str(uuid7())
QUEUED = {
    "delayed": audit_organization.delay,
    "by name of the argument": lambda value: audit_organization.delay(organization_id=value),
    "with options": lambda value: audit_organization.apply_async((value,), retry=False),
    "as a signature": lambda value: audit_organization.s(value).apply_async(),
    "behind another task": lambda value: (audit_organization.si(ID) | audit_organization.si(value)).apply_async(),
    "once another is done": lambda value: audit_organization.apply_async((ID,), link=audit_organization.si(value)),
    "by the name of the task": lambda value: current_app.send_task("usage.tasks.audit_organization", [value]),
    "of a task that nobody knows": lambda value: app.send_task("of.somebody.else", kwargs={"key": value}),
}
NOT_IDS = {
    **CANARIES,
    "a key without a shape": "0123456789abcdef0123456789abcdef",
    "an address": "alice@acme.example",
    "a number": 7,
    "a list": [ID],
    "a secret": Secret("anything"),
    "bytes": b"sk-admin-canary_0123456789abcdef",
    "an id in other letters": ID.upper().replace("0", "A"),
}


@pytest.mark.parametrize("queue", QUEUED.values(), ids=QUEUED)
def test_e14_a_secret_enters_the_queue_by_no_door(queue):
    canary = CANARIES["openai admin"]

    with pytest.raises(NotAnId) as refused:
        queue(canary)

    assert canary not in str(refused.value)


@pytest.mark.parametrize("value", NOT_IDS.values(), ids=NOT_IDS)
def test_c13_a_task_is_given_ids_only(value):
    with pytest.raises(NotAnId) as refused:
        audit_organization.delay(value)

    assert repr(value) not in str(refused.value)


def test_c13_ids_are_queued():
    with app.connection() as broker, broker.channel() as channel:
        before = channel._size(app.conf.task_default_queue)

        audit_organization.delay(ID)

        assert channel._size(app.conf.task_default_queue) == before + 1
        channel._purge(app.conf.task_default_queue)


@pytest.mark.parametrize("when", [{"countdown": 5}, {"eta": datetime(2026, 11, 20, tzinfo=UTC)}])
def test_c13_nothing_is_queued_for_later(when):
    with pytest.raises(ForLater):
        audit_organization.apply_async((ID,), **when)


def test_c13_a_message_is_given_back_until_its_task_has_ended():
    """By every task: nothing of ours says otherwise for itself."""
    app.loader.import_default_modules()
    ours = [task for name, task in app.tasks.items() if not name.startswith("celery.")]

    assert len(ours) >= 10
    assert all(task.acks_late and task.reject_on_worker_lost and task.ignore_result for task in ours)
    assert (app.conf.worker_prefetch_multiplier, app.conf.task_serializer, app.conf.accept_content) == (
        1,
        "json",
        ["json"],
    )
    options = app.conf.broker_transport_options
    assert (options["visibility_timeout"], options["unacked_restore_interval"]) == (300, 1)
    assert app.conf.result_backend is None


@pytest.mark.parametrize("ring", beat_schedule().values(), ids=beat_schedule())
def test_the_scheduler_rings_for_a_task_that_there_is_as_that_task_would(ring):
    app.loader.import_default_modules()
    task = app.tasks[ring["task"]]
    options = ring.get("options", {})

    assert (options.get("queue"), options.get("expires")) == (getattr(task, "queue", None), task.expires)


def test_the_scheduler_sets_up_no_django():
    """Which would be a hundred megabytes for a process that sends names."""
    program = (
        "import sys; from tokentra.scheduler import app; app.loader.import_default_modules();"
        "print(len(app.conf.beat_schedule), 'django.apps' in sys.modules, app.conf.broker_url == sys.argv[1])"
    )
    printed = subprocess.check_output([sys.executable, "-c", program, app.conf.broker_url], text=True)

    assert printed.split() == [str(len(beat_schedule())), "False", "True"]
