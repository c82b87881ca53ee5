"""Anthropic's rules: analytics in rows, legacy reports in buckets, kinds of keys, lists."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.fake_provider import KEYS, AnthropicBill, FakeProvider, moment
from tests.fake_provider.wire import FACTS

from .reading import (
    ANALYTICS_COST,
    ANALYTICS_USAGE,
    BETA,
    COST_REPORT,
    NOW,
    TODAY,
    TOMORROW,
    USAGE_REPORT,
    WEEK_AGO,
    YESTERDAY,
    Client,
    Params,
    anthropic_client,
    error_of,
    rows,
    span,
    sparse_rows,
)

GROUPS = ["model", "workspace_id", "api_key_id", "service_tier", "product"]


@pytest.mark.parametrize("width", ["1d", "1h", None])
def test_analytics_add_up_to_the_truth_in_cents(fake: FakeProvider, width: str | None) -> None:
    client = anthropic_client(fake)
    asked = span(**{"group_by[]": GROUPS, "limit": 2} | ({"time_bucket_width": width} if width else {}))

    used = sparse_rows(client.pages(ANALYTICS_USAGE, asked))
    billed = sparse_rows(client.pages(ANALYTICS_COST, asked))

    account = fake.world.anthropic
    assert sum(Decimal(row["cost"]["amount"]) for row in billed) / 100 == account.total_billed(WEEK_AGO, TOMORROW)
    tokens = account.tokens(WEEK_AGO, TOMORROW)
    assert sum(row["usage"]["cache_read_input_tokens"] for row in used) == tokens["cacheRead"] > 2**31
    assert sum(row["usage"]["total_tokens"] for row in used) == sum(tokens.values())
    assert sum(row["usage"]["requests"] for row in used) == account.requests(WEEK_AGO, TOMORROW)


def test_one_minute_buckets_reach_a_day(fake: FakeProvider) -> None:
    client = anthropic_client(fake)

    body = client.read(ANALYTICS_COST, span(YESTERDAY, TODAY, time_bucket_width="1m"))

    assert {row["starting_at"][11:] for row in body["data"]} == {
        "14:00:00Z",
        "15:00:00Z",
        "16:00:00Z",
        "17:00:00Z",
    }
    assert {row["ending_at"][11:] for row in body["data"]} == {
        "14:01:00Z",
        "15:01:00Z",
        "16:01:00Z",
        "17:01:00Z",
    }


def test_the_documented_cost_row_comes_as_documented(fake: FakeProvider) -> None:
    fake.world.anthropic.settings.sparse_groups = True
    hour = {
        "starting_at": f"{YESTERDAY}T14:00:00Z",
        "ending_at": f"{YESTERDAY}T15:00:00Z",
        "time_bucket_width": "1h",
    }

    body = anthropic_client(fake).read(ANALYTICS_COST, {**hour, "group_by[]": ["model", "workspace_id", "api_key_id"]})

    assert body == {
        "data": [
            {
                "starting_at": f"{YESTERDAY}T14:00:00Z",
                "ending_at": f"{YESTERDAY}T15:00:00Z",
                "group": {
                    "model": "claude-sonnet-4-5-20250929",
                    "workspace_id": "wrkspc_research",
                    "api_key_id": "apikey_research",
                },
                "cost": {"amount": "12.3450000", "list_amount": "13.7166", "currency": "USD", "requests": 7},
            }
        ],
        "has_more": False,
        "next_page": None,
        "data_refreshed_at": f"{TODAY}T15:37:00Z",
    }


def test_cents_of_two_currencies_are_never_added(fake: FakeProvider) -> None:
    euros = AnthropicBill(moment(YESTERDAY, 14), "500", token_type="output_tokens", currency="EUR")
    fake.world.anthropic.bills.append(euros)
    client = anthropic_client(fake)
    hour = {"starting_at": f"{YESTERDAY}T14:00:00Z", "ending_at": f"{YESTERDAY}T15:00:00Z"}

    new = [row["cost"] for row in client.read(ANALYTICS_COST, hour)["data"]]
    old = rows([client.read(COST_REPORT, span(YESTERDAY, TODAY))])

    assert [(cost["amount"], cost["currency"]) for cost in new] == [("500", "EUR"), ("12.3450000", "USD")]
    assert {row["currency"]: row["amount"] for row in old} == {"EUR": "500", "USD": "90210.1775000"}


def test_idle_hours_have_no_analytics_rows(fake: FakeProvider) -> None:
    quiet = span(TODAY - timedelta(days=5), TODAY - timedelta(days=3), time_bucket_width="1h")

    body = anthropic_client(fake).read(ANALYTICS_USAGE, quiet)

    assert (body["data"], body["has_more"]) == ([], False)


def test_fan_out_multiplies_rows_beyond_the_limit(fake: FakeProvider) -> None:
    client = anthropic_client(fake)
    day = span(YESTERDAY, TODAY, limit=1)

    plain = client.read(ANALYTICS_COST, day)["data"]
    by_cost = client.read(ANALYTICS_COST, {**day, "group_by[]": ["cost_type"]})["data"]
    by_token = client.read(ANALYTICS_COST, {**day, "group_by[]": ["token_type"]})["data"]
    by_both = client.read(ANALYTICS_COST, {**day, "group_by[]": ["cost_type", "token_type"]})["data"]

    assert [row["cost"]["requests"] for row in plain] == [25]
    assert [row["group"]["cost_type"] for row in by_cost] == ["code_execution", "tokens", "web_search"]
    assert {row["group"]["token_type"] for row in by_cost} == {None}
    assert len(by_token) == 5
    assert {row["group"]["cost_type"] for row in by_token} == {"tokens"}
    assert len(by_both) == 7
    assert {row["cost"]["requests"] for row in by_cost + by_token + by_both} == {None}
    [total] = [Decimal(row["cost"]["amount"]) for row in plain]
    assert sum(Decimal(row["cost"]["amount"]) for row in by_cost) == total
    assert sum(Decimal(row["cost"]["amount"]) for row in by_both) == total
    assert sum(Decimal(row["cost"]["amount"]) for row in by_token) == total - Decimal("6.5")


def test_analytics_rows_are_ranked_or_in_order_of_time(fake: FakeProvider) -> None:
    client = anthropic_client(fake)
    hours = span(YESTERDAY, TODAY, **{"time_bucket_width": "1h", "group_by[]": "context_window", "limit": 1_000})

    def listed(path: str, **order: str) -> list[tuple[str, str | None]]:
        data = client.read(path, hours | order)["data"]
        return [(row["starting_at"][11:13], row["group"]["context_window"]) for row in data]

    assert listed(ANALYTICS_COST)[:2] == [("15", "0-200k"), ("16", "200k-1M")]
    assert listed(ANALYTICS_COST, order="asc")[:1] == [("16", "0-200k")]
    assert listed(ANALYTICS_USAGE, order_by="time", order="asc") == [
        ("14", "0-200k"),
        ("15", "0-200k"),
        ("16", "200k-1M"),
        ("16", "0-200k"),
    ]
    assert [hour for hour, _ in listed(ANALYTICS_USAGE, order_by="time")] == ["16", "16", "15", "14"]
    assert listed(ANALYTICS_USAGE, order_by="requests")[0] == ("15", "0-200k")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"ending_at": f"{TODAY}T00:00:00Z"}, "starting_at"),
        ({"starting_at": f"{YESTERDAY}T00:00:00Z", "time_bucket_width": "1h"}, "ending_at"),
        ({"starting_at": str(YESTERDAY)}, "timezone"),
        ({"starting_at": f"{YESTERDAY}T00:00:00"}, "timezone"),
        ({"starting_at": "yesterday"}, "valid datetime"),
        (span(date(2025, 12, 31), date(2026, 1, 2)), "2026-01-01T00:00:00Z"),
        (span(TODAY - timedelta(days=31), TOMORROW), "31 days"),
        (span(WEEK_AGO, TOMORROW, time_bucket_width="1m"), "24 hours"),
        (span(TODAY, TODAY), "after starting date"),
        (span(time_bucket_width="1w"), "1w"),
        (span(limit=1_001), "limit"),
        (span(limit=0), "limit"),
        (span(order_by="tokens"), "tokens"),
        (span(**{"group_by[]": "colour"}), "colour"),
        (span(**{"group_by[]": "model,product"}), "model,product"),
        (span(group_by="model"), "group_by"),
        (span(**{"group_by[]": [*GROUPS, "speed"]}), "at most 5"),
        (span(page="page_nonsense"), "page"),
    ],
)
def test_analytics_refuse_wrong_parameters(fake: FakeProvider, params: Params, words: str) -> None:
    for path in (ANALYTICS_USAGE, ANALYTICS_COST):
        response = anthropic_client(fake).get(path, params)

        assert response.status_code == 400
        assert error_of(response)["type"] == "invalid_request_error"
        assert words in error_of(response)["message"]


def test_five_dimensions_and_the_fan_out_may_be_combined_for_costs_only(fake: FakeProvider) -> None:
    asked = span(**{"group_by[]": [*GROUPS, "cost_type", "token_type"]})

    assert anthropic_client(fake).get(ANALYTICS_COST, asked).status_code == 200
    assert anthropic_client(fake).get(ANALYTICS_USAGE, asked).status_code == 400


def test_analytics_look_back_a_year_at_most(fake: FakeProvider) -> None:
    fake.world.now = moment("2027-06-01", 12)

    response = anthropic_client(fake).get(ANALYTICS_COST, span(date(2026, 5, 31), date(2026, 6, 5)))

    assert response.status_code == 400
    assert "2026-06-01T12:00:00Z" in error_of(response)["message"]


def test_analytics_without_an_end_reach_to_the_present_hour(fake: FakeProvider) -> None:
    body = anthropic_client(fake).read(ANALYTICS_USAGE, {"starting_at": f"{TODAY}T00:30:00Z"})

    [row] = body["data"]
    assert (row["starting_at"], row["ending_at"]) == (f"{TODAY}T00:00:00Z", f"{TODAY}T15:00:00Z")
    assert row["usage"]["uncached_input_tokens"] == 90


def test_an_analytics_cursor_belongs_to_its_exact_query(fake: FakeProvider) -> None:
    client = anthropic_client(fake)
    asked = span(**{"group_by[]": "model", "limit": 1})
    cursor = client.read(ANALYTICS_USAGE, asked)["next_page"]

    assert client.get(ANALYTICS_USAGE, {**asked, "page": cursor}).status_code == 200
    assert client.get(ANALYTICS_USAGE, {**asked, "limit": 2, "page": cursor}).status_code == 400
    assert client.get(ANALYTICS_COST, {**asked, "page": cursor}).status_code == 400


@pytest.mark.parametrize(
    ("wanted", "requests"),
    [
        ({"models[]": "claude-haiku-4-5-20251001"}, 4),
        ({"workspace_ids[]": ["wrkspc_default", "wrkspc_old"]}, 6),
        ({"api_key_ids[]": "apikey_default"}, 5),
        ({"api_key_ids[]": ["apikey_default", ""]}, 6),
        ({"service_tiers[]": "batch"}, 50),
        ({"context_windows[]": "200k-1M"}, 1),
        ({"inference_geos[]": "us"}, 2),
        ({"products[]": ["claude_console", "managed_agents_api"]}, 3),
        ({"actor_ids[]": "user_ada"}, 2),
        ({"actor_types[]": "user_actor"}, 2),
        ({"session_ids[]": "sesn_1"}, None),
    ],
)
def test_analytics_filters_keep_what_was_asked_for(fake: FakeProvider, wanted: Params, requests: int | None) -> None:
    body = anthropic_client(fake).read(ANALYTICS_USAGE, span(**wanted))

    assert [row["usage"]["requests"] for row in body["data"]] == ([] if requests is None else [requests])


def test_actors_are_users_before_keys(fake: FakeProvider) -> None:
    asked = span(YESTERDAY, TODAY, **{"group_by[]": ["actor", "actor_type"]})

    groups = [row["group"] for row in anthropic_client(fake).read(ANALYTICS_USAGE, asked)["data"]]

    assert [(group["actor_type"], group["actor"]["type"]) for group in groups] == [
        ("user_actor", "user_actor"),
        ("api_actor", "api_actor"),
    ]
    assert groups[0]["actor"]["email_address"] == "ada@acme.test"
    assert groups[1]["actor"]["api_key_id"] == "apikey_research"


def test_work_without_a_key_or_in_the_default_workspace_is_shown(fake: FakeProvider) -> None:
    day = span(TODAY - timedelta(days=2), YESTERDAY, **{"group_by[]": ["workspace_id", "api_key_id"]})
    client = anthropic_client(fake)

    new = [row["group"] for row in client.read(ANALYTICS_USAGE, day)["data"]]
    old = [row for row in rows([client.read(USAGE_REPORT, day)]) if row["api_key_id"] != "apikey_research"]

    assert {(group["workspace_id"], group["api_key_id"]) for group in new} == {
        ("wrkspc_research", "apikey_research"),
        ("wrkspc_default", "apikey_default"),
        ("wrkspc_default", None),
    }
    assert {(row["workspace_id"], row["api_key_id"]) for row in old} == {
        (None, None),
        (None, "apikey_default"),
    }


def test_headers_are_required(fake: FakeProvider) -> None:
    with_beta = anthropic_client(fake)

    assert with_beta.get(ANALYTICS_COST, span(), {"anthropic-beta": "other-beta"}).status_code == 400
    assert with_beta.get(ANALYTICS_COST, span(), {"anthropic-beta": f"other-beta,{BETA}"}).status_code == 200
    assert with_beta.get("/v1/organizations/me", None, {"anthropic-version": "yesterday"}).status_code == 400
    bare = Client(fake, {"x-api-key": KEYS["anthropic"]})
    response = bare.get("/v1/organizations/me")
    assert response.status_code == 400
    assert "anthropic-version" in error_of(response)["message"]


@pytest.mark.parametrize("status", [403, 404])
def test_an_account_without_analytics_keeps_the_legacy_reports(fake: FakeProvider, status: int) -> None:
    fake.world.anthropic.settings.analytics_refused_with = status
    client = anthropic_client(fake)

    refused = client.get(ANALYTICS_COST, span())
    body = client.read(COST_REPORT, span(limit=31))

    assert refused.status_code == status
    assert error_of(refused)["type"] == FACTS["anthropic"]["error_types"][str(status)]
    account = fake.world.anthropic
    cents = sum(Decimal(row["amount"]) for row in rows([body]))
    assert cents / 100 == account.legacy_billed(WEEK_AGO, TOMORROW) < account.total_billed(WEEK_AGO, TOMORROW)


def test_the_cost_report_says_more_when_grouped_by_description(fake: FakeProvider) -> None:
    client = anthropic_client(fake)
    day = span(YESTERDAY, TODAY)

    [plain] = rows([client.read(COST_REPORT, day)])
    named = rows([client.read(COST_REPORT, {**day, "group_by[]": ["description", "workspace_id"]})])

    details = (
        "description",
        "model",
        "token_type",
        "cost_type",
        "service_tier",
        "workspace_id",
        "inference_geo",
    )
    assert all(plain[name] is None for name in details)
    assert plain["currency"] == "USD"
    assert Decimal(plain["amount"]) == sum(Decimal(row["amount"]) for row in named) == Decimal("90210.1775000")
    described = {(row["description"], row["context_window"]): row for row in named}
    tools = described["Code Execution Usage", None]
    assert (tools["cost_type"], tools["token_type"], tools["amount"]) == ("code_execution", None, "2.5")
    read = described["Claude Sonnet 4.5 Usage - Input Tokens, Cache Read", "0-200k"]
    assert (read["token_type"], read["workspace_id"]) == ("cache_read_input_tokens", "wrkspc_research")
    assert Decimal(read["amount"]) == Decimal("90002.7")


@pytest.mark.parametrize(
    ("path", "params", "words"),
    [
        (COST_REPORT, {}, "starting_at"),
        (COST_REPORT, span() | {"starting_at": f"{YESTERDAY}T01:00:00Z"}, "midnight"),
        (COST_REPORT, span() | {"ending_at": f"{TODAY}T12:00:00Z"}, "midnight"),
        (COST_REPORT, span(YESTERDAY, YESTERDAY), "ending date must be after starting date"),
        (
            COST_REPORT,
            span(TOMORROW, TOMORROW + timedelta(days=3)),
            "ending date must be after starting date",
        ),
        (COST_REPORT, span(limit=32), "limit"),
        (COST_REPORT, span(bucket_width="1h"), "1h"),
        (COST_REPORT, span(**{"group_by[]": "api_key_id"}), "api_key_id"),
        (USAGE_REPORT, {}, "starting_at"),
        (USAGE_REPORT, span(bucket_width="1h", limit=169), "limit"),
        (USAGE_REPORT, span(bucket_width="1d", limit=32), "limit"),
        (USAGE_REPORT, span(bucket_width="1m", limit=1_441), "limit"),
        (USAGE_REPORT, span(**{"group_by[]": "product"}), "product"),
        (USAGE_REPORT, span(**{"group_by[]": "speed"}), "fast-mode-2026-02-01"),
        (USAGE_REPORT, span(TODAY, TODAY), "ending date must be after starting date"),
        ("/v1/organizations/workspaces", {"limit": 1_001}, "limit"),
        ("/v1/organizations/workspaces", {"after_id": "wrkspc_none"}, "after_id"),
        ("/v1/organizations/api_keys", {"status": "lost"}, "lost"),
    ],
)
def test_the_legacy_reports_refuse_wrong_parameters(fake: FakeProvider, path: str, params: Params, words: str) -> None:
    response = anthropic_client(fake).get(path, params)

    assert response.status_code == 400
    assert words in error_of(response)["message"]
    is_range = "after starting date" in words
    assert response.headers.get("x-should-retry") == ("false" if is_range else None)


@pytest.mark.parametrize(("width", "usual", "most"), [("1d", 7, 31), ("1h", 24, 168), ("1m", 60, 1_440)])
def test_the_legacy_usage_report_counts_pages_in_buckets(fake: FakeProvider, width: str, usual: int, most: int) -> None:
    client = anthropic_client(fake)
    asked = span(bucket_width=width)

    bodies = client.pages(USAGE_REPORT, {**asked, "limit": most})

    assert len(client.read(USAGE_REPORT, asked)["data"]) == usual
    seconds = FACTS["anthropic"]["buckets"][width]["seconds"]
    assert sum(len(body["data"]) for body in bodies) == (NOW - moment(WEEK_AGO)) // seconds + 1
    fresh = sum(row["uncached_input_tokens"] for row in rows(bodies))
    # The 600 tokens of managed agents are in the new API only.
    assert fresh == fake.world.anthropic.tokens(WEEK_AGO, TOMORROW)["input"] - 600
    assert not any("requests" in row for row in rows(bodies))


def test_the_speed_group_needs_its_own_beta(fake: FakeProvider) -> None:
    fast = {"anthropic-beta": "fast-mode-2026-02-01"}

    body = anthropic_client(fake).get(USAGE_REPORT, span(**{"group_by[]": "speed"}), fast).json()

    assert {row["speed"] for row in rows([body])} == {"standard"}


@pytest.mark.parametrize(
    ("key", "me", "analytics", "legacy"),
    [
        ("anthropic", 200, 200, 200),
        ("anthropic.enterprise", 403, 200, 403),
        ("anthropic.enterprise_without_scope", 403, 403, 403),
        ("anthropic.workspace", 401, 401, 401),
        ("anthropic.unbound", 403, 200, 200),
        ("anthropic.deleted", 401, 401, 401),
        ("anthropic.oauth", 401, 401, 401),
    ],
)
def test_anthropic_keys_open_what_their_kind_and_scopes_allow(
    fake: FakeProvider, key: str, me: int, analytics: int, legacy: int
) -> None:
    client = anthropic_client(fake, key)

    assert client.get("/v1/organizations/me").status_code == me
    assert client.get("/v1/organizations/workspaces").status_code == me
    assert client.get(ANALYTICS_COST, span()).status_code == analytics
    assert client.get(COST_REPORT, span()).status_code == legacy


def test_a_bearer_token_opens_the_organization_too(fake: FakeProvider) -> None:
    version = {"anthropic-version": "2026-10-21"}

    for key in ("anthropic.oauth", "anthropic"):
        client = Client(fake, {"authorization": f"Bearer {KEYS[key]}", **version})
        assert client.read("/v1/organizations/me")["name"] == "Acme"


def test_a_workspace_key_may_also_meet_a_403(fake: FakeProvider) -> None:
    fake.world.anthropic.settings.wrong_key_status = 403

    response = anthropic_client(fake, "anthropic.workspace").get("/v1/organizations/me")

    assert (response.status_code, error_of(response)["type"]) == (403, "permission_error")


def test_anthropic_lists_page_in_both_directions(fake: FakeProvider) -> None:
    client = anthropic_client(fake)
    path = "/v1/organizations/workspaces"
    everything = {"include_archived": "true", "include_default": "true"}

    usual = client.read(path)
    first = client.read(path, everything | {"limit": 2})
    second = client.read(path, everything | {"limit": 2, "after_id": first["last_id"]})
    back = client.read(path, everything | {"limit": 1, "before_id": second["first_id"]})

    assert [item["id"] for item in usual["data"]] == ["wrkspc_research"]
    assert (first["first_id"], first["last_id"], first["has_more"]) == (
        "wrkspc_default",
        "wrkspc_research",
        True,
    )
    assert ([item["id"] for item in second["data"]], second["has_more"]) == (["wrkspc_old"], False)
    assert ([item["id"] for item in back["data"]], back["has_more"]) == (["wrkspc_research"], True)
    keys = client.read("/v1/organizations/api_keys", {"status": "active"})["data"]
    assert [(key["id"], key["workspace_id"]) for key in keys] == [
        ("apikey_research", "wrkspc_research"),
        ("apikey_default", None),
    ]
    admins = client.read("/v1/organizations/users", {"roles[]": "admin"})["data"]
    assert [user["email"] for user in admins] == ["ada@acme.test"]
