"""The fake provider against outside truth: documented schemas, official SDKs, and sums made by hand."""

from __future__ import annotations

import ast
import json
import signal
import subprocess
import sys
import time
import typing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from anthropic.types.beta.organization.analytics import (
    BetaAnalyticsCostGroupBy,
    BetaAnalyticsUsageGroupBy,
    cost_list_params,
    usage_list_params,
)
from jsonschema import validate
from openai.types.admin.organization import usage_costs_params

from tests.fake_provider import KEYS, FakeProvider, OpenAIBill, example_world, generate, load, moment, save
from tests.fake_provider.checks.reading import (
    ANALYTICS_COST,
    ANALYTICS_USAGE,
    COMPLETIONS,
    COST_REPORT,
    COSTS,
    ENDPOINTS,
    HTTP,
    NOW,
    PACKAGE,
    TODAY,
    TOKEN_DIMENSIONS,
    TOMORROW,
    USAGE_REPORT,
    WEEK_AGO,
    YESTERDAY,
    Client,
    Params,
    anthropic_client,
    disjoint,
    openai_client,
    rows,
    span,
    week,
)
from tests.fake_provider.wire import FACTS


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider(example_world(NOW)) as provider:
        yield provider


# Shapes


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_usage_page_has_the_documented_shape(fake: FakeProvider, endpoint: str) -> None:
    rules = FACTS["openai"]["usage"][endpoint]
    path = f"/v1/organization/usage/{endpoint}"
    client = openai_client(fake)

    grouped = client.read(path, week(bucket_width="1h", limit=168, group_by=rules["group_by"]))
    plain = client.read(path, week(limit=31))

    pattern = FACTS["openai"]["schemas"]["usage.completions"]
    if endpoint not in ("completions", "decisions"):
        pattern = json.loads(json.dumps(pattern))
        inner = pattern["properties"]["data"]["items"]["properties"]["results"]["items"]
        inner["required"] = ["object"]
    for body in (grouped, plain):
        validate(json.loads(json.dumps(body)), pattern)
    assert rows([plain]), "the example world has usage of every endpoint"
    assert all(row[name] is None for row in rows([plain]) for name in rules["group_by"])


def test_costs_have_the_documented_shape(fake: FakeProvider) -> None:
    response = openai_client(fake).get(COSTS, week(limit=31, group_by=["project_id", "line_item", "api_key_id"]))

    validate(response.json(), FACTS["openai"]["schemas"]["costs"])


@pytest.mark.parametrize(
    ("path", "schema", "params"),
    [
        ("/v1/organizations/me", "me", {}),
        (USAGE_REPORT, "usage_report", span(**{"bucket_width": "1h", "limit": 168})),
        (USAGE_REPORT, "usage_report", span(**{"group_by[]": ["model", "workspace_id", "api_key_id"]})),
        (COST_REPORT, "cost_report", span(**{"group_by[]": ["workspace_id", "description"]})),
        (COST_REPORT, "cost_report", span()),
        (ANALYTICS_USAGE, "analytics.usage", span(**{"time_bucket_width": "1h", "group_by[]": ["model"]})),
        (ANALYTICS_COST, "analytics.cost", span(**{"time_bucket_width": "1h", "group_by[]": ["cost_type"]})),
        (ANALYTICS_COST, "analytics.cost", span()),
    ],
)
def test_anthropic_answers_have_the_documented_shape(
    fake: FakeProvider, path: str, schema: str, params: Params
) -> None:
    response = anthropic_client(fake).get(path, params)

    validate(response.json(), FACTS["anthropic"]["schemas"][schema])
    assert response.headers["request-id"].startswith("req_")
    assert schema == "me" or response.json()["data"]


