"""Django's cache in Redis, which goes on within the process while Redis is away, and one that never leaves it."""

from collections.abc import Callable
from functools import cache, partial
from threading import Lock
from time import monotonic
from typing import Any, TypeVar, cast

from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError, TimeoutError

Found = TypeVar("Found")
LEFT_ALONE = 5.0  # seconds; one that hangs costs each thread one wait in that time


class OneClient(RedisCacheClient):
    """Django makes a client anew for each command, which takes longer than the command."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._one = super().get_client(write=True)

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        return self._one


class ForgivingRedisCache(RedisCache):
    """Only limits and conveniences are kept here: without Redis each process counts for itself."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = OneClient
        self._here = LocMemCache("while-redis-is-away", dict(params))
        self._again_at = 0.0

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("add", *args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("get", *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("set", *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("touch", *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("delete", *args, **kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("get_many", *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("has_key", *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("incr", *args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("set_many", *args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("delete_many", *args, **kwargs)

    def clear(self) -> Any:
        self._here.clear()
        return self._ask("clear")

    def count(self, key: str, amount: int, *, seconds: int) -> int:
        """Add to what is forgotten after so many seconds, in one exchange; answers the sum."""
        return self._try(
            partial(self._count_in_redis, key, amount, seconds), partial(self._count_here, key, amount, seconds)
        )

    def _count_in_redis(self, key: str, amount: int, seconds: int) -> int:
        name = self.make_and_validate_key(key)
        with self._cache.get_client(name, write=True).pipeline(transaction=False) as pipe:
            pipe.incrby(name, amount)
            pipe.expire(name, seconds, nx=True)
            return int(pipe.execute()[0])

    def _count_here(self, key: str, amount: int, seconds: int) -> int:
        self._here.add(key, 0, seconds)
        return self._here.incr(key, amount)

    def _ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        there, here = getattr(super(), method), getattr(self._here, method)
        return self._try(partial(there, *args, **kwargs), partial(here, *args, **kwargs))

    def _try(self, there: Callable[[], Found], here: Callable[[], Found]) -> Found:
        try:
            if monotonic() >= self._again_at:
                return there()
        except TimeoutError:
            self._again_at = monotonic() + LEFT_ALONE
        except RedisError:
            pass  # nobody listens, which is known at once
        return here()


class Here(BaseCache):
    """Within one process, for names of ours and values that nobody changes: they are kept as they are.

    Django's packs and unpacks them each time, which takes longer than what they save.
    """

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._kept, self._lock = _here.setdefault(name, ({}, Lock()))  # each thread makes a cache of its own

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        until, value = self._kept.get(key, (0, None))
        return value if until is None or until > monotonic() else default

    def get_backend_timeout(self, timeout: Any = DEFAULT_TIMEOUT) -> float | None:
        """By a clock that is never put back: what is forgotten after seconds is forgotten then."""
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return None if seconds is None else monotonic() + seconds

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        if self.get(key) is not None:  # most often
            return False
        with self._lock:
            if self.get(key) is not None:
                return False
            self._put(key, value, timeout)
        return True

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> None:
        with self._lock:
            self._put(key, value, timeout)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        with self._lock:
            if (value := self.get(key)) is None:
                return False
            self._put(key, value, timeout)
        return True

    def delete(self, key: Any, version: Any = None) -> bool:
        return self._kept.pop(key, None) is not None

    def clear(self) -> None:
        self._kept.clear()

    def _put(self, key: Any, value: Any, timeout: Any) -> None:
        if len(self._kept) >= self._max_entries and key not in self._kept:
            self._make_room()
        self._kept[key] = self.get_backend_timeout(timeout), value

    def _make_room(self) -> None:
        """Of what has ended, and else of the third that was put first."""
        now = monotonic()
        left = {key: kept for key, kept in self._kept.copy().items() if kept[0] is None or kept[0] > now}
        surplus = len(left) - self._max_entries * 2 // 3
        for key in [key for key in self._kept.copy() if key not in left] + list(left)[: max(surplus, 0)]:
            self._kept.pop(key, None)


@cache
def in_process(name: str) -> Here:
    """One for all threads, for what is asked for with each request: finding a thread's own takes longer than asking."""
    return cast(Here, caches[name])


_here: dict[str, tuple[dict[Any, tuple[float | None, Any]], Lock]] = {}
