"""Anthropic: usage and costs by the hour where its analytics interface answers, else by its older reports."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from django.forms import Form

from providers.connectors import (
    anthropic_account,
    anthropic_analytics,
    anthropic_refusals,
    anthropic_reports,
    reading,
)
from providers.connectors.anthropic_account import ANALYTICS, REPORTS
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
from providers.connectors.calling import Api
from providers.connectors.forms import AnthropicForm
from tokentra.lib.http import Client
from usage.rows import Ledger

ELSEWHERE = frozenset({Outcome.MISSING_SCOPE, Outcome.NOT_AVAILABLE, Outcome.BAD_REQUEST})


def _endpoint(name: str, label: str, ledger: Ledger) -> Endpoint:
    return Endpoint(
        name=name,
        label=label,
        ledger=ledger,
        window_days=3,
        hot_days=3,
        hot_every=timedelta(hours=1),
        deep_days=31,
        deep_every=timedelta(days=7),
        via=ANALYTICS,
    )


class Anthropic:
    key = "anthropic"
    label = "Anthropic"
    host = "https://api.anthropic.com"
    form: type[Form] = AnthropicForm
    endpoints = (_endpoint("usage", "Usage", Ledger.USAGE), _endpoint("cost", "Costs", Ledger.BILLED))
    card = Card(
        models="Claude models, web search, code execution",
        gives=(
            "Costs as billed and tokens, by hour, model, workspace, key, service tier and context window."
            " Where the newer interface does not answer: tokens by hour, costs by UTC day and workspace,"
            " without Priority Tier."
        ),
        freshness="Usually about five minutes late; for Claude Enterprise one to three hours.",
        who=(
            "An organization admin. Individual accounts have no admin keys until they create an organization."
            " Claude Enterprise: the primary owner, with a key that has read:analytics."
        ),
        steps=(
            "Sign in to the Claude Console as an organization admin and open Settings > Admin keys.",
            "Create a key named “TokenTra”.",
            "Copy the key and paste it here. Anthropic shows it once.",
        ),
        key_page="https://platform.claude.com/settings/admin-keys",
        calls=(
            "GET /v1/organizations/me",
            "GET /v1/organizations/workspaces",
            "GET /v1/organizations/api_keys",
            "GET /v1/organizations/users",
            "GET /v1/organizations/analytics/usage",
            "GET /v1/organizations/analytics/cost",
            "GET /v1/organizations/usage_report/messages",
            "GET /v1/organizations/cost_report",
        ),
        note=(
            "Anthropic's admin keys cannot be limited to reading: whoever has one can manage members and"
            " keys. TokenTra makes only the calls listed here."
        ),
    )

    def endpoints_for(self, capabilities: frozenset[str]) -> tuple[Endpoint, ...]:
        if REPORTS in capabilities and ANALYTICS not in capabilities:
            return tuple(replace(endpoint, via=REPORTS) for endpoint in self.endpoints)
        return self.endpoints

    def recognise(self, credentials: Credentials) -> WrongKind | None:
        return anthropic_refusals.recognise(credentials["admin_key"].reveal())

    def identify(self, http: Client, credentials: Credentials, *, now: datetime) -> Account:
        return anthropic_account.identify(self._api(http, credentials), credentials["admin_key"].reveal(), now=now)

    def names(self, http: Client, credentials: Credentials) -> Mapping[str, Mapping[str, tuple[str, str]]]:
        return anthropic_account.names(self._api(http, credentials))

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
        """By analytics, and by the older report when analytics refuses; one window is never read by both."""
        api = self._api(http, credentials)
        end = min(end, reading.day_after(now))
        if end <= start:
            return Page(())
        if endpoint.via == REPORTS:
            return anthropic_reports.read(api, endpoint.name, start, end, now=now)
        try:
            return anthropic_analytics.read(api, endpoint.name, start, end, now=now)
        except ConnectorError as refusal:
            if refusal.outcome not in ELSEWHERE or refusal.earliest:
                raise
            reason = refusal
        try:
            return anthropic_reports.read(api, endpoint.name, start, end, now=now)
        except ConnectorError as refusal:
            # what was refused first is what a person has to know, unless the second says when to come back
            raise (reason if refusal.permanent else refusal) from None

    def _api(self, http: Client, credentials: Credentials) -> Api:
        return anthropic_refusals.api(http, credentials["admin_key"].reveal())
