"""The doorbell rings after the commit, and nothing depends on its being heard (reliability C14)."""

import os
import subprocess
import sys

import pytest
from celery import current_app
from django.db import transaction

from tests.test_architecture import ROOT
from tokentra.lib.doorbell import ring_on_commit
from tokentra.lib.ids import uuid7
from usage.tasks import audit_organization, fill_samples

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queue():
    with current_app.connection() as broker, broker.channel() as channel:
        name = current_app.conf.task_default_queue
        channel._purge(name)
        yield lambda: channel._size(name)
        channel._purge(name)


def test_c14_it_rings_once_the_transaction_is_committed(queue):
    with transaction.atomic():
        ring_on_commit(audit_organization, uuid7())
        assert queue() == 0

    assert queue() == 1


def test_c14_what_was_not_committed_rings_for_nobody(queue):
    with transaction.atomic():
        ring_on_commit(fill_samples)
        transaction.set_rollback(True)

    assert queue() == 0


def test_c14_without_redis_it_is_silent_and_nobody_waits_for_it():
    """A process of its own, whose Redis is away from the start."""
    ringing = (
        "import time, django; django.setup()\n"
        "from tokentra.lib.doorbell import ring; from usage.tasks import fill_samples\n"
        "began = time.monotonic(); ring(fill_samples); print(time.monotonic() - began)"
    )

    done = subprocess.run(
        [sys.executable, "-c", ringing],
        cwd=ROOT,
        env=os.environ | {"REDIS_URL": "unix:///nowhere/redis.sock"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert float(done.stdout) < 15
    assert "the doorbell of usage.tasks.fill_samples did not ring: OperationalError" in done.stderr
    assert "Traceback" not in done.stderr
