"""Asks one provider, turns what went wrong into words, and follows its pages to the end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers.connectors.base import ConnectorError, Outcome
from tokentra.lib.http import Answer, Client, OutOfTime, Redirected, SlowDown, TooLarge, Unavailable
from tokentra.lib.masking import MASK
from tokentra.lib.sampling import Heard

MAX_PAGES = 1_000
CREDENTIAL_HEADERS = frozenset({"authorization", "x-api-key", "api-key"})

Json = dict[str, Any]
Params = Sequence[tuple[str, str]]


class AnswerTooLarge(ConnectorError):
    """The same question in smaller pages may still be answered."""


class NotEnoughTime(ConnectorError):
    """The time for it was over before everything had come; the same again may fit, or less of it."""


@dataclass(frozen=True)
class Api:
    """One provider with one credential. `refusal` puts a 4xx into words, or None where ours will do."""

    label: str
    client: Client
    headers: Mapping[str, str] = field(repr=False)
    refusal: Callable[[Answer], ConnectorError | None]

    def get(self, path: str, params: Params = ()) -> Json:
        """One answer of the expected kind: a JSON object. Everything else is a ConnectorError."""
        failure: ConnectorError
        self._hear("")
        try:
            answer = self.client.get(path, params, headers=self.headers)
        except SlowDown as reason:
            message = f"{self.label} asked for fewer requests. Reading goes on by itself after a pause."
            failure = ConnectorError(
                Outcome.RATE_LIMITED, message, detail=reason.sample, retry_after=reason.retry_after
            )
        except Redirected as reason:
            failure = ConnectorError(Outcome.UNEXPECTED, f"{self.label} gave an unexpected answer: {reason.reason}.")
        except Unavailable as reason:
            failure = self._unavailable(reason)
        else:
            self._hear(answer.sample if answer.body is None else answer.body)
            if answer.status >= 400:
                failure = self.refusal(answer) or self.refused(answer)
            elif isinstance(answer.body, dict):
                return answer.body
            else:
                failure = self.unexpected("not the object that it documents")
        failure.detail = self._without_key(failure.detail)
        raise failure

    def unexpected(self, what: str, *, outcome: Outcome = Outcome.UNEXPECTED) -> ConnectorError:
        return ConnectorError(
            outcome,
            f"{self.label} gave an unexpected answer: {what}. Nothing of it was stored.",
            puzzling=True,
        )

    def refused(self, answer: Answer) -> ConnectorError:
        """The words for a refusal that a provider has no words of its own for."""
        detail = f"{answer.status} {error_text(answer)}"
        if answer.status == 401:
            message = f"{self.label} does not know this key. It may have been deleted or have expired."
            return ConnectorError(Outcome.INVALID_CREDENTIALS, message, detail=detail)
        if answer.status == 403:
            message = f"{self.label} does not let this key read here."
            return ConnectorError(Outcome.MISSING_SCOPE, message, detail=detail)
        if answer.status in (402, 404, 405, 410, 451):
            message = f"{self.label} does not offer this to the account."
            return ConnectorError(Outcome.NOT_AVAILABLE, message, detail=detail)
        message = f"{self.label} refused what was asked ({answer.status}). It may have changed its interface."
        return ConnectorError(Outcome.BAD_REQUEST, message, detail=detail)

    def _hear(self, body: Any) -> None:
        keys = (self.headers[name].split()[-1] for name in CREDENTIAL_HEADERS & self.headers.keys())
        self.client.heard = Heard(body, tuple(keys))

    def _without_key(self, text: str) -> str:
        """Providers like to repeat the key, and not every key has a shape that masking knows."""
        for name in CREDENTIAL_HEADERS & self.headers.keys():
            text = text.replace(self.headers[name].split()[-1], MASK)
        return text

    def _unavailable(self, reason: Unavailable) -> ConnectorError:
        kind: type[ConnectorError] = ConnectorError
        if isinstance(reason, OutOfTime):
            message, kind = f"{self.label} did not answer in the time there was for it.", NotEnoughTime
        elif "not JSON" in reason.reason:
            message = f"{self.label} gave an unexpected answer: {reason.reason}."
            self._hear(reason.sample)
        else:
            message = f"{self.label} is unavailable: {reason.reason}."
        if isinstance(reason, TooLarge):
            kind = AnswerTooLarge
        return kind(
            Outcome.PROVIDER_DOWN,
            message,
            detail=reason.sample,
            retry_after=reason.retry_after,
            puzzling="not JSON" in reason.reason,
        )

    def pages(self, path: str, params: Params) -> Iterator[Json]:
        """Every page of a report, by `page` and `next_page`."""
        return self._follow(path, params, send="page", find="next_page")

    def listed(self, path: str, params: Params, *, send: str) -> Iterator[Json]:
        """Every object of a list, by `last_id`."""
        for page in self._follow(path, params, send=send, find="last_id"):
            yield from (each for each in page["data"] if isinstance(each, dict))

    def _follow(self, path: str, params: Params, *, send: str, find: str) -> Iterator[Json]:
        seen: set[str] = set()
        cursor: tuple[tuple[str, str], ...] = ()
        for _ in range(MAX_PAGES):
            page = self.get(path, [*params, *cursor])
            if not isinstance(page.get("data"), list) or not isinstance(page.get("has_more"), bool):
                raise self.unexpected("a page without its data", outcome=Outcome.PROVIDER_DOWN)
            yield page
            if not page["has_more"]:
                return
            following = page.get(find)
            if not isinstance(following, str) or not following:
                raise self.unexpected("more pages announced, but none named")
            if following in seen:
                raise self.unexpected("its pages lead in a circle")
            seen.add(following)
            cursor = ((send, following),)
        raise self.unexpected(f"more than {MAX_PAGES:,} pages for one window")


def error_text(answer: Answer) -> str:
    """The provider's own words of a refusal; both providers put them below `error`."""
    error = error_of(answer)
    text = error.get("message")
    return text if isinstance(text, str) else answer.sample


def error_of(answer: Answer) -> Json:
    body = answer.body if isinstance(answer.body, dict) else {}
    error = body.get("error")
    return error if isinstance(error, dict) else {}
