"""A window is read whole or not at all, whatever the provider does to it."""

from datetime import timedelta

import pytest

from providers.connectors import CONNECTORS
from providers.connectors.base import ConnectorError, Endpoint, Outcome
from tests.fake_provider import KEYS, FakeProvider
from tests.providers.connectors.conftest import calling, read

OPENAI, ANTHROPIC = CONNECTORS["openai"], CONNECTORS["anthropic"]


def first(connector, name: str, via: str = "analytics") -> tuple[object, Endpoint]:
    return connector, next(each for each in connector.endpoints_for(frozenset({via})) if each.name == name)


ENDPOINTS = {
    "openai usage": first(OPENAI, "usage.completions"),
    "openai costs": first(OPENAI, "costs"),
    "anthropic analytics": first(ANTHROPIC, "usage"),
    "anthropic report": first(ANTHROPIC, "usage", "reports"),
    "anthropic cost report": first(ANTHROPIC, "cost", "reports"),
}
BUCKETS = {name: each for name, each in ENDPOINTS.items() if name != "anthropic analytics"}

everywhere = pytest.mark.parametrize(("connector", "endpoint"), ENDPOINTS.values(), ids=ENDPOINTS)
in_buckets = pytest.mark.parametrize(("connector", "endpoint"), BUCKETS.values(), ids=BUCKETS)


def read_under(fake: FakeProvider, connector, endpoint: Endpoint, *faults, days: int = 7):
    fake.script([{"match": {"path": "usage|cost"} | match, "do": do} for match, do in faults])
    with calling(connector) as client:
        return read(connector, client, KEYS[connector.key], endpoint, days)


def failure(fake: FakeProvider, connector, endpoint: Endpoint, *faults, days: int = 7) -> ConnectorError:
    with pytest.raises(ConnectorError) as error:
        read_under(fake, connector, endpoint, *faults, days=days)
    return error.value


@everywhere
@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        ({"retry_after": 30}, timedelta(seconds=30)),
        ({"retry_after": 86_400}, timedelta(hours=1)),
        ({}, None),
    ],
)
def test_s3_4_too_many_requests_ends_the_window_with_the_wait_that_was_asked_for(
    fake, connector, endpoint, fault, wait
):
    error = failure(fake, connector, endpoint, ({}, {"action": "rate_limited"} | fault))

    assert (error.outcome, error.retry_after) == (Outcome.RATE_LIMITED, wait)


@everywhere
def test_s3_4_too_many_requests_with_a_date(fake, connector, endpoint):
    error = failure(fake, connector, endpoint, ({}, {"action": "rate_limited", "retry_after_date": 120}))

    assert error.retry_after is not None
    assert timedelta(seconds=100) < error.retry_after <= timedelta(seconds=121)


@everywhere
@pytest.mark.parametrize("fault", [{"action": "status", "status": 502}, {"action": "reset"}, {"action": "truncated"}])
def test_s3_4_what_passes_within_five_tries_is_not_noticed(fake, connector, endpoint, fault):
    whole = read_under(fake, connector, endpoint)

    assert read_under(fake, connector, endpoint, ({"times": 4}, fault)) == whole


@everywhere
@pytest.mark.parametrize(
    "fault",
    [{"action": "status", "status": 502}, {"action": "reset"}, {"action": "html"}, {"action": "truncated"}],
)
def test_s3_4_what_stays_is_called_unavailable(fake, connector, endpoint, fault):
    error = failure(fake, connector, endpoint, ({}, fault))

    assert error.outcome is Outcome.PROVIDER_DOWN
    assert connector.label in error.message


@everywhere
def test_s3_4_a_redirect_is_not_followed(fake, connector, endpoint):
    error = failure(fake, connector, endpoint, ({}, {"action": "redirect", "location": f"{fake.url}/v1/elsewhere"}))

    assert error.outcome is Outcome.UNEXPECTED
    assert fake.asked("elsewhere") == []


@everywhere
@pytest.mark.parametrize(
    ("fault", "words", "calls"),
    [
        ("more_without_cursor", "more pages announced, but none named", 1),
        ("repeated_cursor", "its pages lead in a circle", 2),
        ("endless_pages", "more than 20 pages", 20),
    ],
)
def test_s3_4_pages_that_do_not_end_are_an_error_and_never_the_last_page(
    fake, connector, endpoint, fault, words, calls, monkeypatch
):
    monkeypatch.setattr("providers.connectors.calling.MAX_PAGES", 20)

    error = failure(fake, connector, endpoint, ({}, {"action": fault}))

    assert error.outcome is Outcome.UNEXPECTED
    assert f"unexpected answer: {words}" in error.message
    assert len(fake.requests) == calls