def test_refusals_have_the_documented_shape(fake: FakeProvider) -> None:
    ours = [
        openai_client(fake, "openai.deleted").get(COSTS, week()),
        openai_client(fake).get(COSTS),
        openai_client(fake).get("/v1/organization/nothing"),
    ]
    theirs = [
        anthropic_client(fake, "anthropic.deleted").get("/v1/organizations/me"),
        anthropic_client(fake).get(COST_REPORT),
        anthropic_client(fake).get("/v1/organizations/nothing"),
    ]

    assert [response.status_code for response in ours + theirs] == [401, 400, 404, 401, 400, 404]
    for response in ours:
        validate(response.json(), FACTS["openai"]["schemas"]["error"])
    for response in theirs:
        validate(response.json(), FACTS["anthropic"]["schemas"]["error"])
        assert response.json()["request_id"] == response.headers["request-id"]


# The official SDKs


@pytest.fixture
def openai_sdk(fake: FakeProvider) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(admin_api_key=KEYS["openai"], api_key="unused", base_url=f"{fake.url}/v1", max_retries=0) as sdk:
        yield sdk


@pytest.fixture
def anthropic_sdk(fake: FakeProvider) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key=KEYS["anthropic"], base_url=fake.url, max_retries=0) as sdk:
        yield sdk


@pytest.mark.parametrize("endpoint", ["completions", "decisions"])
def test_the_openai_sdk_reads_token_usage_as_it_happened(
    fake: FakeProvider, openai_sdk: openai.OpenAI, endpoint: typing.Literal["completions", "decisions"]
) -> None:
    usage = openai_sdk.admin.organization.usage
    page = getattr(usage, endpoint)(
        start_time=moment(WEEK_AGO),
        end_time=moment(TOMORROW),
        bucket_width="1h",
        limit=168,
        group_by=TOKEN_DIMENSIONS,
    )
    got = {}
    while True:
        for bucket in page.data:
            for row in bucket.results:
                key = (bucket.start_time, *(getattr(row, name) for name in TOKEN_DIMENSIONS))
                classes = disjoint(row.to_dict())
                got[key] = classes | {"requests": row.num_model_requests}
        if not page.has_more:
            break
        page = getattr(usage, endpoint)(
            start_time=moment(WEEK_AGO),
            end_time=moment(TOMORROW),
            bucket_width="1h",
            limit=168,
            group_by=TOKEN_DIMENSIONS,
            page=page.next_page,
        )

    truth = fake.world.openai.used_by(("hour", *TOKEN_DIMENSIONS), WEEK_AGO, TOMORROW, endpoint=endpoint)
    for row in truth.values():
        del row["units"]
    assert got == truth
    assert got


@pytest.mark.parametrize(
    ("endpoint", "counted"),
    [
        ("embeddings", {"input_tokens": 48_000, "num_model_requests": 12}),
        ("moderations", {"input_tokens": 900, "num_model_requests": 3}),
        ("images", {"images": 2, "num_model_requests": 2, "size": "1024x1024", "source": "image.generation"}),
        ("audio_speeches", {"characters": 1_234, "num_model_requests": 1, "model": "tts-1"}),
        ("audio_transcriptions", {"seconds": 75, "num_model_requests": 2, "model": "whisper-1"}),
        ("vector_stores", {"usage_bytes": 5_368_709_120, "project_id": "proj_search"}),
        ("code_interpreter_sessions", {"num_sessions": 3, "project_id": "proj_search"}),
        (
            "file_search_calls",
            {"num_requests": 6, "vector_store_id": "vs_docs", "api_key_id": "key_search_a"},
        ),
        ("web_search_calls", {"num_requests": 5, "num_model_requests": 2, "context_level": "medium"}),
    ],
)
def test_the_openai_sdk_reads_every_other_usage_endpoint(
    openai_sdk: openai.OpenAI, endpoint: str, counted: dict[str, Any]
) -> None:
    read = getattr(openai_sdk.admin.organization.usage, endpoint)
    page = read(
        start_time=moment(YESTERDAY),
        end_time=moment(TODAY),
        group_by=FACTS["openai"]["usage"][endpoint]["group_by"],
    )

    [row] = page.data[0].results
    assert {name: getattr(row, name) for name in counted} == counted
    # Each result is parsed as its own type, none as the first of the union.
    assert type(row).__name__.lower().endswith(row.object.split(".")[2].replace("_", "") + "result")


