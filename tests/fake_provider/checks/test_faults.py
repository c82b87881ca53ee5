"""Limits that hold and everything that can be made to go wrong."""

from __future__ import annotations

import gzip
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import validate

from tests.fake_provider import KEYS, FakeProvider, example_world, moment
from tests.fake_provider.faults import ACTIONS
from tests.fake_provider.wire import FACTS

from .reading import (
    ANALYTICS_COST,
    ANALYTICS_USAGE,
    COMPLETIONS,
    COST_REPORT,
    COSTS,
    NOW,
    TODAY,
    USAGE_REPORT,
    YESTERDAY,
    Client,
    Params,
    anthropic_client,
    error_of,
    openai_client,
    rows,
    seconds_of,
    span,
    week,
)


def test_a_rate_limit_says_when_to_come_back(fake: FakeProvider) -> None:
    fake.world.openai.settings.requests_per_minute = 2
    fake.world.anthropic.settings.requests_per_minute = 1

    ours = [openai_client(fake).get(COSTS, week()) for _ in range(3)]
    theirs = [anthropic_client(fake).get("/v1/organizations/me") for _ in range(2)]

    assert [response.status_code for response in ours] == [200, 200, 429]
    assert 1 <= int(ours[-1].headers["retry-after"]) <= 61
    assert error_of(ours[-1])["code"] == "rate_limit_exceeded"
    assert [response.status_code for response in theirs] == [200, 429]
    assert theirs[-1].headers["anthropic-ratelimit-requests-limit"] == "1"
    assert error_of(theirs[-1])["type"] == "rate_limit_error"
    assert openai_client(fake, "openai.globex").get(COSTS, week()).status_code == 200
    fake.forget()
    assert openai_client(fake).get(COSTS, week()).status_code == 200


def test_one_at_a_time_refuses_parallel_requests(fake: FakeProvider) -> None:
    settings = fake.world.anthropic.settings
    settings.one_at_a_time, settings.latency = True, 0.7
    client = anthropic_client(fake)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.get, "/v1/organizations/me")
        while not fake.requests:
            time.sleep(0.01)
        beside = [client.get("/v1/organizations/me").status_code for _ in range(2)]
    settings.latency = 0
    in_turn = [client.get("/v1/organizations/me").status_code for _ in range(2)]

    assert first.result().status_code == 200
    assert beside == [429, 429]
    assert in_turn == [200, 200]
    assert [seen.beside for seen in fake.requests] == [0, 1, 1, 0, 0]


def test_a_rule_matches_by_path_page_turn_and_account(fake: FakeProvider) -> None:
    fake.script(
        [
            {"match": {"path": "/costs$", "nth": 2, "times": 2}, "do": {"action": "status", "status": 500}},
            {"match": {"path": "completions", "page": 2}, "do": {"action": "status", "status": 502}},
            {
                "match": {"provider": "anthropic", "query": "limit=5"},
                "do": {"action": "status", "status": 503},
            },
            {"match": {"account": "org-globex000000000000000002"}, "do": {"action": "status", "status": 504}},
        ]
    )
    client = openai_client(fake)

    assert [client.get(COSTS, week()).status_code for _ in range(4)] == [200, 500, 500, 200]
    first = client.read(COMPLETIONS, week(limit=2))
    second = client.get(COMPLETIONS, week(limit=2, page=first["next_page"]))
    assert second.status_code == 502
    assert anthropic_client(fake).get(COST_REPORT, span(limit=5)).status_code == 503
    assert anthropic_client(fake).get(COST_REPORT, span(limit=6)).status_code == 200
    assert openai_client(fake, "openai.globex").get(COMPLETIONS, week()).status_code == 504
    assert [rule["fired"] for rule in fake.faults.report()] == [2, 1, 1, 1]
    assert [seen.fault for seen in fake.asked("/costs")] == [None, "status", "status", None]


def test_a_rule_may_fire_at_every_so_many_requests(fake: FakeProvider) -> None:
    fake.script([{"match": {"nth": 2, "every": 3, "times": 2}, "do": {"action": "status", "status": 500}}])
    client = openai_client(fake)

    statuses = [client.get(COSTS, week()).status_code for _ in range(9)]

    assert statuses == [200, 500, 200, 200, 500, 200, 200, 200, 200]


