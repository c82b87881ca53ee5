"""Of a request nothing is left once it is answered or refused: nobody waits for a collection of garbage.

What is caught in a circle stays for seconds while others come, and a thousand events are megabytes.
"""

import gc
import json
import logging
import weakref

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory

from tests.sdk_keys.conftest import issued
from tests.usage.measuring.conftest import event

TRACK, TRACES = "/api/usage/track", "/v1/traces"
EVENTS = json.dumps({"events": [event(id="a"), event(id="b")]})
SPANS = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{}, {}]}]}]})


@pytest.fixture
def answered(acme, monkeypatch):
    """The status of an answer, and whether the request is there still."""
    monkeypatch.setattr(logging.getLogger("django.request"), "disabled", True)  # the test's log keeps requests
    handler = WSGIHandler()
    key = issued(acme, "ingest").clear

    def answered(path, body, *, key=key):
        told = {"Authorization": f"Bearer {key}"}
        request = RequestFactory().post(path, body, content_type="application/json", headers=told)
        there = weakref.ref(request)
        response = handler.get_response(request)
        status = response.status_code
        del request, response
        return status, there() is not None

    gc.collect()
    gc.disable()
    yield answered
    gc.enable()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (TRACK, EVENTS, 202),
        (TRACK, "{", 400),
        (TRACK, json.dumps({"events": [{}]}), 422),
        (TRACK, json.dumps({"events": [{}] * 1_001}), 413),
        (TRACES, SPANS, 200),
        (TRACES, "{", 400),
    ],
)
def test_of_what_is_read_nothing_is_left(path, body, status, answered):
    answered(path, body)  # what the first one of a process makes, stays

    assert answered(path, body) == (status, False)


@pytest.mark.parametrize(("path", "body", "status"), [(TRACK, EVENTS, 429), (TRACES, SPANS, 503)])
@pytest.mark.parametrize("limit", ["INGEST_EVENTS", "INGEST_REQUESTS"])
def test_of_what_is_over_the_pace_nothing_is_left(path, body, status, limit, answered, settings):
    setattr(settings, limit, 1)
    found = [answered(path, body) for _ in range(20)]

    assert (status, False) in found
    assert (status, True) not in found


@pytest.mark.parametrize("path", [TRACK, TRACES])
@pytest.mark.parametrize(("scope", "status"), [("read", 403), (None, 401)])
def test_of_what_no_key_opens_nothing_is_left(path, scope, status, acme, answered):
    key = issued(acme, scope).clear if scope else "tt_live_unknown"
    answered(path, EVENTS, key=key)

    assert answered(path, EVENTS, key=key) == (status, False)