def test_the_openai_sdk_reads_costs_as_they_were_billed(fake: FakeProvider, openai_sdk: openai.OpenAI) -> None:
    page = openai_sdk.admin.organization.usage.costs(
        start_time=moment(WEEK_AGO),
        end_time=moment(TOMORROW),
        limit=31,
        group_by=["project_id", "line_item", "api_key_id"],
    )

    got = []
    for bucket in page.data:
        for row in bucket.results:
            assert row.object == "organization.costs.result"
            amount = row.amount.value if row.amount else None
            got.append((bucket.start_time, row.line_item, row.project_id, row.api_key_id, amount, row.quantity))
    assert sorted(got, key=str) == sorted(
        (
            (
                bill.at,
                bill.line_item,
                bill.project_id,
                bill.api_key_id,
                None if bill.amount is None else float(bill.amount),
                None if bill.quantity is None else float(bill.quantity),
            )
            for bill in fake.world.openai.bills
        ),
        key=str,
    )


def test_the_openai_sdk_walks_through_the_lists(fake: FakeProvider, openai_sdk: openai.OpenAI) -> None:
    organization = openai_sdk.admin.organization
    account = fake.world.openai

    projects = list(organization.projects.list(limit=1, include_archived=True))
    keys = list(organization.projects.api_keys.list("proj_search", limit=1))
    admins = list(organization.admin_api_keys.list(limit=2))
    users = list(organization.users.list(limit=1))

    assert [(item.id, item.name, item.archived_at) for item in projects] == [
        (item.id, item.name, item.archived_at) for item in account.projects
    ]
    assert [item.status for item in projects] == ["active", "active", "active", "archived"]
    assert [(item.id, item.owner.type, item.owner_project_access) for item in keys] == [
        ("key_search_a", "user", "active"),
        ("key_search_b", "service_account", "active"),
    ]
    assert [item.id for item in admins] == ["key_admin_full", "key_admin_usage", "key_admin_manage"]
    assert [(item.id, item.email, item.role) for item in users] == [
        ("user-ada", "ada@acme.test", "owner"),
        ("user-bob", "bob@acme.test", "reader"),
    ]


def test_the_openai_sdk_raises_the_right_errors(fake: FakeProvider, openai_sdk: openai.OpenAI) -> None:
    usage = openai_sdk.admin.organization.usage

    with pytest.raises(openai.BadRequestError) as bad:
        usage.costs(start_time=moment(WEEK_AGO), limit=181)
    assert bad.value.param == "limit"
    with pytest.raises(openai.AuthenticationError) as unknown:
        openai_sdk.with_options(admin_api_key=KEYS["openai.deleted"]).admin.organization.projects.list()
    assert unknown.value.code == "invalid_api_key"
    with pytest.raises(openai.PermissionDeniedError, match=r"Missing scopes: api\.usage\.read"):
        openai_sdk.with_options(admin_api_key=KEYS["openai.management_only"]).admin.organization.usage.costs(
            start_time=0
        )
    fake.script([{"do": {"action": "rate_limited", "retry_after": 7}}])
    with pytest.raises(openai.RateLimitError) as slow:
        usage.costs(start_time=moment(WEEK_AGO))
    assert slow.value.response.headers["retry-after"] == "7"


