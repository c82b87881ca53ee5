"""Anthropic's documented answers, read as documented: cents in a string, disjoint tokens, two interfaces."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx2
import pytest

from providers.connectors import CONNECTORS
from providers.connectors.base import ConnectorError, Endpoint, Outcome, Page
from tests.fake_provider import KEYS, AdminKey, FakeProvider
from tests.providers.connectors.conftest import NOW, answering, calling, key, read, recorded
from usage.rows import Ledger, Tokens

ANTHROPIC = CONNECTORS["anthropic"]
ADMIN = key("sk-ant-admin01-0123456789abcdef0123456789abcdef")
HOUR = datetime(2026, 10, 31, 14, tzinfo=UTC)
DAY = datetime(2026, 10, 31, tzinfo=UTC)


def endpoint(name: str, via: str = "analytics") -> Endpoint:
    return next(each for each in ANTHROPIC.endpoints_for(frozenset({via})) if each.name == name)


def read_window(body, wanted: Endpoint, start: datetime, end: datetime, now: datetime = NOW) -> Page:
    with answering(ANTHROPIC, lambda request: httpx2.Response(200, text=json.dumps(body))) as client:
        return ANTHROPIC.read(client, ADMIN, wanted, start, end, now=now)


def analytics(kind: str, **changes) -> Page:
    body = recorded(f"anthropic_analytics_{kind}")
    for row in body["data"]:
        row[kind] |= changes
    return read_window(body, endpoint(kind), HOUR, HOUR + timedelta(hours=1))


def test_s3_4_units_anthropic_sends_cents_in_a_string():
    page = analytics("cost")

    tokens, search = page.rows
    assert tokens.amount == Decimal("0.123450000")
    assert (tokens.ledger, tokens.seconds, tokens.start, tokens.currency) == (
        Ledger.BILLED,
        3_600,
        HOUR,
        "USD",
    )
    assert (tokens.model, tokens.project, tokens.api_key) == (
        "claude-sonnet-4-5-20250929",
        "wrkspc_1",
        "apikey_1",
    )
    assert (tokens.kind, tokens.line_item) == ("tokens", "tokens, output_tokens")
    assert (search.kind, search.line_item, search.amount) == ("unit", "web_search", Decimal("0.03"))
    assert page.fresh_until == datetime(2026, 10, 31, 15, 12, tzinfo=UTC)
    assert page.problems == ()


def test_s3_4_units_the_cost_report_means_one_dollar_and_not_a_hundred():
    body = recorded("anthropic_cost_report")

    (row,) = read_window(body, endpoint("cost", "reports"), DAY, DAY + timedelta(days=1)).rows
    assert row.amount == Decimal("1.2345")
    assert (row.line_item, row.kind, row.seconds) == (
        "Claude Sonnet 4.5 Usage - Input Tokens",
        "tokens",
        86_400,
    )


@pytest.mark.parametrize(
    ("cents", "dollars"),
    [
        ("12.3450000", "0.12345"),
        ("0.0001", "0.000001"),
        ("-250", "-2.5"),
        (7, "0.07"),
        (12.5, "0.125"),
        ("1e-7", "1e-9"),
        ("123456789012345678.12345678", "1234567890123456.7812345678"),
        (None, "0"),
    ],
)
def test_cents_become_dollars_exactly(cents, dollars: str):
    assert analytics("cost", amount=cents).rows[0].amount == Decimal(dollars)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "three", True, {}])
def test_s3_4_a_senseless_amount_is_listed_and_its_neighbours_are_kept(amount):
    body = recorded("anthropic_analytics_cost")
    body["data"][0]["cost"]["amount"] = amount

    page = read_window(body, endpoint("cost"), HOUR, HOUR + timedelta(hours=1))
    assert [row.line_item for row in page.rows] == ["web_search"]
    assert page.problems == ("A row of 2026-10-31T14:00 could not be read: amount is not a number.",)


def test_usage_takes_the_nested_cache_writes_and_the_request_count():
    (row,) = analytics("usage").rows

    assert row.tokens == Tokens(input=1500, cache_read=200, cache_write_5m=500, cache_write_1h=1000, output=700)
    assert (row.requests, row.units) == (7, (("web_search", Decimal(10)),))
    assert (row.service_tier, row.batch, row.context_window) == ("batch", True, "200k-1M")


def test_requests_that_are_not_known_are_not_zero():
    assert analytics("usage", requests=None).rows[0].requests is None


def test_an_empty_answer_of_analytics_is_a_real_no_usage():
    body = recorded("anthropic_analytics_usage") | {"data": []}

    page = read_window(body, endpoint("usage"), DAY, DAY + timedelta(days=1))
    assert (page.rows, page.problems) == ((), ())


def test_an_empty_answer_of_the_reports_is_not_believed():
    body = recorded("anthropic_usage_report") | {"data": []}

    with pytest.raises(ConnectorError) as error:
        read_window(body, endpoint("usage", "reports"), DAY, DAY + timedelta(days=1))
    assert error.value.outcome is Outcome.UNEXPECTED


def test_the_usage_report_knows_people_and_no_request_counts():
    replies = {
        "/v1/organizations/usage_report/messages": recorded("anthropic_usage_report"),
        "/v1/organizations/workspaces": recorded("anthropic_workspaces"),
    }
    with answering(ANTHROPIC, lambda request: httpx2.Response(200, json=replies[request.url.path])) as client:
        page = ANTHROPIC.read(client, ADMIN, endpoint("usage", "reports"), HOUR, HOUR + timedelta(hours=1), now=NOW)

    (row,) = page.rows
    assert row.tokens == Tokens(input=1500, cache_read=200, cache_write_5m=500, cache_write_1h=1000, output=700)
    assert (row.requests, row.user, row.project) == (None, "user_1", "")
    assert row.extra == (("inference_geo", "global"),)


def test_the_reports_default_workspace_gets_its_real_id(fake: FakeProvider):
    with calling(ANTHROPIC) as client:
        page = read(ANTHROPIC, client, KEYS["anthropic"], endpoint("usage", "reports"), 7)

    assert fake.world.anthropic.default_workspace in {row.project for row in page.rows}
    assert "" not in {row.project for row in page.rows}


def test_the_questions_are_asked_as_documented(fake: FakeProvider):
    with calling(ANTHROPIC) as client:
        read(ANTHROPIC, client, KEYS["anthropic"], endpoint("cost"), 3)

    asked = fake.requests[0]
    assert asked.path == "/v1/organizations/analytics/cost"
    assert asked.headers["anthropic-version"] == "2023-06-01"
    assert asked.headers["anthropic-beta"] == "analytics-usage-cost-2026-08-24"
    assert len(set(asked.query["group_by[]"]) - {"cost_type", "token_type"}) == 5
    assert (asked.query["limit"], asked.query["time_bucket_width"]) == (["1000"], ["1h"])
    assert asked.query["ending_at"] == ["2026-11-21T00:00:00Z"]


def test_rows_over_many_pages_are_all_read(fake: FakeProvider):
    from tests.fake_provider import AnthropicUsage, moment

    fake.world.anthropic.usage[:] = [
        AnthropicUsage(moment("2026-11-19", hour), model=f"claude-{number}", output=1, requests=1)
        for hour in range(24)
        for number in range(100)
    ]
    with calling(ANTHROPIC) as client:
        page = read(ANTHROPIC, client, KEYS["anthropic"], endpoint("usage"), 3)

    assert len(page.rows) == 2400
    assert page.raw_pages == 3


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_the_reports_are_read_where_analytics_is_refused(fake: FakeProvider, status: int):
    fake.world.anthropic.settings.analytics_refused_with = status
    with calling(ANTHROPIC) as client:
        page = read(ANTHROPIC, client, KEYS["anthropic"], endpoint("cost"), 3)
        account = ANTHROPIC.identify(client, key(KEYS["anthropic"]), now=NOW)

    assert page.rows
    assert all(row.seconds == 86_400 for row in page.rows)
    assert account.capabilities == {"reports"}
    assert [each.via for each in ANTHROPIC.endpoints_for(account.capabilities)] == ["reports", "reports"]


def test_both_interfaces_write_under_the_same_names_so_that_one_replaces_the_other():
    analytics, reports = (ANTHROPIC.endpoints_for(frozenset({via})) for via in ("analytics", "reports"))

    assert [replace(each, via="") for each in analytics] == [replace(each, via="") for each in reports]


def test_a_first_day_named_by_the_refusal_is_handed_on():
    body = {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "starting_at must not be before 2026-02-03T00:00:00Z.",
        },
    }
    with (
        answering(ANTHROPIC, lambda request: httpx2.Response(400, json=body)) as client,
        pytest.raises(ConnectorError) as error,
    ):
        ANTHROPIC.read(client, ADMIN, endpoint("usage"), DAY, DAY + timedelta(days=3), now=NOW)

    assert error.value.earliest == date(2026, 2, 3)


def test_nothing_is_asked_for_before_the_interface_began(fake: FakeProvider):
    start = datetime(2025, 12, 30, tzinfo=UTC)
    with calling(ANTHROPIC) as client:
        page = ANTHROPIC.read(
            client, key(KEYS["anthropic"]), endpoint("usage"), start, start + timedelta(days=2), now=NOW
        )

    assert page == Page(())
    assert fake.requests == []


def test_the_account_has_its_id_name_and_workspaces(fake: FakeProvider):
    with calling(ANTHROPIC) as client:
        account = ANTHROPIC.identify(client, key(KEYS["anthropic"]), now=NOW)

    acme = fake.world.anthropic
    listed = {space.id for space in acme.workspaces if not space.is_default and space.archived_at is None}
    assert (account.id, account.name) == (acme.id, acme.name)
    assert set(account.projects) == listed
    assert account.projects_found == len(listed)
    assert account.key_kind == "Console admin key"
    assert account.capabilities == {"analytics"}
    assert [(check.endpoint, check.ok) for check in account.checks] == [
        ("organization", True),
        ("usage", True),
        ("cost", True),
        ("workspaces", True),
        ("api_keys", True),
        ("users", True),
    ]


def test_an_enterprise_key_reads_figures_and_nothing_else(fake: FakeProvider):
    text = "sk-ant-api01-" + "e" * 40
    fake.world.anthropic.keys.append(AdminKey(text, "enterprise", ("read:analytics",)))
    with calling(ANTHROPIC) as client:
        account = ANTHROPIC.identify(client, key(text), now=NOW)
        names = ANTHROPIC.names(client, key(text))

    assert (account.id, account.name, account.projects_found) == ("", "", None)
    assert [check.outcome for check in account.checks if not check.ok] == [Outcome.NOT_AVAILABLE] * 4
    assert names == {"project": {}, "api_key": {}, "user": {}}


def test_a_key_of_no_workspace_is_accepted_when_the_probe_passes(fake: FakeProvider):
    text = "sk-ant-api03-" + "u" * 40
    fake.world.anthropic.keys.append(AdminKey(text, "unbound", ()))
    with calling(ANTHROPIC) as client:
        assert ANTHROPIC.recognise(key(text)) is None
        account = ANTHROPIC.identify(client, key(text), now=NOW)

    assert account.key_kind == "API key"
    assert all(check.ok for check in account.checks if check.required)


def test_names_of_workspaces_keys_and_people(fake: FakeProvider):
    with calling(ANTHROPIC) as client:
        names = ANTHROPIC.names(client, key(KEYS["anthropic"]))

    acme = fake.world.anthropic
    assert set(names["project"]) == {space.id for space in acme.workspaces}
    assert names["api_key"] == {each.id: (each.name, f"sk-ant-api03-...{each.id[-4:]}") for each in acme.api_keys}
    assert names["user"] == {user.id: (user.name, user.email) for user in acme.users}
