"""OpenAI's documented answers, read as documented: dollars, days, hours and disjoint tokens."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx2
import pytest

from providers.connectors import CONNECTORS
from providers.connectors.base import ConnectorError, Outcome, Page
from tests.fake_provider import KEYS, FakeProvider
from tests.providers.connectors.conftest import NOW, answering, calling, key, read, recorded
from usage.rows import Ledger, Tokens

OPENAI = CONNECTORS["openai"]
ADMIN = key("sk-admin-0123456789abcdef0123456789abcdef")
BY_NAME = {endpoint.name: endpoint for endpoint in OPENAI.endpoints_for(frozenset())}
DAY = datetime(2026, 10, 30, tzinfo=UTC)


def read_day(name: str, body, *, hours: int = 24) -> Page:
    with answering(OPENAI, lambda request: httpx2.Response(200, text=json.dumps(body))) as client:
        return OPENAI.read(client, ADMIN, BY_NAME[name], DAY, DAY + timedelta(hours=hours), now=NOW)


def costs(*results) -> Page:
    page = recorded("openai_costs")
    page["data"][0]["results"] = [recorded("openai_costs")["data"][0]["results"][0] | result for result in results]
    return read_day("costs", page)


def completions(**counts) -> Page:
    page = recorded("openai_usage_completions")
    page["data"][0]["results"][0] |= counts
    return read_day("usage.completions", page, hours=1)


def test_s3_4_units_openai_sends_dollars():
    page = read_day("costs", recorded("openai_costs"))

    (row,) = page.rows
    assert row.amount == Decimal("0.34090000000000000")
    assert (row.currency, row.ledger, row.seconds, row.start) == ("USD", Ledger.BILLED, 86_400, DAY)
    assert (row.project, row.api_key, row.model) == ("proj_x", "key_y", "gpt-5-mini-2025-08-07")
    assert (row.line_item, row.kind) == ("gpt-5-mini-2025-08-07, cached input", "tokens")
    assert row.units == (("tokens", Decimal(136_000)),)
    assert row.tokens == Tokens()
    assert page.account_id == "org-acme"
    assert page.problems == ()


@pytest.mark.parametrize(
    ("sent", "dollars"),
    [
        ({"value": 0.06, "currency": "usd"}, "0.06"),
        ({"value": "0.06", "currency": "USD"}, "0.06"),
        ({"value": 4e-07, "currency": "usd"}, "4E-7"),
        ({"value": "4.25E-7", "currency": "usd"}, "4.25E-7"),
        ({"value": 12, "currency": "usd"}, "12"),
        ({"value": "-1.25", "currency": "usd"}, "-1.25"),
        ({"value": "0.123456789012345678", "currency": "usd"}, "0.123456789012345678"),
        ({"value": "0.1234567890123456785", "currency": "usd"}, "0.123456789012345678"),
        ({"value": None, "currency": "usd"}, "0"),
        ({}, "0"),
        (None, "0"),
    ],
)
def test_amounts_come_in_many_spellings(sent, dollars: str):
    (row,) = costs({"amount": sent}).rows

    assert row.amount == Decimal(dollars)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "about 3", True, [], "1e400", {"cents": 1}])
def test_s3_4_a_senseless_amount_is_listed_and_its_neighbours_are_kept(value):
    page = costs({"amount": {"value": value, "currency": "usd"}}, {"line_item": "web search tool calls"})

    assert [row.line_item for row in page.rows] == ["web search tool calls"]
    assert page.problems == ("A row of 2026-10-30 00:00 UTC could not be read: " + page.problems[0].split(": ", 1)[1],)


def test_a_bare_nan_spoils_its_row_and_not_its_page():
    text = httpx2.Response(200, json=recorded("openai_costs")).text.replace('"0.34090000000000000"', "NaN")
    with answering(OPENAI, lambda request: httpx2.Response(200, text=text)) as client:
        page = OPENAI.read(client, ADMIN, BY_NAME["costs"], DAY, DAY + timedelta(days=1), now=NOW)

    assert page.rows == ()
    assert "amount is not a number" in page.problems[0]


def test_currencies_are_kept_apart_and_upper_case():
    rows = costs({}, {"amount": {"value": "2", "currency": "eur"}}).rows

    assert [(row.amount, row.currency) for row in rows] == [(Decimal("0.3409"), "USD"), (Decimal(2), "EUR")]


def test_hours_carry_their_dimensions_and_disjoint_tokens():
    page = read_day("usage.completions", recorded("openai_usage_completions"), hours=1)

    (row,) = page.rows
    assert (row.ledger, row.seconds, row.start) == (Ledger.USAGE, 3_600, DAY)
    assert row.tokens == Tokens(input=400, cache_read=800, output=90)
    assert (row.requests, row.amount) == (3, None)
    assert (row.model, row.project, row.api_key, row.user) == ("gpt-5-mini-2025-08-07", "proj_x", "key_y", "")
    assert (row.service_tier, row.batch, row.kind) == ("default", False, "tokens")
    assert page.problems == ()


@pytest.mark.parametrize(
    ("sent", "classes"),
    [
        ({"input_tokens": 10, "input_cached_tokens": 0}, Tokens(input=10, output=90)),
        (
            {"input_cached_tokens": 0, "input_cache_write_tokens": 700},
            Tokens(input=500, cache_write_30m=700, output=90),
        ),
        (
            {
                "input_cached_tokens": 0,
                "input_cache_write_tokens": 700,
                "input_cache_write_30m_tokens": 500,
                "input_cache_write_12h_tokens": 200,
            },
            Tokens(input=500, cache_write_30m=500, cache_write_12h=200, output=90),
        ),
        (
            {
                "input_audio_tokens": 100,
                "input_image_tokens": 50,
                "output_audio_tokens": 20,
                "output_image_tokens": 30,
            },
            Tokens(input=250, cache_read=800, audio_in=100, image_in=50, output=40, audio_out=20, image_out=30),
        ),
        (
            {"input_tokens": 3_000_000_800, "input_cached_tokens": 3_000_000_000},
            Tokens(800, 3_000_000_000, output=90),
        ),
    ],
)
def test_classes_do_not_overlap(sent, classes: Tokens):
    (row,) = completions(**sent).rows

    assert row.tokens == classes
    assert row.tokens.total == (sent.get("input_tokens", 1200)) + 90


def test_old_buckets_lack_most_counts():
    page = recorded("openai_usage_completions")
    page["data"][0]["results"] = [
        {
            "object": "organization.usage.completions.result",
            "input_tokens": 5,
            "output_tokens": 2,
            "num_model_requests": 1,
        }
    ]

    (row,) = read_day("usage.completions", page, hours=1).rows
    assert (row.tokens, row.model, row.project) == (Tokens(input=5, output=2), "", "")


def test_parts_that_exceed_their_whole_are_reported_and_kept_as_sent():
    page = completions(input_tokens=700)

    assert page.rows[0].tokens == Tokens(cache_read=800, output=90)
    assert "the parts of its input are 800 tokens, but the whole is 700" in page.problems[0]


@pytest.mark.parametrize("value", [-5, "12", 1.5, True, [], 2**63])
def test_s3_4_a_senseless_count_is_listed_and_its_neighbours_are_kept(value):
    page = recorded("openai_usage_completions")
    good = page["data"][0]["results"][0]
    page["data"][0]["results"] = [good | {"output_tokens": value}, good | {"model": "another"}]

    read_page = read_day("usage.completions", page, hours=1)
    assert [row.model for row in read_page.rows] == ["another"]
    assert "output_tokens is" in read_page.problems[0]


def test_labels_are_kept_whatever_they_are():
    (row,) = completions(model="gpt-9\0\ud800", service_tier="warp", project_id="p" * 400).rows

    assert row.model.encode()
    assert "\0" not in row.model
    assert row.service_tier == "warp"
    assert len(row.project) == 256


def test_a_bucket_that_comes_twice_counts_once_and_the_later_one_wins():
    page = recorded("openai_usage_completions")
    again = recorded("openai_usage_completions")["data"][0]
    again["results"][0]["output_tokens"] = 91
    page["data"].append(again)

    (row,) = read_day("usage.completions", page, hours=1).rows
    assert row.tokens.output == 91


def test_a_missing_bucket_makes_the_window_incomplete():
    page = read_day("usage.completions", recorded("openai_usage_completions"), hours=3)

    assert len(page.rows) == 1
    assert page.problems == ("2 buckets are missing, the first at 2026-10-30 01:00 UTC.",)


def test_no_buckets_at_all_are_not_believed():
    with pytest.raises(ConnectorError) as error:
        read_day("costs", {"object": "page", "data": [], "has_more": False, "next_page": None})

    assert error.value.outcome is Outcome.UNEXPECTED


def test_an_idle_day_is_a_real_zero():
    page = recorded("openai_costs")
    page["data"][0]["results"] = []

    assert read_day("costs", page) == Page((), (), 1)


def test_a_bucket_of_another_time_is_not_taken():
    page = recorded("openai_usage_completions")
    page["data"].append(page["data"][0] | {"start_time": 0})

    read_page = read_day("usage.completions", page, hours=1)
    assert len(read_page.rows) == 1
    assert "which was not asked for" in read_page.problems[0]


def test_costs_of_two_organizations_are_not_mixed():
    with pytest.raises(ConnectorError, match="two organizations"):
        costs({}, {"organization_id": "org-globex"})


def test_decisions_are_shown_but_kept_out_of_every_total():
    page = recorded("openai_usage_completions")

    (row,) = read_day("usage.decisions", page | {"data": [page["data"][0] | {"end_time": 1793404800}]}).rows
    assert (row.tokens, row.requests, row.kind) == (Tokens(), None, "unit")
    assert dict(row.units) == {"decision_tokens": 1290, "decisions": 3}


def test_the_questions_are_asked_as_documented(fake: FakeProvider):
    with calling(OPENAI) as client:
        read(OPENAI, client, KEYS["openai"], BY_NAME["usage.completions"], 7)
        read(OPENAI, client, KEYS["openai"], BY_NAME["costs"], 31)

    usage, bill = fake.requests[0], fake.requests[1]
    assert usage.path == "/v1/organization/usage/completions"
    assert usage.query["group_by"] == [
        "project_id",
        "user_id",
        "api_key_id",
        "model",
        "service_tier",
        "batch",
    ]
    assert (usage.query["bucket_width"], usage.query["limit"]) == (["1h"], ["168"])
    assert bill.query["group_by"] == ["project_id", "line_item", "api_key_id"]
    assert usage.headers["user-agent"].startswith("TokenTra/")


def test_costs_before_keys_were_known_are_read_without_them(fake: FakeProvider):
    start = datetime(2025, 11, 15, tzinfo=UTC)
    with calling(OPENAI) as client:
        page = OPENAI.read(client, key(KEYS["openai"]), BY_NAME["costs"], start, start + timedelta(days=31), now=NOW)

    asked = [seen.query["group_by"] for seen in fake.requests]
    assert asked[0] == ["project_id", "line_item", "api_key_id"]
    assert asked[-1] == ["project_id", "line_item"]
    assert page.problems == ()


def test_a_window_of_days_to_come_is_empty_and_not_asked_for(fake: FakeProvider):
    start = datetime(2026, 11, 21, tzinfo=UTC)
    with calling(OPENAI) as client:
        page = OPENAI.read(client, key(KEYS["openai"]), BY_NAME["costs"], start, start + timedelta(days=2), now=NOW)

    assert page == Page(())
    assert fake.requests == []


def test_an_answer_that_is_too_large_is_asked_for_in_smaller_parts_and_then_without_users(monkeypatch):
    asked = []

    def reply(request: httpx2.Request) -> httpx2.Response:
        params = request.url.params
        asked.append((params["limit"], "user_id" in params.get_list("group_by")))
        if "user_id" in params.get_list("group_by"):
            return httpx2.Response(200, content=b" " * 40, headers={"content-length": "99999999999"})
        return httpx2.Response(200, json=recorded("openai_usage_completions"))

    with answering(OPENAI, reply) as client:
        page = OPENAI.read(client, ADMIN, BY_NAME["usage.completions"], DAY, DAY + timedelta(hours=1), now=NOW)

    assert list(dict.fromkeys(asked)) == [("168", True), ("24", True), ("24", False)]
    assert len(page.rows) == 1


def test_the_account_is_named_by_its_costs(fake: FakeProvider):
    with calling(OPENAI) as client:
        account = OPENAI.identify(client, key(KEYS["openai"]), now=NOW)

    acme = fake.world.openai
    assert (account.id, account.name) == (acme.id, "Acme")
    assert account.projects_found == 3
    assert account.projects == {"proj_default", "proj_search", "proj_nameless"}
    assert account.key_kind == "admin key"
    assert all(check.ok for check in account.checks)
    assert [check.endpoint for check in account.checks if check.required] == ["costs", "usage.completions"]
    messages = {check.endpoint: check.message for check in account.checks}
    assert messages["projects"] == "3 projects found"
    assert messages["usage.embeddings"] == "Embeddings can be read"


def test_an_account_without_any_bill_is_named_by_its_oldest_project(fake: FakeProvider):
    fake.world.openai.bills.clear()
    with calling(OPENAI) as client:
        account = OPENAI.identify(client, key(KEYS["openai"]), now=NOW)

    assert (account.id, account.name) == ("", "Default project")
    assert "proj_search" in account.projects


def test_an_account_that_tells_nothing_is_named_by_its_key(fake: FakeProvider):
    fake.world.openai.bills.clear()
    with calling(OPENAI) as client:
        account = OPENAI.identify(client, key(KEYS["openai.usage_only"]), now=NOW)

    assert (account.id, account.name, account.projects_found) == ("", "OpenAI, key ending in 0002", None)
    refused = {check.endpoint: check for check in account.checks if not check.ok}
    assert list(refused) == ["projects", "users", "admin_api_keys"]
    assert {check.outcome for check in refused.values()} == {Outcome.MISSING_SCOPE}
    assert "Organization administration: Read" in refused["projects"].message


def test_an_idle_yesterday_does_not_hide_the_account(fake: FakeProvider):
    fake.world.openai.bills[:] = [bill for bill in fake.world.openai.bills if bill.at < NOW.timestamp() - 3 * 86_400]
    with calling(OPENAI) as client:
        account = OPENAI.identify(client, key(KEYS["openai"]), now=NOW)

    assert account.id == fake.world.openai.id


def test_names_of_projects_keys_and_people(fake: FakeProvider):
    with calling(OPENAI) as client:
        names = OPENAI.names(client, key(KEYS["openai"]))

    assert names["project"]["proj_search"] == ("Search", "")
    assert names["project"]["proj_old"] == ("Old experiment", "archived")
    assert names["project"]["proj_nameless"] == ("", "")
    assert names["api_key"]["key_search_a"][0] == "search backend"
    assert names["api_key"]["key_admin_full"][0] == "Cost reader"
    assert names["user"]["user-ada"] == ("Ada", "ada@acme.test")


def test_names_that_may_not_be_read_are_left_out(fake: FakeProvider):
    with calling(OPENAI) as client:
        names = OPENAI.names(client, key(KEYS["openai.usage_only"]))

    assert names == {"project": {}, "api_key": {}, "user": {}}


def test_projects_are_counted_over_all_pages(fake: FakeProvider):
    from tests.fake_provider import Project

    fake.world.openai.projects += [Project(f"proj_{number}", f"Project {number}") for number in range(230)]
    with calling(OPENAI) as client:
        account = OPENAI.identify(client, key(KEYS["openai"]), now=NOW)

    assert account.projects_found == 233