def test_the_anthropic_sdk_reads_who_and_where(fake: FakeProvider, anthropic_sdk: anthropic.Anthropic) -> None:
    account = fake.world.anthropic

    me = anthropic_sdk.organization.retrieve()
    spaces = list(anthropic_sdk.organization.workspaces.list(limit=1, include_archived=True, include_default=True))
    keys = list(anthropic_sdk.organization.api_keys.list(limit=1))
    users = list(anthropic_sdk.organization.users.list(limit=1))

    assert (me.id, me.name, me.type) == (account.id, "Acme", "organization")
    assert [(item.id, item.name, item.archived_at is None) for item in spaces] == [
        ("wrkspc_default", "Default", True),
        ("wrkspc_research", "Research", True),
        ("wrkspc_old", "Old", False),
    ]
    assert spaces[1].tags == {"team": "science"}
    assert [(item.id, item.status, getattr(item.scope, "workspace_id", None)) for item in keys] == [
        ("apikey_research", "active", "wrkspc_research"),
        ("apikey_default", "active", "wrkspc_default"),
        ("apikey_old", "archived", "wrkspc_old"),
    ]
    assert [(item.id, item.email, item.role) for item in users] == [
        ("user_ada", "ada@acme.test", "admin"),
        ("user_bob", "bob@acme.test", "developer"),
    ]


def test_the_anthropic_sdk_reads_usage_as_it_happened(fake: FakeProvider, anthropic_sdk: anthropic.Anthropic) -> None:
    dimensions = ("model", "workspace_id", "api_key_id", "service_tier", "product")
    items = anthropic_sdk.beta.organization.analytics.usage.list(
        starting_at=datetime.combine(WEEK_AGO, datetime.min.time(), UTC),
        ending_at=datetime.combine(TOMORROW, datetime.min.time(), UTC),
        time_bucket_width="1h",
        group_by=["model", "workspace_id", "api_key_id", "service_tier", "product"],
        limit=4,
    )

    got: dict[Any, dict[str, int]] = {}
    for item in items:
        usage = item.usage
        key = (int(item.starting_at.timestamp()), *(getattr(item.group, name) for name in dimensions))
        got[key] = {
            "input": usage.uncached_input_tokens,
            "cacheRead": usage.cache_read_input_tokens,
            "cacheWrite5m": usage.cache_creation.ephemeral_5m_input_tokens,
            "cacheWrite1h": usage.cache_creation.ephemeral_1h_input_tokens,
            "output": usage.output_tokens,
            "requests": usage.requests or 0,
            "web_searches": usage.server_tool_use.web_search_requests,
        }
        assert usage.total_tokens == sum(got[key].values()) - (usage.requests or 0) - got[key]["web_searches"]
    assert got == fake.world.anthropic.used_by(("hour", *dimensions), WEEK_AGO, TOMORROW)


def test_the_anthropic_sdk_reads_costs_as_they_were_billed(
    fake: FakeProvider, anthropic_sdk: anthropic.Anthropic
) -> None:
    dimensions = ("model", "workspace_id", "api_key_id", "service_tier", "product")
    items = anthropic_sdk.beta.organization.analytics.cost.list(
        starting_at=f"{WEEK_AGO}T00:00:00Z",
        ending_at=f"{TOMORROW}T00:00:00Z",
        time_bucket_width="1h",
        group_by=[
            "model",
            "workspace_id",
            "api_key_id",
            "service_tier",
            "product",
            "cost_type",
            "token_type",
        ],
        limit=3,
    )

    fan = ("cost_type", "token_type")
    got: dict[Any, Decimal] = {}
    listed = Decimal(0)
    for item in items:
        assert item.cost.currency == "USD"
        listed += Decimal(item.cost.list_amount) / 100
        key = (int(item.starting_at.timestamp()), *(getattr(item.group, name) for name in dimensions + fan))
        got[key] = Decimal(item.cost.amount) / 100
    account = fake.world.anthropic
    assert got == account.billed_by(("hour", *dimensions, *fan), WEEK_AGO, TOMORROW)
    assert listed == account.total_billed(WEEK_AGO, TOMORROW, at_list_price=True)
    assert listed != account.total_billed(WEEK_AGO, TOMORROW)


