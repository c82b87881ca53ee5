"""TokenTra in a program: what wraps clients, takes events and tells what became of them."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from typing import Any, Callable, TypeVar

from tokentra_sdk import families
from tokentra_sdk.calls import attributed, instant, used
from tokentra_sdk.config import Config, configured, is_disabled
from tokentra_sdk.context import FIELDS, Attribution, current
from tokentra_sdk.guarding import Guard
from tokentra_sdk.ids import minted
from tokentra_sdk.losses import log
from tokentra_sdk.routing import Routing
from tokentra_sdk.sender import Sender
from tokentra_sdk.texts import text
from tokentra_sdk.usage import Number, Usage

T = TypeVar("T")


class TokenTra:
    """Reports model calls to one TokenTra with one key.

    What is not given is read from the environment: TOKENTRA_URL, TOKENTRA_API_KEY, TOKENTRA_ENVIRONMENT,
    TOKENTRA_SPOOL_DIR, TOKENTRA_ROUTING, TOKENTRA_CHECK, TOKENTRA_DISABLED. Nothing here raises: without an address
    or a key, events are counted as lost and the log says so once. With `check`, calls that are refused raise
    CallRefused.
    """

    def __init__(
        self,
        api_key: str | None = None,
        url: str | None = None,
        *,
        environment: str | None = None,
        routing: bool | None = None,
        check: bool | str | None = None,
        check_timeout: float = 0.5,
        most_delay: float = 30.0,
        expected_output: int = 1_000,
        estimate: Callable[[str, str, Any], Any] | None = None,
        spool_directory: str | os.PathLike[str] | bool | None = None,
        every: float = 1.0,
        timeout: float = 10.0,
        at_exit: float = 2.0,
        most_queued: int = 10_000,
        most_bytes: int = 8 * 1024 * 1024,
        most_spooled: int = 64 * 1024 * 1024,
    ) -> None:
        """`routing`: follow its rules for which model to use. `check`: ask before each call whether budgets allow it;
        "closed" makes no call that could not be asked about. `check_timeout`, `most_delay`: seconds for which a call
        waits for the answer, and for a budget that slows it. `expected_output`: tokens of a call that does not say how
        many may come out. `estimate`: says of provider, model and request what a call may use. `every`: seconds for
        which events are gathered.
        `timeout`: of one request. `at_exit`: seconds that the end of the program waits for the last events.
        `most_…`: events and bytes that wait in memory, bytes on disk."""
        self.config = configured(
            url=url,
            api_key=api_key,
            environment=environment,
            routing=routing,
            check=check,
            check_timeout=check_timeout,
            most_delay=most_delay,
            expected_output=expected_output,
            estimate=estimate,
            spool_directory=spool_directory,
            every=every,
            timeout=timeout,
            at_exit=at_exit,
            most_queued=most_queued,
            most_bytes=most_bytes,
            most_spooled=most_spooled,
        )
        self._sender = Sender(self.config)
        self.routing: Routing | None = self.safely(Routing, self.config) if follows(self.config) else None
        self.guard: Guard | None = self.safely(Guard, self.config) if guards(self.config) else None

    def wrap(self, client: T, *, provider: str | None = None) -> T:
        """The same client, whose calls are reported from now on; `provider` where its address does not tell."""
        self.safely(families.wrap, client, self, provider)
        return client

    def record(
        self,
        *,
        provider: str,
        model: str,
        tokens: Mapping[str, int] | None = None,
        units: Mapping[str, Number] | None = None,
        operation: str | None = None,
        status: str = "ok",
        latency_ms: int | None = None,
        request_id: str | None = None,
        service_tier: str | None = None,
        usage_source: str = "reported",
        **named: object,
    ) -> str:
        """Report a call that no wrapped client made, with token classes as events have them; answers its id."""
        id = minted()
        self.safely(
            self._record,
            {
                "id": id,
                "occurredAt": instant(time.time()),
                "provider": provider,
                "model": model,
                "operation": operation,
                "status": status,
                "latencyMs": latency_ms,
                "requestId": request_id,
                "usageSource": usage_source,
            },
            Usage(tokens=dict(tokens or {}), units=dict(units or {}), service_tier=service_tier),
            named,
        )
        return id

    def _record(self, said: dict[str, Any], usage: Usage, named: Mapping[str, object]) -> None:
        kept = {name: value for name, value in said.items() if value is not None}
        self.send(kept, usage, current().changed(named))

    def send(self, said: dict[str, Any], usage: Usage, attribution: Attribution) -> None:
        """Complete one event and hand it to the sender."""
        used(usage, said)
        attributed(attribution, said, usage.tags)
        if self.config.environment:
            said.setdefault(FIELDS["environment"], text(self.config.environment))
        self._sender.offer(said)

    def flush(self, timeout: float = 5.0) -> bool:
        """Send what waits now. Whether all of it was taken within `timeout` seconds."""
        return bool(self.safely(self._sender.flush, timeout))

    def close(self, timeout: float = 5.0) -> None:
        """Flush, and keep on disk what cannot be sent. Happens by itself at the end of a program."""
        if self.routing is not None:
            self.routing.close()
        self.safely(self._sender.close, timeout)

    def follow(self, other: TokenTra) -> None:
        """Clients that report here report there from now on."""
        before, self._sender, self.config = self._sender, other._sender, other.config
        rules, self.routing, self.guard = self.routing, other.routing, other.guard
        if rules is not None:
            rules.close()
        self.safely(before.close, 0.0)

    def stats(self) -> dict[str, Any]:
        """Events recorded, sent, waiting, on disk, and lost by reason, of this process; and the last trouble.

        `checks`: questions asked before calls, answered by what was known, calls refused, slowed, and those without an
        answer."""
        return {
            **self._sender.counts.told(),
            "waiting": self._sender.waiting(),
            "on_disk": self._sender.spool.waiting(),
            **({} if self.guard is None else {"checks": self.guard.told()}),
        }

    def safely(self, act: Callable[..., Any], *args: Any) -> Any:
        """What goes wrong in our code is counted, and is nobody else's trouble; None then."""
        try:
            return act(*args)
        except Exception as error:
            self._sender.counts.lose("sdk_error", detail=f"{named(act)}: {type(error).__name__}.")
            log.debug("TokenTra could not measure a call.", exc_info=True)
            return None


def follows(config: Config) -> bool:
    return config.routing and not config.problem


def guards(config: Config) -> bool:
    return bool(config.check) and not is_disabled()


def named(act: Callable[..., Any]) -> str:
    while isinstance(act, functools.partial):
        act = act.func
    return getattr(act, "__qualname__", repr(type(act)))