def test_lists_have_a_second_page_too(fake: FakeProvider) -> None:
    fake.script([{"match": {"path": "projects", "page": 2}, "do": {"action": "status", "status": 500}}])
    client = openai_client(fake)

    assert client.get("/v1/organization/projects").status_code == 200
    assert client.get("/v1/organization/projects", {"after": "proj_default"}).status_code == 500


@pytest.mark.parametrize(
    ("do", "header"),
    [
        ({"retry_after": 30}, "30"),
        ({"retry_after": 999_999_999}, "999999999"),
        ({"retry_after": "soon"}, "soon"),
        ({"retry_after": -1}, "-1"),
        ({}, None),
    ],
)
def test_a_429_may_say_anything_about_when(fake: FakeProvider, do: Params, header: str | None) -> None:
    fake.script([{"do": {"action": "rate_limited", **do}}])

    ours = openai_client(fake).get(COSTS, week())
    theirs = anthropic_client(fake).get(COST_REPORT, span())

    for response, schema in ((ours, "openai"), (theirs, "anthropic")):
        assert response.status_code == 429
        assert response.headers.get("retry-after") == header
        validate(response.json(), FACTS[schema]["schemas"]["error"])


def test_a_429_may_name_a_date(fake: FakeProvider) -> None:
    fake.script([{"do": {"action": "rate_limited", "retry_after_date": 90}}])

    response = openai_client(fake).get(COSTS, week())

    when = parsedate_to_datetime(response.headers["retry-after"])
    assert 80 < (when - datetime.now(UTC)).total_seconds() <= 91


def test_a_status_may_bring_its_own_body_and_headers(fake: FakeProvider) -> None:
    fake.script(
        [
            {"match": {"times": 1}, "do": {"action": "status", "status": 503, "body": "<h1>down</h1>"}},
            {
                "match": {"times": 1},
                "do": {
                    "action": "status",
                    "status": 402,
                    "body": {"a": 1},
                    "headers": {"X-Should-Retry": "true"},
                },
            },
            {"do": {"action": "status", "status": 529}},
        ]
    )
    client = anthropic_client(fake)

    html, custom, shaped = (client.get("/v1/organizations/me") for _ in range(3))

    assert (html.status_code, html.text) == (503, "<h1>down</h1>")
    assert (custom.json(), custom.headers["x-should-retry"]) == ({"a": 1}, "true")
    assert error_of(shaped)["type"] == "overloaded_error"


def test_a_401_wave_looks_like_a_missing_scope(fake: FakeProvider) -> None:
    fake.script([{"match": {"times": 2}, "do": {"action": "unauthorized_wave"}}])
    client = openai_client(fake)

    wave = client.get(COSTS, week())

    assert wave.status_code == 401
    assert "Missing scopes: api.usage.read" in error_of(wave)["message"]
    assert anthropic_client(fake).get("/v1/organizations/me").status_code == 401
    assert client.get(COSTS, week()).status_code == 200


def test_html_with_a_200(fake: FakeProvider) -> None:
    fake.script([{"do": {"action": "html"}}])

    response = openai_client(fake).get(COSTS, week())

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert response.text.startswith("<!doctype html>")


def test_a_redirect_leads_to_a_place_that_records_visitors(fake: FakeProvider) -> None:
    fake.script([{"match": {"path": "costs"}, "do": {"action": "redirect"}}])

    response = openai_client(fake).get(COSTS, week())

    assert (response.status_code, response.headers["location"]) == (302, "/elsewhere")
    assert fake.asked("/elsewhere") == []
    openai_client(fake).get("/elsewhere")
    assert len(fake.asked("/elsewhere")) == 1