def test_the_anthropic_sdk_raises_the_right_errors(fake: FakeProvider, anthropic_sdk: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.AuthenticationError):
        anthropic_sdk.with_options(api_key=KEYS["anthropic.workspace"]).organization.retrieve()
    with pytest.raises(anthropic.PermissionDeniedError):
        anthropic_sdk.with_options(api_key=KEYS["anthropic.enterprise"]).organization.retrieve()
    fake.script([{"do": {"action": "status", "status": 529}}])
    with pytest.raises(anthropic.APIStatusError) as busy:
        anthropic_sdk.organization.retrieve()
    assert busy.value.status_code == 529
    assert "overloaded_error" in str(busy.value)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_our_usage_parameters_are_those_of_the_openai_sdk(endpoint: str) -> None:
    module = __import__(f"openai.types.admin.organization.usage_{endpoint}_params", fromlist=["anything"])
    [kind] = [item for name, item in vars(module).items() if name.lower() == f"usage{endpoint}params".replace("_", "")]
    hints = typing.get_type_hints(kind)
    rules = FACTS["openai"]["usage"][endpoint]

    assert set(_words(hints["group_by"])) == set(rules["group_by"])
    assert set(_words(hints["bucket_width"])) == set(FACTS["openai"]["buckets"])
    common = {"start_time", "end_time", "bucket_width", "limit", "page", "group_by"}
    assert set(hints) == common | set(rules["filters"])


def test_our_cost_parameters_are_those_of_the_sdks() -> None:
    hints = typing.get_type_hints(usage_costs_params.UsageCostsParams)
    rules = FACTS["openai"]["costs"]
    assert set(_words(hints["group_by"])) == set(rules["group_by"])
    common = {"start_time", "end_time", "bucket_width", "limit", "page", "group_by"}
    assert set(hints) == common | set(rules["filters"])

    analytics = FACTS["anthropic"]["analytics"]
    assert set(typing.get_args(BetaAnalyticsUsageGroupBy)) == set(analytics["group_by"])
    assert set(typing.get_args(BetaAnalyticsCostGroupBy)) == {*analytics["group_by"], *analytics["fan_out"]}
    known = {
        "starting_at",
        "ending_at",
        "time_bucket_width",
        "group_by",
        "limit",
        "order",
        "order_by",
        "page",
    }
    known |= {"exclude_deleted_users", "betas", *analytics["filters"]}
    for params in (cost_list_params.CostListParams, usage_list_params.UsageListParams):
        assert set(typing.get_type_hints(params)) == known


def _words(hint: Any) -> list[str]:
    """The literals somewhere inside a type."""
    if typing.get_origin(hint) is typing.Literal:
        return [str(word) for word in typing.get_args(hint)]
    return [word for part in typing.get_args(hint) for word in _words(part)]


# Worlds


def test_the_truth_of_the_example_is_what_its_author_added_up_by_hand() -> None:
    world = example_world(NOW)
    ago = {number: TODAY - timedelta(days=number) for number in range(8)}

    assert world.openai.total_billed(ago[6], ago[5]) == Decimal("-1.24984865")
    assert world.openai.total_billed(ago[6], ago[5], "eur") == Decimal("2.10")
    assert world.openai.total_billed(ago[5], ago[3]) == 0
    assert world.openai.tokens(ago[2], ago[1]) == {
        "input": 40,
        "cacheRead": 50,
        "cacheWrite5m": 2_000,
        "cacheWrite1h": 500,
        "output": 6,
        "audioIn": 600,
        "audioOut": 900,
        "imageIn": 0,
        "imageOut": 0,
    }
    assert world.openai.requests(ago[1], ago[0], endpoint="web_search_calls") == 2
    assert world.openai.units(ago[1], ago[0], endpoint="web_search_calls") == 5
    assert world.anthropic.total_billed(ago[6], ago[5]) == Decimal("0.000315")
    assert world.anthropic.tokens(ago[6], ago[5])["input"] == 70


def test_a_world_survives_being_saved(tmp_path: Path) -> None:
    for number, world in enumerate((example_world(NOW), generate(days=3, models=5, projects=4, rows=500, now=NOW))):
        save(world, tmp_path / f"{number}.json")

        assert load(tmp_path / f"{number}.json") == world


