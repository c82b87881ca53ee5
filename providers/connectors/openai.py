"""OpenAI: usage by the hour and by the day, costs by the day, read with an admin key."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.forms import Form

from providers.connectors import openai_account, openai_bill, openai_refusals, openai_usage, reading
from providers.connectors.base import (
    Account,
    Card,
    ConnectorError,
    Credentials,
    Endpoint,
    Outcome,
    Page,
    WrongKind,
)
from providers.connectors.buckets import Buckets
from providers.connectors.calling import AnswerTooLarge, Api, Params
from providers.connectors.forms import OpenAIForm
from providers.connectors.openai_usage import Report
from tokentra.lib.http import Client
from usage.rows import Ledger, UsageRow

HOUR, DAY = 3_600, 86_400
COSTS_BY = ("project_id", "line_item", "api_key_id")
COSTS_BY_KEY_SINCE = datetime.fromtimestamp(1_764_979_200, UTC)  # before, grouping by key is refused
COSTS_LIMIT = 180  # asked for; pages have held 31 to 41 days, and only next_page says whether there is more


def _endpoint(report: Report) -> Endpoint:
    return Endpoint(
        name=report.name,
        label=report.label,
        ledger=Ledger.USAGE,
        window_days=7 if report.is_hourly else 31,
        hot_days=3,
        hot_every=timedelta(hours=1),
        deep_days=7,
        deep_every=timedelta(days=1),
        essential=report.is_hourly,
    )


COSTS = Endpoint(
    name="costs",
    label="Costs",
    ledger=Ledger.BILLED,
    window_days=31,
    hot_days=3,
    hot_every=timedelta(hours=6),
    deep_days=35,
    deep_every=timedelta(days=1),
)


class OpenAI:
    key = "openai"
    label = "OpenAI"
    host = "https://api.openai.com"
    form: type[Form] = OpenAIForm
    endpoints = (COSTS, *(_endpoint(report) for report in openai_usage.REPORTS))
    card = Card(
        models="GPT and o-series models, embeddings, images, audio, tools",
        gives=(
            "Costs as billed, by UTC day, project, key and line item. Tokens and requests by hour, model,"
            " project, key, user and service tier; images, audio, storage and tool calls by day."
        ),
        freshness=(
            "Usage usually appears within minutes; OpenAI makes no promise. A day's costs appear during"
            " the day and grow until after midnight UTC. The last days are read again and corrected."
        ),
        who="An organization owner. Project keys and service account keys cannot read usage or costs.",
        steps=(
            "Sign in to platform.openai.com as an organization owner and open Settings > Organization > Admin keys.",
            "Create an admin key named “TokenTra”. Choose “Read only”, or “Restricted” with Usage: Read and"
            " Organization administration: Read. Set an expiry date if your rules ask for one.",
            "Copy the key and paste it here. OpenAI shows it once.",
        ),
        key_page="https://platform.openai.com/settings/organization/admin-keys",
        calls=(
            "GET /v1/organization/costs",
            *(f"GET /v1/organization/usage/{report.path}" for report in openai_usage.REPORTS),
            "GET /v1/organization/projects",
            "GET /v1/organization/projects/{id}/api_keys",
            "GET /v1/organization/admin_api_keys",
            "GET /v1/organization/users",
        ),
        note=(
            "An admin key cannot run models. With “Usage: Read” alone the figures are complete, but"
            " projects, keys and people appear by their ids instead of their names."
        ),
    )

    def endpoints_for(self, capabilities: frozenset[str]) -> tuple[Endpoint, ...]:
        """Every endpoint, whatever the key could read when it was connected: each tells of itself."""
        return self.endpoints

    def recognise(self, credentials: Credentials) -> WrongKind | None:
        return openai_refusals.recognise(credentials["admin_key"].reveal())

    def identify(self, http: Client, credentials: Credentials, *, now: datetime) -> Account:
        secret = credentials["admin_key"]
        api = self._api(http, credentials)
        return openai_account.identify(api, secret.reveal(), last_four=secret.last_four, now=now)

    def names(self, http: Client, credentials: Credentials) -> Mapping[str, Mapping[str, tuple[str, str]]]:
        return openai_account.names(self._api(http, credentials))

    def read(
        self,
        http: Client,
        credentials: Credentials,
        endpoint: Endpoint,
        start: datetime,
        end: datetime,
        *,
        now: datetime,
    ) -> Page:
        api = self._api(http, credentials)
        end = min(end, reading.day_after(now))
        if end <= start:
            return Page(())
        if endpoint.name == COSTS.name:
            return self._read_costs(api, start, end, now)
        return self._read_usage(api, openai_usage.BY_NAME[endpoint.name], start, end, now)

    def _read_usage(self, api: Api, report: Report, start: datetime, end: datetime, now: datetime) -> Page:
        """In one page where it fits; what is too large is asked for again in parts, then without users."""
        width, seconds, limit, small = ("1h", HOUR, 168, 24) if report.is_hourly else ("1d", DAY, 31, 4)
        without_users = replace(report, group_by=tuple(name for name in report.group_by if name != "user_id"))
        attempts = ((report, limit), (report, small), (without_users, small))
        for asked, page_limit in attempts:
            params = [("bucket_width", width), ("limit", str(page_limit))]
            buckets = Buckets(start, end, seconds)
            try:
                raw = self._fill(buckets, api, f"/v1/organization/usage/{report.path}", params, asked.group_by)
            except AnswerTooLarge:
                if asked is without_users:
                    raise
                continue
            return self._usage_page(api, buckets, asked, raw, now)
        raise api.unexpected("an answer that is too large")

    def _usage_page(self, api: Api, buckets: Buckets, report: Report, raw: int, now: datetime) -> Page:
        self._expect_buckets(api, buckets, now)
        rows: list[UsageRow] = []
        for start, result in buckets.results():
            try:
                usage = openai_usage.read(report, result, start=start, seconds=buckets.seconds, grouped=report.group_by)
            except reading.BadRow as reason:
                buckets.bad(start, result, reason)
                continue
            if usage.problem:
                buckets.bad(start, result, usage.problem, leaves_out=0)
            rows.append(usage.row)
        problems = buckets.problems
        return Page(tuple(rows), problems.all(), raw, left_out=problems.left_out, odd=problems.odd)

    def _read_costs(self, api: Api, start: datetime, end: datetime, now: datetime) -> Page:
        buckets, with_key = Buckets(start, end, DAY), True
        params = [("bucket_width", "1d"), ("limit", str(COSTS_LIMIT))]
        try:
            raw = self._fill(buckets, api, "/v1/organization/costs", params, COSTS_BY)
        except ConnectorError as reason:
            if not _is_about_keys(reason, start):
                raise
            buckets, with_key = Buckets(start, end, DAY), False
            raw = self._fill(buckets, api, "/v1/organization/costs", params, COSTS_BY[:2])
        self._expect_buckets(api, buckets, now)
        rows: list[UsageRow] = []
        accounts: set[str] = set()
        for at, result in buckets.results():
            if isinstance(result.get("organization_id"), str):
                accounts.add(result["organization_id"])
            try:
                rows.append(openai_bill.row(result, start=at, seconds=DAY, with_key=with_key))
            except reading.BadRow as problem:
                buckets.bad(at, result, problem)
        if len(accounts) > 1:
            raise api.unexpected("costs of two organizations at once")
        return Page(
            tuple(rows),
            buckets.problems.all(),
            raw,
            account_id=next(iter(accounts), ""),
            left_out=buckets.problems.left_out,
            odd=buckets.problems.odd,
        )

    def _fill(self, buckets: Buckets, api: Api, path: str, params: Params, group_by: tuple[str, ...]) -> int:
        """Read every page of a window; how many there were."""
        window = [
            ("start_time", str(int(buckets.start.timestamp()))),
            ("end_time", str(int(buckets.end.timestamp()))),
        ]
        raw = 0
        for page in api.pages(path, [*window, *params, *(("group_by", name) for name in group_by)]):
            buckets.add(page["data"], start_of=lambda bucket: reading.unix_time(bucket, "start_time"))
            raw += 1
        return raw

    def _expect_buckets(self, api: Api, buckets: Buckets, now: datetime) -> None:
        """Every bucket comes, idle ones too: an answer without any says nothing about usage."""
        if buckets.is_empty and buckets.missing(now):
            raise api.unexpected("no days at all, where even idle ones should be")
        buckets.note_missing(now)

    def _api(self, http: Client, credentials: Credentials) -> Api:
        return openai_refusals.api(http, credentials["admin_key"].reveal())


def _is_about_keys(reason: ConnectorError, start: datetime) -> bool:
    """Whether the same costs may come without their keys."""
    return reason.outcome is Outcome.BAD_REQUEST and ("api_key_id" in reason.detail or start < COSTS_BY_KEY_SINCE)
