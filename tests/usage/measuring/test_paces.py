"""Over its pace an organization is told to come again; others are not."""

import json
from contextlib import suppress

import pytest
import time_machine
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.test import Client
from redis.exceptions import ConnectionError as NobodyListens

from tests.sdk_keys.conftest import issued
from tests.usage.measuring.conftest import NOON, event
from tokentra.lib.answered_again import AnsweredAgain
from tokentra.lib.problems import Problem
from usage.measuring import paces

EVENTS = ("/api/usage/track", {"events": [event(id="a"), event(id="b")]}, 429)
SPANS = ("/v1/traces", {"resourceSpans": [{"scopeSpans": [{"spans": [{}, {}]}]}]}, 503)
ROUTES = pytest.mark.parametrize(("route", "body", "status"), [EVENTS, SPANS], ids=["events", "spans"])


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def post(organization, route, body, *, key=""):
    """A count of a second is kept for two: requests that belong together come with a key that was made before."""
    told = {"Authorization": f"Bearer {key or issued(organization, 'ingest').clear}"}
    return Client().post(route, json.dumps(body), content_type="application/json", headers=told)


@ROUTES
def test_b39_too_many_requests_in_a_second(route, body, status, acme, elsewhere, settings, at_noon):
    settings.INGEST_REQUESTS = 2
    key = issued(acme, "ingest").clear

    answers = [post(acme, route, body, key=key) for _ in range(3)]
    other = post(elsewhere, route, body)
    at_noon.shift(1)
    later = post(acme, route, body)

    assert [answer.status_code in (200, 202) for answer in answers] == [True, True, False]
    assert answers[2].status_code == status
    assert {name: answers[2][name] for name in ("Retry-After", "RateLimit-Limit", "RateLimit-Remaining")} == {
        "Retry-After": "1", "RateLimit-Limit": "2", "RateLimit-Remaining": "0",
    }  # fmt: skip
    assert "up to 2 are taken" in answers[2].content.decode()
    assert {other.status_code, later.status_code} <= {200, 202}


@ROUTES
def test_b39_too_many_events_in_a_second(route, body, status, acme, settings):
    settings.INGEST_EVENTS = 3

    assert post(acme, route, body).status_code in (200, 202)
    assert post(acme, route, body).status_code == status


@ROUTES
def test_a_request_that_is_more_than_a_seconds_events_is_taken_alone(route, body, status, acme, settings):
    settings.INGEST_EVENTS = 1

    assert post(acme, route, body).status_code in (200, 202)


@ROUTES
def test_zero_is_no_limit(route, body, status, acme, settings):
    settings.INGEST_EVENTS = settings.INGEST_REQUESTS = 0

    assert {post(acme, route, body).status_code for _ in range(4)} <= {200, 202}


def test_c10_without_redis_each_process_counts_for_itself(acme, settings, monkeypatch):
    settings.INGEST_REQUESTS = 1

    def away(*_, **__):
        raise NobodyListens

    monkeypatch.setattr(type(cache._cache), "get_client", away)

    assert [post(acme, *EVENTS[:2]).status_code for _ in range(2)] == [202, 429]


@pytest.mark.parametrize("processes", [1, 2])
def test_b39_shares_taken_in_advance_add_up_to_the_pace(processes, acme, settings, monkeypatch):
    settings.INGEST_REQUESTS = 100
    held = [paces.Held() for _ in range(processes)]
    taken = 0
    for turn in range(150):
        monkeypatch.setattr(paces, "_held", held[turn % processes])  # as each process has its own
        with suppress(Problem):
            paces.request(acme.pk)
            taken += 1

    assert taken == 100


class Counted:
    """Around the application, as the web runs it: how often something is done for a request."""

    def __init__(self):
        self.inner, self.done = WSGIHandler(), []
        self.outer = AnsweredAgain(self.counting)

    def counting(self, environ, start_response):
        self.done.append(environ["PATH_INFO"])
        answer = self.inner.get_response(WSGIRequest(environ))
        start_response(f"{answer.status_code} {answer.reason_phrase}", list(answer.items()))
        return [answer.content]

    def ask(self, rf, key, route, body, query=""):
        """Status, headers and body of an answer."""
        told = {"Authorization": f"Bearer {key}"}
        request = rf.post(route + query, json.dumps(body), content_type="application/json", headers=told)
        answer = []
        content = b"".join(self.outer(request.environ, lambda *said: answer.extend(said)))
        return int(answer[0].split()[0]), dict(answer[1]), content


def without_its_id(answer):
    status, headers, content = answer
    return status, headers | {"X-Request-Id": ""}, content.replace(headers["X-Request-Id"].encode(), b"")


@ROUTES
def test_b39_what_is_over_the_pace_costs_the_others_next_to_nothing(
    route, body, status, acme, elsewhere, settings, at_noon, rf
):
    settings.INGEST_REQUESTS = 1
    web, key, other = Counted(), issued(acme, "ingest").clear, issued(elsewhere, "ingest").clear

    first, *refused = [web.ask(rf, key, route, body) for _ in range(50)]

    assert first[0] in (200, 202)
    assert {each[0] for each in refused} == {status}
    ids = [headers["X-Request-Id"] for _, headers, _ in refused]
    assert len({*ids}) == len(refused)
    if route == EVENTS[0]:
        assert [json.loads(content)["error"]["requestId"] for *_, content in refused] == ids
    assert all(without_its_id(each) == without_its_id(refused[0]) for each in refused)
    assert refused[0][1]["Retry-After"] == "1"
    assert len(web.done) == 2  # the one that was taken, and the first that was not
    assert web.ask(rf, other, route, body)[0] in (200, 202)
    assert web.ask(rf, key, route, body, f"?key={key}")[0] == 400
    at_noon.shift(1)
    assert web.ask(rf, key, route, body)[0] in (200, 202)


def test_b39_what_is_left_of_a_second_is_not_taken_along(acme, settings, at_noon):
    settings.INGEST_REQUESTS = 100
    paces.request(acme.pk)  # and four more are granted
    at_noon.shift(1)
    taken = 0
    for _ in range(150):
        with suppress(Problem):
            paces.request(acme.pk)
            taken += 1

    assert taken == 100