def test_json_that_stops_in_the_middle(fake: FakeProvider) -> None:
    whole = openai_client(fake).get(COSTS, week()).content
    fake.script([{"do": {"action": "truncated"}}])

    response = openai_client(fake).get(COSTS, week())

    assert response.status_code == 200
    assert response.content == whole[: len(whole) // 2]
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_a_content_length_that_promises_more(fake: FakeProvider) -> None:
    fake.script([{"do": {"action": "wrong_length", "by": 10}}])

    with pytest.raises(httpx2.RemoteProtocolError):
        openai_client(fake).get(COSTS, week())


def test_a_content_length_that_promises_less(fake: FakeProvider) -> None:
    fake.script([{"do": {"action": "wrong_length", "by": -10}}])

    response = openai_client(fake).get(COSTS, week())

    with pytest.raises(json.JSONDecodeError):
        response.json()


@pytest.mark.parametrize("after_bytes", [0, 200])
def test_a_reset_is_a_real_one(fake: FakeProvider, after_bytes: int) -> None:
    fake.script([{"do": {"action": "reset", "after_bytes": after_bytes}}])
    request = (
        f"GET {COSTS}?start_time={moment(YESTERDAY)} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {KEYS['openai']}\r\n\r\n"
    )

    with socket.create_connection(("127.0.0.1", fake.port), timeout=5) as connection:
        connection.sendall(request.encode())
        got = connection.recv(after_bytes) if after_bytes else b""
        # Whatever was on its way may be read first.
        with pytest.raises(ConnectionResetError):
            list(iter(lambda: connection.recv(4_096), b""))

    assert len(got) == after_bytes


def test_a_hang_ends_without_an_answer_or_late(fake: FakeProvider) -> None:
    fake.script(
        [
            {"match": {"times": 1}, "do": {"action": "hang", "seconds": 0.2}},
            {"match": {"times": 1}, "do": {"action": "hang", "seconds": 0.2, "then_answer": True}},
        ]
    )
    client = openai_client(fake)

    with pytest.raises(httpx2.RemoteProtocolError):
        client.get(COSTS, week())
    assert seconds_of(lambda: client.read(COSTS, week())) >= 0.2


def test_stopping_ends_a_hang() -> None:
    fake = FakeProvider(example_world(NOW), faults=[{"do": {"action": "hang", "seconds": 60}}])
    with ThreadPoolExecutor(1) as pool, fake:
        waiting = pool.submit(openai_client(fake).get, COSTS, week())
        while not fake.requests:
            time.sleep(0.01)
        assert seconds_of(fake.stop) < 15
        assert waiting.exception(timeout=15) is not None


def test_bytes_that_drip(fake: FakeProvider) -> None:
    whole = openai_client(fake).get(COSTS, week(limit=1)).content
    fake.script([{"do": {"action": "drip", "bytes": 1 + len(whole) // 5, "every": 0.05}}])
    started = time.monotonic()

    response = openai_client(fake).get(COSTS, week(limit=1))

    assert response.content == whole
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("declared", [True, False])
def test_a_huge_body(fake: FakeProvider, declared: bool) -> None:
    fake.script([{"do": {"action": "huge", "mebibytes": 3, "declared": declared}}])

    response = openai_client(fake).get(COSTS, week())

    assert len(response.content) > 3 * 1_048_576
    assert ("content-length" in response.headers) is declared
    assert response.json()["object"] == "page"


def test_a_gzip_bomb(fake: FakeProvider) -> None:
    fake.script([{"do": {"action": "gzip_bomb", "mebibytes": 8}}])

    response = openai_client(fake).get(COSTS, week())

    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) < 100_000
    assert len(response.content) > 8 * 1_048_576
    assert gzip.compress(response.content, 1)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_more_to_come_but_no_cursor(fake: FakeProvider, provider: str) -> None:
    fake.script([{"do": {"action": "more_without_cursor"}}])

    if provider == "openai":
        page, names = (
            openai_client(fake).read(COSTS, week()),
            openai_client(fake).read("/v1/organization/projects"),
        )
    else:
        page = anthropic_client(fake).read(ANALYTICS_COST, span())
        names = anthropic_client(fake).read("/v1/organizations/workspaces")

    assert (page["has_more"], page["next_page"]) == (True, None)
    assert (names["has_more"], names["last_id"]) == (True, None)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_the_same_cursor_again_and_again(fake: FakeProvider, provider: str) -> None:
    fake.script([{"match": {"page": 2}, "do": {"action": "repeated_cursor"}}])
    client, path, asked = _walk(fake, provider)

    first = client.read(path, asked)
    second = client.read(path, {**asked, "page": first["next_page"]})
    third = client.read(path, {**asked, "page": second["next_page"]})
    fourth = client.read(path, {**asked, "page": third["next_page"]})

    assert second["next_page"] == third["next_page"] == fourth["next_page"]
    assert second["data"] == third["data"] == fourth["data"] != first["data"]


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_pages_without_end(fake: FakeProvider, provider: str) -> None:
    fake.script([{"do": {"action": "endless_pages"}}])
    client, path, asked = _walk(fake, provider)
    cursors: list[str] = []

    for _ in range(20):
        body = client.read(path, {**asked, "page": cursors[-1]} if cursors else asked)
        assert body["has_more"]
        cursors.append(body["next_page"])

    assert len(set(cursors)) == 20
    assert [seen.page for seen in fake.asked(path)] == list(range(1, 21))


def _walk(fake: FakeProvider, provider: str) -> tuple[Client, str, Params]:
    if provider == "openai":
        return openai_client(fake), COMPLETIONS, week(limit=3)
    return anthropic_client(fake), ANALYTICS_USAGE, span(**{"group_by[]": "model", "limit": 1})


def test_a_bucket_goes_missing_or_comes_twice(fake: FakeProvider) -> None:
    client = openai_client(fake)
    good = client.read(COMPLETIONS, week(limit=31))["data"]
    fake.script(
        [
            {"match": {"times": 1}, "do": {"action": "drop_bucket", "bucket": 1}},
            {"match": {"times": 1}, "do": {"action": "duplicate_bucket", "bucket": 1}},
            {"match": {"times": 1}, "do": {"action": "duplicate_bucket", "bucket": 1, "first_copy": "empty"}},
        ]
    )

    missing, twice, replaced = (client.read(COMPLETIONS, week(limit=31))["data"] for _ in range(3))

    assert missing == good[:1] + good[2:]
    assert twice == [*good[:2], *good[1:]]
    assert replaced == [good[0], {**good[1], "results": []}, *good[1:]]


@pytest.mark.parametrize(
    ("kind", "provider", "text"),
    [
        ("nan_amount", "openai", '"amount":{"value":NaN,'),
        ("nan_text_amount", "openai", '"amount":{"value":"NaN",'),
        ("infinite_amount", "anthropic", '"cost":{"amount":"Infinity"'),
        ("wordy_amount", "anthropic", '"amount":"about 3"'),
    ],
)
def test_a_bad_amount_among_good_ones(fake: FakeProvider, kind: str, provider: str, text: str) -> None:
    client: Client = {"openai": openai_client, "anthropic": anthropic_client}[provider](fake)
    path, asked = (COSTS, week()) if provider == "openai" else (ANALYTICS_COST, span(**{"group_by[]": "model"}))
    good = client.get(path, asked).text
    fake.script([{"do": {"action": "bad_row", "kind": kind}}])

    spoilt = client.get(path, asked).text

    assert text in spoilt
    assert text not in good
    assert spoilt.count('"currency"') == good.count('"currency"') + 1


@pytest.mark.parametrize(
    ("kind", "value"),
    [("negative_tokens", -5), ("string_tokens", "12"), ("fractional_tokens", Decimal("1.5"))],
)
def test_bad_tokens_among_good_ones(fake: FakeProvider, kind: str, value: Any) -> None:
    ours = openai_client(fake), COMPLETIONS, week(), "input_tokens"
    theirs = anthropic_client(fake), USAGE_REPORT, span(), "uncached_input_tokens"
    for client, path, asked, tokens in (ours, theirs):
        good = rows([client.read(path, asked)])
        fake.script([{"do": {"action": "bad_row", "kind": kind}}])
        spoilt = rows([client.read(path, asked)])
        fake.script([{"do": {"action": "bad_row", "kind": kind, "replace": True}}])
        replaced = rows([client.read(path, asked)])

        assert spoilt[0][tokens] == value
        assert spoilt[1:] == good
        assert replaced == [spoilt[0], *good[1:]]
        fake.script([])


def test_a_fault_waits_for_something_to_spoil(fake: FakeProvider) -> None:
    fake.script([{"match": {"times": 1}, "do": {"action": "bad_row"}}])
    client = openai_client(fake)
    idle = {"start_time": moment(TODAY - timedelta(days=5)), "limit": 1}

    quiet = client.read(COMPLETIONS, idle)
    busy = client.read(COMPLETIONS, week())

    assert rows([quiet]) == []
    assert rows([busy])[0]["input_tokens"] == -5
    assert [seen.fault for seen in fake.requests] == [None, "bad_row"]


def test_an_empty_answer_after_history(fake: FakeProvider) -> None:
    fake.script([{"do": {"action": "empty"}}])

    buckets = openai_client(fake).read(COMPLETIONS, week(limit=3))
    sparse = anthropic_client(fake).read(ANALYTICS_COST, span(limit=1, **{"group_by[]": "model"}))
    fake.script([{"do": {"action": "no_buckets"}}])
    nothing = openai_client(fake).read(COMPLETIONS, week(limit=3))

    assert ([bucket["results"] for bucket in buckets["data"]], buckets["has_more"]) == ([[], [], []], True)
    assert (sparse["data"], sparse["has_more"], sparse["next_page"]) == ([], False, None)
    assert (nothing["data"], nothing["has_more"]) == ([], False)


def test_another_account_answers(fake: FakeProvider) -> None:
    fake.script(
        [
            {
                "match": {"provider": "openai"},
                "do": {"action": "other_account", "account": "org-globex000000000000000002"},
            },
            {"do": {"action": "other_account", "account": "7d41c0aa-2222-4f0b-8a11-globex000002"}},
        ]
    )

    [row] = rows([openai_client(fake).read(COSTS, week(limit=31))])
    me = anthropic_client(fake).read("/v1/organizations/me")

    assert (row["organization_name"], row["amount"]["value"]) == ("Globex", "12.50")
    assert me["name"] == "Globex"
    assert {seen.account for seen in fake.requests} == {fake.world.openai.id, fake.world.anthropic.id}


def test_anything_can_be_patched(fake: FakeProvider) -> None:
    first = ["data", 0, "results", 0]
    patches: list[Params] = [
        {"at": [*first, "model"], "value": "gpt-surprise"},
        {"at": [*first, "new_member"], "value": {"deep": [1]}},
        {"at": [*first, "input_tokens"], "value": {"exact": "1.0e3"}},
        {"at": [*first, "output_tokens"], "remove": True},
    ]
    fake.script([{"match": {"times": 1}, "do": {"action": "patch", **patch}} for patch in patches])
    client = openai_client(fake)
    day = {"start_time": moment(YESTERDAY), "limit": 1}

    texts = [client.get(COMPLETIONS, day).text for _ in patches]

    assert '"model":"gpt-surprise"' in texts[0]
    assert '"new_member":{"deep":[1]}' in texts[1]
    assert '"input_tokens":1.0e3' in texts[2]
    assert '"output_tokens"' not in texts[3]


def test_spoiling_keeps_the_spelling_of_other_amounts(fake: FakeProvider) -> None:
    asked = week(limit=31, group_by="line_item")
    good = openai_client(fake).get(COSTS, asked).text
    fake.script([{"do": {"action": "patch", "at": ["data", 0, "extra"], "value": 1}}])

    spoilt = openai_client(fake).get(COSTS, asked).text

    assert spoilt.replace(',"extra":1', "") == good
    assert '"value":5e-04' in spoilt


def test_a_script_with_a_mistake_is_refused(fake: FakeProvider) -> None:
    with pytest.raises(ValueError, match="no such action"):
        fake.script([{"do": {"action": "explode"}}])
    with pytest.raises(ValueError, match="cannot match by weekday"):
        fake.script([{"match": {"weekday": 1}, "do": {"action": "html"}}])


def test_every_action_is_tried_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")

    assert [action for action in sorted(ACTIONS) if f'"action": "{action}"' not in source] == []


def test_a_mistake_of_the_fake_itself_is_loud(fake: FakeProvider) -> None:
    fake.world.openai.usage = [None]  # type: ignore[list-item]

    assert openai_client(fake).get(COMPLETIONS, week()).status_code == 599
    with pytest.raises(AssertionError, match="the fake provider itself failed"):
        fake.__exit__(None, None, None)
    fake.mistakes.clear()