def test_s3_4_a_thousand_pages_are_the_most(fake):
    connector, endpoint = ENDPOINTS["openai costs"]

    error = failure(fake, connector, endpoint, ({}, {"action": "endless_pages"}), days=1)

    assert len(fake.asked("costs")) == 1000
    assert "more than 1,000 pages" in error.message


@in_buckets
def test_s3_4_a_missing_bucket_is_listed_and_the_rest_is_good(fake, connector, endpoint):
    whole = read_under(fake, connector, endpoint)
    page = read_under(fake, connector, endpoint, ({}, {"action": "drop_bucket", "bucket": 2}))

    assert "1 bucket is missing" in page.problems[0]
    assert set(page.rows) <= set(whole.rows)


@in_buckets
@pytest.mark.parametrize("first_copy", ["same", "empty"])
def test_s3_4_a_doubled_bucket_counts_once(fake, connector, endpoint, first_copy):
    whole = read_under(fake, connector, endpoint)

    for bucket in range(7):
        fault = {"action": "duplicate_bucket", "bucket": bucket, "first_copy": first_copy}
        assert read_under(fake, connector, endpoint, ({}, fault)).rows == whole.rows


@in_buckets
def test_s3_4_idle_buckets_are_a_real_zero_and_no_buckets_are_not(fake, connector, endpoint):
    page = read_under(fake, connector, endpoint, ({}, {"action": "empty"}))
    assert (page.rows, page.problems) == ((), ())

    error = failure(fake, connector, endpoint, ({}, {"action": "no_buckets"}))
    assert error.outcome is Outcome.UNEXPECTED


@everywhere
def test_s3_4_a_bad_row_is_listed_and_the_good_ones_are_kept(fake, connector, endpoint):
    kind = "nan_amount" if endpoint.ledger == "billed" else "negative_tokens"
    whole = read_under(fake, connector, endpoint)
    page = read_under(fake, connector, endpoint, ({}, {"action": "bad_row", "kind": kind}))

    assert page.rows == whole.rows
    assert len(page.problems) == 1


@pytest.mark.parametrize(("connector", "endpoint"), [ENDPOINTS["openai costs"]])
def test_s3_4_another_account_is_noticed(fake, connector, endpoint):
    globex = fake.world.openai_accounts[1].id
    page = read_under(fake, connector, endpoint, ({}, {"action": "other_account", "account": globex}))

    assert page.account_id == globex


def test_s3_4_another_account_on_a_later_page_stops_the_window(fake):
    fake.world.openai.settings.cost_page_cap = 3
    connector, endpoint = ENDPOINTS["openai costs"]
    globex = fake.world.openai_accounts[1]
    fault = {"action": "patch", "at": ["data", 0, "results", 0, "organization_id"], "value": globex.id}

    with pytest.raises(ConnectorError) as error:
        read_under(fake, connector, endpoint, ({"page": 2}, fault))

    assert error.value.outcome is Outcome.UNEXPECTED


def test_s3_4_a_fault_on_a_later_page_spoils_the_whole_window(fake):
    fake.world.openai.settings.cost_page_cap = 3
    connector, endpoint = ENDPOINTS["openai costs"]

    error = failure(fake, connector, endpoint, ({"page": 2}, {"action": "status", "status": 500}))

    assert error.outcome is Outcome.PROVIDER_DOWN


def test_a_page_of_fewer_days_than_asked_is_followed_to_the_end(fake):
    connector, endpoint = ENDPOINTS["openai costs"]
    whole = read_under(fake, connector, endpoint)
    fake.world.openai.settings.cost_page_cap = 2

    page = read_under(fake, connector, endpoint)

    assert (page.rows, page.raw_pages) == (whole.rows, 4)


def test_c7_problems_are_counted_when_they_are_too_many_to_list():
    from providers.connectors.buckets import LISTED, Problems

    problems = Problems()
    for number in range(LISTED + 5):
        problems.note(f"row {number}")

    assert len(problems.all()) == LISTED + 1
    assert problems.all()[-1] == "and 5 more"
