"""/healthz and /readyz: what answers, and what is only told."""

import json
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client

from accounts.models import Heartbeat
from tests.test_settings import ASKED, OWN, start


def parts() -> dict[str, bool]:
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    return answer.json()["parts"]


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "heard"), [(None, False), (30, True), (61, False)])
def test_c12_it_says_whether_a_worker_was_heard_within_a_minute(seconds, heard):
    if seconds is not None:
        Heartbeat.objects.create(worker="worker0", at=Now() - timedelta(seconds=seconds))

    assert parts() == {"database": True, "redis": True, "workers": heard}


def test_without_a_database_nothing_is_ready_and_the_process_still_answers(tmp_path):
    nowhere = OWN | {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nowhere",
        "REDIS_URL": "unix:///nowhere/redis.sock",
    }
    asking = ASKED.replace('Client().get("/",', 'Client().get(headers.pop("path"),').replace(
        "tokentra.example.com", "localhost"
    )

    ended = start(tmp_path, json.dumps([{"path": "/healthz"}, {"path": "/readyz"}]), program=asking, **nowhere)
    alive, ready = map(json.loads, ended.stdout.splitlines())

    assert alive[0] == 200
    assert ready[0] == 503
    assert json.loads(ready[2]) == {
        "status": "waiting",
        "parts": {"database": False, "redis": False, "workers": False},
    }
    assert "nobody" not in ready[2]
