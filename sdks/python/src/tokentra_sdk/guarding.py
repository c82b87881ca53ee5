"""Asks before each call whether budgets allow it, where a program opts in, and lets it go, wait or end in an error.

Without an answer a call goes as it would without us or, where the program chose so, is not made.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
import weakref
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Optional

from tokentra_sdk.asking import Answer, Asker
from tokentra_sdk.config import CLOSED, Config
from tokentra_sdk.context import FIELDS
from tokentra_sdk.estimating import tokens_of
from tokentra_sdk.losses import log
from tokentra_sdk.refusals import CallRefused, CheckUnavailable
from tokentra_sdk.texts import text
from tokentra_sdk.usage import get
from tokentra_sdk.verdicts import Breaker, Known, Silence, Size, Verdict

if TYPE_CHECKING:
    from tokentra_sdk.watching import Begun

NOT_ASKED = frozenset(("runId", "parentId", "purpose"))  # no budget is about these
NAMES = tuple(name for name in FIELDS.values() if name not in NOT_ASKED)
MOST_SAID = 20
TIERS = frozenset(("default", "flex", "priority", "batch"))


class Question:
    """One call, as TokenTra is asked about it: its kind, its size, and both with its id."""

    __slots__ = ("body", "kind", "size")

    def __init__(self, kind: dict[str, Any], size: dict[str, Any], id: str) -> None:
        tokens = size.get("tokens") or {}
        self.kind = json.dumps(kind, sort_keys=True)
        self.size: Size = (
            *(float(tokens.get(name, 0)) for name in sorted(tokens)),
            float(size.get("estimatedCost", 0)),
        )
        self.body = json.dumps({**kind, **size, "id": id}).encode()


class Asked:
    """What becomes of a question: an answer that is known, or one that comes."""

    __slots__ = ("answer", "begun", "coming", "question")

    def __init__(self, begun: Begun, question: Question | None, answer: Answer | None) -> None:
        self.begun, self.question, self.answer = begun, question, answer
        self.coming: Optional[Future[Answer]] = None


class Guard:
    """Of one TokenTra. `before` and `before_async` raise CallRefused, and nothing else of ours."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.begin()
        guards.add(self)

    def begin(self) -> None:
        """Also in a process that was forked off: threads and locks stay in the parent."""
        self._asker = Asker(self.config)
        self._known, self._breaker = Known(), Breaker()
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._sentences: set[str] = set()
        self._said = ""

    def before(self, begun: Begun) -> None:
        if begun.body is None:
            return
        asked = self._begin(begun)
        if asked.coming is not None:
            try:
                asked.answer = asked.coming.result(self.config.check_timeout)
            except NotInTime:
                self._late(asked, asked.coming)
            except BaseException:
                begun.call.forget()
                raise
        if delay := self._end(asked):
            time.sleep(delay)
            begun.call.begin_anew()

    async def before_async(self, begun: Begun) -> None:
        if begun.body is None:
            return
        asked = self._begin(begun)
        try:
            if asked.coming is not None:
                await self._come(asked, asked.coming)
            if delay := self._end(asked):
                await asyncio.sleep(delay)
                begun.call.begin_anew()
        except BaseException:
            begun.call.forget()  # also where its task is cancelled while it waits
            raise

    async def _come(self, asked: Asked, answered: Future[Answer]) -> None:
        try:
            coming = asyncio.wrap_future(answered)
        except RuntimeError:
            asked.answer = Silence("Calls are checked in loops of asyncio, and this is another one.")
            return
        try:
            asked.answer = await asyncio.wait_for(coming, self.config.check_timeout)
        except asyncio.TimeoutError:
            self._late(asked, answered)

    # What is the same, whoever waits

    def _begin(self, begun: Begun) -> Asked:
        """Never raises."""
        try:
            return self._asked(begun)
        except Exception as error:
            log.debug("TokenTra could not ask about a call.", exc_info=True)
            return Asked(begun, None, Silence(f"Asking failed ({type(error).__name__}).", is_of_call=True))

    def _asked(self, begun: Begun) -> Asked:
        if self.config.problem:
            return Asked(begun, None, Silence(self.config.problem))
        question = self._question(begun)
        if (known := self._known.find(question.kind, question.size)) is not None:
            self._count("cached")
            return Asked(begun, question, known)
        was_well = self._breaker.is_closed
        if not self._breaker.may_ask():
            return Asked(begun, question, Silence(self._said or "TokenTra does not answer."))
        self._count("asked")
        asked = Asked(begun, question, None)
        coming = self._asker.ask(question.body)
        coming.add_done_callback(lambda done: self._learn(question, done))
        if was_well or self.config.check == CLOSED:
            asked.coming = coming
        else:  # it only finds out whether TokenTra is back
            asked.answer = Silence(self._said or "TokenTra does not answer.")
        return asked

    def _question(self, begun: Begun) -> Question:
        call, body = begun.call, begun.body
        said = {name: value for name, value in call.context.fields.items() if name in NAMES}
        kind: dict[str, Any] = {"provider": call.provider, "model": text(call.model), **said}
        if self.config.environment:
            kind.setdefault(FIELDS["environment"], text(self.config.environment))
        if get(body, "service_tier") in TIERS:
            kind["serviceTier"] = get(body, "service_tier")
        if call.context.tags:
            kind["tags"] = dict(call.context.tags)
        return Question(kind, self._size(call.provider, call.model, call.operation, body), call.id)

    def _size(self, provider: str, model: str, operation: str, body: Any) -> dict[str, Any]:
        if self.config.estimate is not None:
            said = self.config.estimate(provider, model, body)
            if isinstance(said, Mapping):
                return {"tokens": {name: int(tokens) for name, tokens in said.items()}}
            if said is not None:
                return {"estimatedCost": format(Decimal(str(said)), "f")}
        tokens = tokens_of(operation, body, self.config.expected_output)
        return {} if tokens is None else {"tokens": tokens}

    def _learn(self, question: Question, done: Future[Answer]) -> None:
        """When an answer has come, whether or not somebody still waits for it."""
        if done.cancelled():
            return
        answer = done.result()
        if isinstance(answer, Verdict):
            self._breaker.worked()
            self._known.keep(question.kind, question.size, answer)
            self._said = ""
        elif answer.is_of_call:
            self._breaker.worked()
        else:
            self._breaker.failed(answer.rest)
            self._said = answer.sentence

    def _late(self, asked: Asked, answered: Future[Answer]) -> None:
        """Nobody waits on. What is asked already may still come to its end, and is not believed then."""
        sentence = f"{self.config.url} takes longer than {self.config.check_timeout:g} s to answer."
        asked.answer = Silence(sentence)
        answered.cancel()
        self._breaker.failed(None)
        self._said = sentence

    def _end(self, asked: Asked) -> float:
        """For how long the call waits; raises CallRefused where it is not made."""
        answer, call = asked.answer, asked.begun.call
        refused: CallRefused
        if isinstance(answer, Verdict):
            if answer.refused is None:
                call.begin_anew()
                delay = min(answer.delay, self.config.most_delay)
                if delay:
                    self._count("slowed")
                return delay
            self._count("refused")
            refused = type(answer.refused)(answer.refused.message, answer.refused.told)
        else:
            sentence = answer.sentence if answer else ""
            self._count("unchecked")
            self._tell(sentence)
            if self.config.check != CLOSED:
                call.begin_anew()
                return 0.0
            self._count("refused")
            refused = CheckUnavailable(f"TokenTra could not be asked whether this call may be made. {sentence}")
        call.forget()
        raise refused

    def _count(self, what: str) -> None:
        with self._lock:
            self._counts[what] += 1

    def _tell(self, sentence: str) -> None:
        """Each kind of silence once."""
        with self._lock:
            is_new = sentence not in self._sentences and len(self._sentences) < MOST_SAID
            if is_new:
                self._sentences.add(sentence)
        if is_new:
            becomes = "are not made" if self.config.check == CLOSED else "are made unchecked"
            log.warning("TokenTra: calls %s. %s Further ones are counted in stats().", becomes, sentence)

    def told(self) -> dict[str, int]:
        """Questions asked, answered by what was known, calls refused, slowed, and made or refused without an answer."""
        with self._lock:
            return {name: self._counts[name] for name in ("asked", "cached", "refused", "slowed", "unchecked")}


guards: weakref.WeakSet[Guard] = weakref.WeakSet()


def _after_fork() -> None:
    for guard in list(guards):
        guard.begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
