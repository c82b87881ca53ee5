"""The cache while Redis is away."""

import socket

import pytest
from django.conf import settings
from redis import Redis

from tokentra.lib.cache import ForgivingRedisCache


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
