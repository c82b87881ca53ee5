"""Which model a call goes to instead of the one that was asked for: rules that TokenTra keeps, where a program opts in.

They are read on a thread of their own. Without them, and whatever goes wrong, a call goes as it was asked for.
"""

from __future__ import annotations

import copy
import os
import random
import re
import threading
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request

from tokentra_sdk.config import Config
from tokentra_sdk.losses import log
from tokentra_sdk.posting import LARGEST_ANSWER, opener, read
from tokentra_sdk.usage import get
from tokentra_sdk.version import VERSION

if TYPE_CHECKING:
    from tokentra_sdk.watching import Begun

PATH, TAG = "/api/routing", "routed_from"
EVERY, KEPT_FOR, RESTS_FOR = 60.0, 600.0, 600.0  # seconds
DATED = re.compile(r"(-latest|[-@]\d{4}-?\d{2}-?\d{2})$")
GONE = (403, 404)  # the provider does not have the other model, or not for this account
REFUSED = (400, *GONE, 422, 429)  # the model that was asked for might answer this

Key = tuple[str, str, str]  # feature, provider, model


class Routing:
    """The rules of one TokenTra, as they were when they were last read."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.looked = threading.Event()  # for the first time
        self._rules: dict[Key, str] = {}
        self._resting: dict[Key, float] = {}
        self._etag = ""
        self._read_at = 0.0
        self._closed = threading.Event()
        self._pid = 0
        self._begin()

    def _begin(self) -> None:
        """The thread, also in a process that was forked off: threads stay behind, and a lock might have been held."""
        pid = os.getpid()
        if self._pid != pid and not self._closed.is_set():
            self._pid = pid
            threading.Thread(target=self._follow, name="tokentra-routing", daemon=True).start()

    def _follow(self) -> None:
        while not self._closed.is_set():
            try:
                self.look()
            except Exception:
                log.debug("TokenTra could not read the rules of routing.", exc_info=True)
            self.looked.set()
            self._closed.wait(EVERY * (0.75 + random.random() / 2))  # noqa: S311  # so that programs do not come as one

    def look(self) -> None:
        """Read the rules now. Those of before hold on for ten minutes where TokenTra cannot be reached."""
        headers = {"Authorization": f"Bearer {self.config.api_key}", "User-Agent": f"tokentra-sdk-python/{VERSION}"}
        if self._etag:
            headers["If-None-Match"] = self._etag
        request = Request(self.config.url + PATH, headers=headers)  # noqa: S310  # its scheme was looked at
        try:
            with opener.open(request, timeout=self.config.timeout) as response:
                rules = rules_of(read(response.read(LARGEST_ANSWER)))
                self._etag, self._read_at, self._rules = response.headers.get("ETag") or "", time.monotonic(), rules
        except HTTPError as error:
            with error:
                if error.code == 304:
                    self._read_at = time.monotonic()
                elif error.code in (401, 403, 404):
                    self._etag, self._rules = "", {}
        except (OSError, HTTPException):
            pass
        if self._rules and time.monotonic() - self._read_at > KEPT_FOR:
            self._etag, self._rules = "", {}

    def key_of(self, feature: str | None, provider: str, model: str) -> Key | None:
        """The rule for such a call, if there is one that does not rest."""
        self._begin()
        for name in (model, DATED.sub("", model)):
            key = (feature or "", provider, name)
            if key in self._rules:
                return None if self._resting.get(key, 0.0) > time.monotonic() else key
        return None

    def route(self, begun: Begun) -> None:
        """Let a call that is about to be made ask for another model, and be asked as before where that is refused."""
        call, options = begun.call, begun.args[1] if len(begun.args) > 1 else begun.kwargs.get("options")
        body, extra = get(options, "json_data"), get(options, "extra_json")
        if not isinstance(body, Mapping) or body.get("model") != call.model:
            return
        if isinstance(extra, Mapping) and "model" in extra:
            return
        key = self.key_of(call.context.fields.get("feature"), call.provider, call.model)
        use_model = self._rules.get(key, "") if key else ""
        if key is None or not use_model or use_model == call.model:
            return
        asked, context, before, again = call.model, call.context, (begun.args, begun.kwargs), begun.again
        changed: Any = copy.copy(options)
        changed.json_data = {**body, "model": use_model}
        if len(begun.args) > 1:
            begun.args = (begun.args[0], changed, *begun.args[2:])
        else:
            begun.kwargs = {**begun.kwargs, "options": changed}
        call.model, call.context = use_model, context.changed({TAG: asked})

        def again_as_asked(error: BaseException) -> bool:
            status = getattr(error, "status_code", None)
            if status in GONE:
                self._resting[key] = time.monotonic() + RESTS_FOR
            if again(error):  # it was refused for what we asked of it besides
                call.model, call.context = asked, context
                return True
            if status not in REFUSED:
                return False
            call.model, call.context, begun.second = asked, context, before
            return True

        begun.again = again_as_asked

    def close(self) -> None:
        self._closed.set()


def rules_of(told: Mapping[str, Any]) -> dict[Key, str]:
    found: dict[Key, str] = {}
    for rule in told.get("rules") or ():
        said = [rule.get(name) for name in ("feature", "provider", "model", "useModel")]
        if all(isinstance(each, str) and each for each in said):
            feature, provider, model, use_model = said
            found[feature, provider, model] = use_model
    return found