def test_a_generated_world_is_the_same_every_time() -> None:
    sizes = 10, 12, 6, 4_000

    first, again, other = (generate(*sizes, seed, NOW) for seed in (1, 1, 2))

    assert first == again
    assert first != other
    account = first.openai
    assert len(account.usage) + len(first.anthropic.usage) == 4_000
    assert len(account.projects) == 6
    assert len({fact.model for fact in account.usage}) == 12
    assert len({fact.model for fact in first.anthropic.usage}) == 12
    assert min(fact.at for fact in account.usage) > NOW - 10 * 86_400
    assert max(fact.at for fact in account.usage) <= NOW


def test_the_bill_of_a_generated_world_follows_from_its_usage() -> None:
    world = generate(days=5, models=6, projects=4, rows=1_000, now=NOW)
    first, last = TODAY - timedelta(days=6), TOMORROW

    billed: dict[str, int] = {}
    for bill in world.openai.bills:
        kind = str(bill.line_item).rsplit(", ", 1)[1]
        billed[kind] = billed.get(kind, 0) + int(bill.quantity or 0)
    tokens = world.openai.tokens(first, last)
    assert billed == {
        "input": tokens["input"],
        "cached input": tokens["cacheRead"],
        "output": tokens["output"],
    }
    assert world.openai.total_billed(first, last) > 0
    used = world.anthropic.used_by(("hour", "model", "api_key_id"), first, last)
    assert used.keys() == world.anthropic.billed_by(("hour", "model", "api_key_id"), first, last).keys()


def test_a_hundred_thousand_rows_are_served_quickly() -> None:
    world = generate(rows=100_000, now=NOW, providers=("openai",))
    with FakeProvider(world) as fake:
        client = Client(fake, {"authorization": f"Bearer {world.openai.key}"})
        dimensions = ["project_id", "api_key_id", "model", "service_tier", "batch"]
        asked = week(bucket_width="1h", limit=168, group_by=dimensions)
        client.get(COMPLETIONS, week(limit=1))
        # Client and server share this process, and a busy machine shall not count against them.
        started = time.process_time()
        response = client.get(COMPLETIONS, asked)
        first = time.process_time() - started
        client.get(COMPLETIONS, asked)
        again = time.process_time() - started - first

    assert first < 1
    assert again < first / 2
    assert len(rows([response.json()])) > 5_000


def test_it_runs_from_the_command_line(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"match": {"path": "models"}, "do": {"action": "html"}}]', encoding="utf-8")
    command = [sys.executable, "-m", "tests.fake_provider", "--port", "0", "--world", "generated:3x4x2x200"]
    with subprocess.Popen(
        [*command, "--faults", str(faults)], stdout=subprocess.PIPE, text=True, cwd=PACKAGE.parent.parent
    ) as process:
        assert process.stdout
        line = process.stdout.readline()
        try:
            url = line.removeprefix("fake provider at ").strip()
            truth = HTTP.get(
                f"{url}/__fake__/truth?provider=openai&from=2020-01-01&to=2100-01-01",
            )
            page = HTTP.get(f"{url}/v1/models")
        finally:
            process.send_signal(signal.SIGTERM)

        assert url.startswith("http://127.0.0.1:")
        assert Decimal(truth.json()["billed"]["usd"]) > 0
        assert page.text.startswith("<!doctype")
        assert process.wait(timeout=30) == 0
        assert process.stdout.read() == ""


def test_it_needs_nothing_but_the_standard_library() -> None:
    outside = set()
    for module in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                outside |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                outside.add(str(node.module).split(".")[0])

    assert outside <= set(sys.stdlib_module_names)


def test_every_kind_of_fact_occurs_in_the_example() -> None:
    world = example_world(NOW)

    assert {type(fact) for fact in world.openai.bills} == {OpenAIBill}
    assert {fact.endpoint for fact in world.openai.usage} == set(ENDPOINTS)
    assert {bill.cost_type for bill in world.anthropic.bills} == set(FACTS["anthropic"]["enums"]["cost_type"])
    assert {bill.token_type for bill in world.anthropic.bills} - {None} == set(
        FACTS["anthropic"]["enums"]["token_type"]
    )
