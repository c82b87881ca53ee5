"""OpenAI's rules: windows, widths, groups, filters, cursors, amounts, keys and lists."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fake_provider import KEYS, FakeProvider, OpenAIUsage, moment
from tests.fake_provider.wire import FACTS

from .reading import (
    COMPLETIONS,
    COSTS,
    MINI,
    NOW,
    TODAY,
    TOKEN_DIMENSIONS,
    TOMORROW,
    WEEK_AGO,
    YESTERDAY,
    Params,
    added,
    disjoint,
    error_of,
    openai_client,
    rows,
    week,
)


@pytest.mark.parametrize("width", ["1m", "1h", "1d"])
def test_tokens_add_up_to_the_truth_at_every_width(fake: FakeProvider, width: str) -> None:
    most = FACTS["openai"]["buckets"][width]["max"]

    bodies = openai_client(fake).pages(COMPLETIONS, week(bucket_width=width, limit=most))

    assert added([disjoint(row) for row in rows(bodies)]) == fake.world.openai.tokens(WEEK_AGO, TOMORROW)
    assert sum(row["num_model_requests"] for row in rows(bodies)) == fake.world.openai.requests(WEEK_AGO, TOMORROW)


def test_input_tokens_are_the_sum_of_the_disjoint_classes(fake: FakeProvider) -> None:
    for row in rows(openai_client(fake).pages(COMPLETIONS, week(group_by=["model"]))):
        parts = ("input_uncached_tokens", "input_cached_tokens", "input_cache_write_tokens")
        assert row["input_tokens"] == sum(row[name] for name in parts)
        assert disjoint(row)["input"] == row["input_text_tokens"]


def test_rows_fall_together_when_grouped_by_less(fake: FakeProvider) -> None:
    client = openai_client(fake)
    hour = {"start_time": moment(YESTERDAY, 9), "end_time": moment(YESTERDAY, 10), "bucket_width": "1h"}

    by_user = rows([client.read(COMPLETIONS, {**hour, "group_by": ["model", "user_id", "service_tier"]})])
    by_model = rows([client.read(COMPLETIONS, {**hour, "group_by": "model"})])

    assert [row["input_tokens"] for row in by_user] == [1_000, 1_200, 50]
    assert [(row["model"], row["input_tokens"], row["num_model_requests"]) for row in by_model] == [(MINI, 2_250, 6)]
    assert by_model[0]["user_id"] is None


def test_buckets_ascend_and_cover_idle_time(fake: FakeProvider) -> None:
    bodies = openai_client(fake).pages(COMPLETIONS, week(bucket_width="1d", limit=3))

    assert [len(body["data"]) for body in bodies] == [3, 3, 2]
    buckets = [bucket for body in bodies for bucket in body["data"]]
    assert [bucket["start_time"] for bucket in buckets] == list(range(moment(WEEK_AGO), moment(TOMORROW), 86_400))
    assert all(bucket["end_time"] - bucket["start_time"] == 86_400 for bucket in buckets)
    assert [bool(bucket["results"]) for bucket in buckets] == [
        False,
        True,
        False,
        False,
        True,
        True,
        True,
        True,
    ]


def test_buckets_begin_on_boundaries_and_end_with_the_present(fake: FakeProvider) -> None:
    client = openai_client(fake)

    body = client.read(COMPLETIONS, {"start_time": moment(TODAY, 13) + 61, "bucket_width": "1h"})
    later = client.read(COMPLETIONS, week(end_time=moment(TODAY + timedelta(days=9)), limit=31))

    assert [bucket["start_time"] for bucket in body["data"]] == [moment(TODAY, hour) for hour in (13, 14, 15)]
    assert later["data"][-1]["start_time"] == moment(TODAY)
    assert later["has_more"] is False


@pytest.mark.parametrize(
    ("path", "params", "param"),
    [
        (COMPLETIONS, {"bucket_width": "1d"}, "start_time"),
        (COMPLETIONS, week(start_time="yesterday"), "start_time"),
        (COMPLETIONS, week(bucket_width="2h"), "bucket_width"),
        (COMPLETIONS, week(bucket_width="1d", limit=32), "limit"),
        (COMPLETIONS, week(bucket_width="1h", limit=169), "limit"),
        (COMPLETIONS, week(bucket_width="1m", limit=1_441), "limit"),
        (COMPLETIONS, week(limit=0), "limit"),
        (COMPLETIONS, week(group_by="line_item"), "group_by"),
        (COMPLETIONS, week(group_by="model,project_id"), "group_by"),
        ("/v1/organization/usage/vector_stores", week(group_by="model"), "group_by"),
        ("/v1/organization/usage/embeddings", week(group_by="batch"), "group_by"),
        ("/v1/organization/usage/embeddings", week(batch="true"), "batch"),
        (COMPLETIONS, week(batch="maybe"), "batch"),
        (COMPLETIONS, week(end_time=moment(WEEK_AGO)), "end_time"),
        (COMPLETIONS, week(groupby="model"), "groupby"),
        (COMPLETIONS, week(page="page_nonsense"), "page"),
        (COMPLETIONS, week(bucket_width=["1d", "1h"]), "bucket_width"),
        (COSTS, {}, "start_time"),
        (COSTS, week(bucket_width="1h"), "bucket_width"),
        (COSTS, week(limit=181), "limit"),
        (COSTS, week(group_by="model"), "group_by"),
        (COSTS, week(start_time=1_764_979_199, group_by="api_key_id"), "start_time"),
        ("/v1/organization/projects", {"limit": 101}, "limit"),
        ("/v1/organization/projects", {"after": "proj_unknown"}, "after"),
    ],
)
def test_openai_refuses_wrong_parameters_and_names_them(
    fake: FakeProvider, path: str, params: Params, param: str
) -> None:
    response = openai_client(fake).get(path, params)

    assert response.status_code == 400
    assert error_of(response)["param"] == param
    assert error_of(response)["type"] == "invalid_request_error"


@pytest.mark.parametrize(("width", "usual", "most"), [("1d", 7, 31), ("1h", 24, 168), ("1m", 60, 1_440)])
def test_page_sizes_are_counted_in_buckets(fake: FakeProvider, width: str, usual: int, most: int) -> None:
    client = openai_client(fake)
    start = {"start_time": moment(TODAY - timedelta(days=60)), "bucket_width": width}

    assert len(client.read(COMPLETIONS, start)["data"]) == usual
    assert len(client.read(COMPLETIONS, {**start, "limit": most})["data"]) == most


def test_lists_of_values_may_be_repeated_or_bracketed(fake: FakeProvider) -> None:
    client = openai_client(fake)

    repeated = client.read(COMPLETIONS, week(group_by=["model", "project_id"]))
    bracketed = client.read(COMPLETIONS, week(**{"group_by[]": ["model", "project_id"]}))

    assert repeated["data"] == bracketed["data"]
    assert rows([repeated])[0]["model"]
    assert rows([repeated])[0]["project_id"]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"project_ids": "proj_old"}, 1),
        ({"project_ids[]": ["proj_old", "proj_default"]}, 2),
        ({"models": MINI}, 11),
        ({"user_ids": "user-bob"}, 2),
        ({"api_key_ids": "key_search_b"}, 1),
        ({"batch": "true"}, 1),
        ({"batch": "false"}, 16),
        ({"models": MINI, "batch": "true"}, 1),
        ({"models": "gpt-none"}, 0),
    ],
)
def test_filters_keep_what_was_asked_for(fake: FakeProvider, wanted: Params, count: int) -> None:
    dimensions = [*TOKEN_DIMENSIONS]
    body = openai_client(fake).pages(COMPLETIONS, week(limit=168, bucket_width="1h", group_by=dimensions, **wanted))

    assert len(rows(body)) == count


def test_a_cursor_belongs_to_its_exact_query(fake: FakeProvider) -> None:
    client = openai_client(fake)
    asked = week(limit=2, group_by="model")
    cursor = client.read(COMPLETIONS, asked)["next_page"]

    refused = [
        client.get(COMPLETIONS, {**asked, "limit": 3, "page": cursor}),
        client.get(COMPLETIONS, {**asked, "group_by": "project_id", "page": cursor}),
        client.get("/v1/organization/usage/embeddings", {**asked, "page": cursor}),
        openai_client(fake, "openai.globex").get(COMPLETIONS, {**asked, "page": cursor}),
        client.get(COMPLETIONS, {**asked, "page": cursor[:-2] + "xx"}),
    ]

    assert [response.status_code for response in refused] == [400] * 5
    assert {error_of(response)["param"] for response in refused} == {"page"}
    assert client.read(COMPLETIONS, {**asked, "page": cursor})["data"]


def test_a_walk_through_pages_keeps_its_end_while_time_passes(fake: FakeProvider) -> None:
    client = openai_client(fake)
    asked = {"start_time": moment(TODAY), "bucket_width": "1h", "limit": 10}
    cursor = client.read(COMPLETIONS, asked)["next_page"]

    fake.world.now = NOW + 7_200

    assert len(client.read(COMPLETIONS, {**asked, "page": cursor})["data"]) == 6
    assert len(client.read(COMPLETIONS, {**asked, "limit": 24})["data"]) == 18


def test_costs_come_on_pages_smaller_than_asked(fake: FakeProvider) -> None:
    client = openai_client(fake)
    asked = {"start_time": moment(TODAY - timedelta(days=99)), "end_time": moment(TOMORROW), "limit": 180}

    bodies = client.pages(COSTS, asked)
    fake.world.openai.settings.cost_page_cap = 41
    wider = client.pages(COSTS, asked)

    assert [len(body["data"]) for body in bodies] == [31, 31, 31, 7]
    assert [len(body["data"]) for body in wider] == [41, 41, 18]
    dollars = [row["amount"] for row in rows(bodies) if row["amount"]["currency"] == "usd"]
    assert sum(Decimal(amount["value"]) for amount in dollars) == fake.world.openai.total_billed(
        TODAY - timedelta(days=99), TOMORROW
    )


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (f"{MINI}, cached input", '"75.00002000000000000"'),
        (f"{MINI}, output", "0.2482"),
        (f"priority | {MINI}, input", "5e-04"),
        (f"priority | {MINI}, output", '"8E-4"'),
        ("Promotional credit", '"-1.25"'),
        ("gpt-9-nobody-has-heard-of-it, input", '"0.123456789012345678"'),
    ],
)
def test_amounts_keep_their_spelling(fake: FakeProvider, item: str, text: str) -> None:
    response = openai_client(fake).get(COSTS, week(limit=31, group_by="line_item", line_items=item))

    assert f'"amount":{{"value":{text},"currency":"usd"}}' in response.text


def test_amounts_add_up_within_a_currency_only(fake: FakeProvider) -> None:
    sixth = moment(TODAY - timedelta(days=6))

    plain = rows([openai_client(fake).read(COSTS, {"start_time": sixth, "limit": 1})])
    named = rows(
        [openai_client(fake).read(COSTS, {"start_time": sixth, "limit": 1, "group_by": ["line_item", "project_id"]})]
    )

    assert {row["amount"]["currency"]: Decimal(row["amount"]["value"]) for row in plain} == {
        "usd": Decimal("0.00015") + Decimal("1.35e-06") - Decimal("1.25"),
        "eur": Decimal("2.10"),
    }
    assert len(named) == 4
    assert all(row["quantity"] is None and row["line_item"] is None for row in plain)


def test_an_amount_may_be_missing(fake: FakeProvider) -> None:
    item = "gpt-audio-mini-2025-12-15 text, cached input"

    [row] = rows([openai_client(fake).read(COSTS, week(limit=31, group_by="line_item", line_items=item))])

    assert row["amount"] is None


def test_quantities_come_with_line_items(fake: FakeProvider) -> None:
    client = openai_client(fake)
    body = client.read(COSTS, week(limit=31, group_by="line_item"))
    [unnamed] = rows([client.read(COSTS, {"start_time": moment(TODAY)})])
    found = {row["line_item"]: (row["quantity"], row["quantity_unit"]) for row in rows([body])}

    assert found["whisper-1, audio"] == (Decimal("1.25"), "duration_minutes")
    assert found[f"{MINI}, cached input"] == (3_000_000_800, "tokens")
    assert found["web search tool calls"] == (5, None)
    assert found["A line item that is new"] == (2, "fortnights")
    assert found["Promotional credit"] == (None, None)
    assert (unnamed["quantity"], unnamed["quantity_unit"]) == (None, None)


def test_live_names_can_be_switched_off(fake: FakeProvider) -> None:
    client = openai_client(fake)
    asked = week(limit=31, group_by="project_id")

    with_names = rows([client.read(COSTS, asked)])
    fake.world.openai.settings.live_names = False
    without = rows([client.read(COSTS, asked)])

    assert {row["organization_id"] for row in with_names} == {fake.world.openai.id}
    assert {row["project_id"]: row["project_name"] for row in with_names} == {
        "proj_search": "Search",
        "proj_default": "Default project",
        "proj_old": "Old experiment",
    }
    assert not any("organization_id" in row or "project_name" in row for row in without)


def test_old_buckets_may_leave_zeros_out(fake: FakeProvider) -> None:
    fake.world.openai.settings.terse_before = str(YESTERDAY)

    bodies = openai_client(fake).pages(COMPLETIONS, week())

    old = [row for bucket in bodies[0]["data"][:5] for row in bucket["results"]]
    assert all("input_audio_tokens" not in row or row["input_audio_tokens"] for row in old)
    assert any("input_cached_tokens" not in row for row in old)
    assert added([disjoint(row) for row in rows(bodies)]) == fake.world.openai.tokens(WEEK_AGO, TOMORROW)


def test_cache_writes_come_split_or_not(fake: FakeProvider) -> None:
    client = openai_client(fake)
    unsplit = {"start_time": moment(TODAY - timedelta(days=6), 1), "bucket_width": "1h", "limit": 1}
    split = {"start_time": moment(TODAY - timedelta(days=2)), "limit": 1}

    [new] = rows([client.read(COMPLETIONS, split | {"group_by": "model", "models": MINI})])
    [old] = rows([client.read(COMPLETIONS, unsplit)])
    fake.world.openai.usage.append(OpenAIUsage(split["start_time"], model=MINI, cache_write_unsplit=1))
    [mixed] = rows([client.read(COMPLETIONS, split | {"group_by": "model", "models": MINI})])

    assert new["input_cache_write_tokens"] == 2_500
    assert (new["input_cache_write_30m_tokens"], new["input_cache_write_12h_tokens"]) == (2_000, 500)
    assert old["input_cache_write_tokens"] == 700
    assert "input_cache_write_30m_tokens" not in old
    assert mixed["input_cache_write_tokens"] == 2_501
    assert "input_cache_write_12h_tokens" not in mixed


@pytest.mark.parametrize(
    ("key", "path", "status", "code", "words"),
    [
        ("openai.deleted", COSTS, 401, "invalid_api_key", "Incorrect API key"),
        ("openai.project", COSTS, 403, None, "Missing scopes: api.usage.read"),
        ("openai.service_account", COMPLETIONS, 403, None, "Missing scopes: api.usage.read"),
        ("openai.user", "/v1/organization/projects", 403, None, "Missing scopes: api.management.read"),
        ("openai.usage_only", COSTS, 200, None, ""),
        ("openai.usage_only", "/v1/organization/projects", 403, None, "insufficient permissions"),
        ("openai.management_only", "/v1/organization/projects/proj_search/api_keys", 200, None, ""),
        ("openai.management_only", "/v1/organization/users", 200, None, ""),
        ("openai.management_only", COMPLETIONS, 403, None, "Missing scopes: api.usage.read"),
        ("openai.project", "/v1/models", 200, None, ""),
        ("openai", "/v1/models", 403, None, "Missing scopes: api.model.read"),
        ("openai.deleted", "/v1/models", 401, "invalid_api_key", "Incorrect API key"),
    ],
)
def test_openai_keys_open_what_their_kind_and_scopes_allow(
    fake: FakeProvider, key: str, path: str, status: int, code: str | None, words: str
) -> None:
    params = week() if path in (COSTS, COMPLETIONS) else {}

    response = openai_client(fake, key).get(path, params)

    assert response.status_code == status
    if status != 200:
        assert error_of(response)["code"] == code
        assert words in error_of(response)["message"]
        assert KEYS[key] not in response.text


def test_a_missing_scope_may_also_be_a_401(fake: FakeProvider) -> None:
    fake.world.openai.settings.scope_status = 401

    response = openai_client(fake, "openai.project").get(COSTS, week())

    assert response.status_code == 401
    assert error_of(response)["code"] is None


def test_openai_lists_go_on_after_an_id(fake: FakeProvider) -> None:
    client = openai_client(fake)

    first = client.read("/v1/organization/projects", {"limit": 2})
    second = client.read("/v1/organization/projects", {"limit": 2, "after": first["last_id"]})
    everything = client.read("/v1/organization/projects", {"include_archived": "true"})

    assert first["object"] == "list"
    assert (first["first_id"], first["last_id"], first["has_more"]) == ("proj_default", "proj_search", True)
    assert ([item["id"] for item in second["data"]], second["has_more"]) == (["proj_nameless"], False)
    assert [item["name"] for item in everything["data"]] == [
        "Default project",
        "Search",
        None,
        "Old experiment",
    ]
    assert client.get("/v1/organization/projects/proj_none/api_keys").status_code == 404
    old = client.read("/v1/organization/projects/proj_old/api_keys", {"owner_project_access": "active"})
    assert old["data"] == []
