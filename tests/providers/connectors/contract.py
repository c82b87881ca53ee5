"""What every connector keeps to, whoever wrote it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from providers.connectors.base import Connector, ConnectorError, Outcome, Page
from providers.connectors.calling import MAX_PAGES
from tests.providers.connectors.conftest import NOW, answering
from tokentra.lib.secret import Secret
from usage.rows import UsageRow


@dataclass(frozen=True)
class Subject:
    """A connector with one window that it can read, and the answers to give it by path."""

    connector: Connector
    credentials: Mapping[str, Secret]
    endpoint: str
    start: datetime
    end: datetime
    answers: Mapping[str, Any]
    capabilities: frozenset[str] = frozenset()
    now: datetime = NOW

    def good(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json=self.answers[request.url.path])

    def read(self, replies: Callable[[httpx2.Request], httpx2.Response]) -> Page:
        endpoints = {each.name: each for each in self.connector.endpoints_for(self.capabilities)}
        with answering(self.connector, replies) as client:
            return self.connector.read(
                client, self.credentials, endpoints[self.endpoint], self.start, self.end, now=self.now
            )

    def failure(self, replies: Callable[[httpx2.Request], httpx2.Response]) -> ConnectorError:
        with pytest.raises(ConnectorError) as error:
            self.read(replies)
        return error.value

    @property
    def secrets(self) -> list[str]:
        return [secret.reveal() for secret in self.credentials.values()]


def says_what_it_is(subject: Subject) -> None:
    connector = subject.connector
    assert connector.key.isidentifier()
    assert connector.host.startswith("https://")
    assert set(connector.form.base_fields) == set(subject.credentials)
    card = connector.card
    assert all((card.models, card.gives, card.freshness, card.who, card.steps, card.calls))
    assert card.key_page.startswith("https://")
    assert all(call.startswith("GET /") for call in card.calls)
    endpoints = connector.endpoints_for(frozenset())
    assert len({endpoint.name for endpoint in endpoints}) == len(endpoints) > 0
    assert any(endpoint.essential for endpoint in endpoints)
    for endpoint in endpoints:
        assert 1 <= endpoint.window_days <= 31
        assert timedelta(minutes=30) <= endpoint.hot_every <= endpoint.deep_every
        assert 3 <= endpoint.hot_days <= endpoint.deep_days <= endpoint.history_days


def reads_rows_of_its_window(subject: Subject) -> None:
    page = subject.read(subject.good)
    assert page.rows
    assert page.problems == ()
    for row in page.rows:
        assert isinstance(row, UsageRow)
        assert (row.provider, row.endpoint) == (subject.connector.key, subject.endpoint)
        assert subject.start <= row.start < subject.end
        assert (row.amount is not None) == (row.ledger == "billed")
    assert len({row.key() for row in page.rows}) == len(page.rows)
    assert subject.read(subject.good) == page


def calls_only_what_its_card_lists(subject: Subject) -> None:
    asked = []

    def noted(request: httpx2.Request) -> httpx2.Response:
        asked.append(f"{request.method} {request.url.path}")
        for secret in subject.secrets:
            assert secret not in str(request.url)
        return subject.good(request)

    subject.read(noted)
    assert set(asked) <= set(subject.connector.card.calls)


def sorts_what_goes_wrong(subject: Subject) -> None:
    def lost(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("reset")

    def refusing(status: int) -> Callable[[httpx2.Request], httpx2.Response]:
        return lambda request: httpx2.Response(status, text=" ".join(subject.secrets))

    unknown = {401: {Outcome.INVALID_CREDENTIALS}, 429: {Outcome.RATE_LIMITED}, 302: {Outcome.UNEXPECTED}}
    away = {500: {Outcome.PROVIDER_DOWN}, 503: {Outcome.PROVIDER_DOWN}, 529: {Outcome.PROVIDER_DOWN}}
    for status, outcomes in (unknown | away).items():
        told = subject.failure(refusing(status))
        assert told.outcome in outcomes
        for secret in subject.secrets:
            assert secret not in f"{told!r} {told.message} {told.detail}"
    assert subject.failure(lost).outcome is Outcome.PROVIDER_DOWN
    assert subject.failure(lambda request: httpx2.Response(200, text="<html>")).outcome is Outcome.PROVIDER_DOWN


def never_takes_an_endless_list_for_the_end(subject: Subject) -> None:
    asked = []

    def more(cursor: Callable[[], str | None]) -> Callable[[httpx2.Request], httpx2.Response]:
        def reply(request: httpx2.Request) -> httpx2.Response:
            asked.append(request)
            body = subject.answers[request.url.path] | {
                "has_more": True,
                "next_page": cursor(),
                "last_id": cursor(),
            }
            return httpx2.Response(200, json=body)

        return reply

    assert subject.failure(more(lambda: None)).outcome is Outcome.UNEXPECTED
    assert subject.failure(more(lambda: "same")).outcome is Outcome.UNEXPECTED
    asked.clear()
    assert subject.failure(more(lambda: f"page_{len(asked)}")).outcome is Outcome.UNEXPECTED
    assert len(asked) <= MAX_PAGES


CLAUSES = (
    says_what_it_is,
    reads_rows_of_its_window,
    calls_only_what_its_card_lists,
    sorts_what_goes_wrong,
    never_takes_an_endless_list_for_the_end,
)
