"""The cache while Redis is away, and the one within a process."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from redis import Redis

from tokentra.lib.cache import ForgivingRedisCache, Here

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def away(tmp_path) -> ForgivingRedisCache:
    return ForgivingRedisCache(f"unix://{tmp_path}/nobody-listens.sock", {})


def test_c10_counting_goes_on_within_the_process(away):
    assert away.add("tries", 1) is True
    assert away.add("tries", 1) is False
    assert away.incr("tries") == 2
    assert away.get("tries") == 2


def test_c10_everything_else_answers_too(away):
    away.set("a", 1)
    away.set_many({"b": 2, "c": 3})

    assert away.get_many(["a", "b"]) == {"a": 1, "b": 2}
    assert away.has_key("c")
    assert away.touch("a", 10)
    away.delete("a")
    away.delete_many(["b"])
    assert away.get("a") is None
    away.clear()
    assert away.get("c") is None


def test_c10_one_that_hangs_is_waited_for_once_and_then_left_alone(tmp_path):
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(f"{tmp_path}/mute.sock")
        mute.listen(8)
        mute.settimeout(5)
        hanging = ForgivingRedisCache(f"unix://{tmp_path}/mute.sock", {"OPTIONS": {"socket_timeout": 0.05}})

        hanging.set("a", 1)
        assert hanging.get("a") == 1
        assert hanging.get("a") == 1

        mute.accept()
        mute.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody else knocked
            mute.accept()


def test_c10_redis_keeps_what_it_took_and_throws_nothing_away():
    """The server of the tests is started by the product's own command."""
    with Redis.from_url(settings.REDIS_URL) as server:
        kept = {name: server.config_get(name)[name] for name in ("appendonly", "maxmemory-policy")}

    assert kept == {"appendonly": "yes", "maxmemory-policy": "noeviction"}


@pytest.fixture
def here(tmp_path: Path, uptime: list[float]) -> Here:
    return Here(str(tmp_path), {"TIMEOUT": 3, "OPTIONS": {"MAX_ENTRIES": 6}})


def test_within_a_process_a_value_is_kept_as_it_is_for_its_time(here, uptime):
    value = object()
    here.set("a", value)
    here.set("b", 1, 10)
    here.set("c", 1, None)

    uptime[0] += 2.9
    assert here.get("a") is value
    uptime[0] += 0.2
    assert here.get("a", "gone") == "gone"
    assert (here.get("b"), here.get("c")) == (1, 1)


def test_within_a_process_a_value_ends_in_its_time_though_the_clock_on_the_wall_is_put_back(here, uptime):
    with time_machine.travel(NOW):
        here.set("a", 1)
        here.add("b", 1)
    uptime[0] += 3.1

    with time_machine.travel(NOW - timedelta(hours=1)):
        assert (here.get("a"), here.get("b")) == (None, None)


def test_within_a_process_it_is_added_once_and_again_once_it_has_ended(here, uptime):
    assert here.add("a", True)
    assert not here.add("a", True)
    assert here.touch("a", 5)

    uptime[0] += 4
    assert not here.add("a", True)
    uptime[0] += 2
    assert not here.touch("a")
    assert here.add("a", True)
    assert here.delete("a")
    assert not here.delete("a")
    assert here.add("a", True)


def test_within_a_process_what_is_kept_is_bounded_and_the_newest_stay(here, uptime):
    here.set("ended", 1, 1)
    for name in "abcde":
        here.set(name, 1)
    uptime[0] += 2

    here.set("f", 1)
    assert here.get_many("abcdef") == dict.fromkeys("bcdef", 1)
    for name in "ghijklmnop":
        here.set(name, 1)
    kept = here.get_many("abcdefghijklmnop")
    assert "p" in kept
    assert len(kept) <= 6


def test_within_a_process_every_thread_sees_the_same(here, tmp_path):
    here.set("a", 1)

    of_another = Here(str(tmp_path), {})
    assert of_another.get("a") == 1
    of_another.clear()
    assert here.get("a") is None
