"""How these tests read the fake: the moment they live in, a plain client, and windows to ask for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

from tests.fake_provider import KEYS, FakeProvider, moment
from tests.fake_provider.wire import FACTS

TODAY = date(2026, 11, 20)
TOMORROW = TODAY + timedelta(days=1)
YESTERDAY = TODAY - timedelta(days=1)
WEEK_AGO = TODAY - timedelta(days=7)
NOW = moment(TODAY, 15) + 2_520
PACKAGE = Path(__file__).parents[1]
BETA = "analytics-usage-cost-2026-08-24"
MINI = "gpt-5-mini-2025-08-07"
ENDPOINTS = list(FACTS["openai"]["usage"])
TOKEN_DIMENSIONS = ["project_id", "user_id", "api_key_id", "model", "batch", "service_tier", "api_source"]
COMPLETIONS = "/v1/organization/usage/completions"
COSTS = "/v1/organization/costs"
USAGE_REPORT = "/v1/organizations/usage_report/messages"
COST_REPORT = "/v1/organizations/cost_report"
ANALYTICS_USAGE = "/v1/organizations/analytics/usage"
ANALYTICS_COST = "/v1/organizations/analytics/cost"

Params = dict[str, Any]


# One for all, because making one loads certificates.
HTTP = httpx2.Client(timeout=10, trust_env=False)


class Client:
    """Reads one provider with one key; `get` gives the response, `read` the body of a good one."""

    def __init__(self, fake: FakeProvider, headers: dict[str, str]) -> None:
        self._fake = fake
        self._headers = headers

    def get(self, path: str, params: Params | None = None, headers: dict[str, str] | None = None) -> Any:
        return HTTP.get(self._fake.url + path, params=params or {}, headers=self._headers | (headers or {}))

    def read(self, path: str, params: Params | None = None) -> Any:
        response = self.get(path, params)
        assert response.status_code == 200, response.text
        return json.loads(response.text, parse_float=Decimal)

    def pages(self, path: str, params: Params) -> list[Any]:
        bodies = [self.read(path, params)]
        while bodies[-1]["has_more"]:
            bodies.append(self.read(path, {**params, "page": bodies[-1]["next_page"]}))
            assert len(bodies) < 200
        return bodies


def openai_client(fake: FakeProvider, key: str = "openai") -> Client:
    return Client(fake, {"authorization": f"Bearer {KEYS[key]}"})


def anthropic_client(fake: FakeProvider, key: str = "anthropic", **headers: str) -> Client:
    return Client(fake, {"x-api-key": KEYS[key], "anthropic-version": "2023-06-01", "anthropic-beta": BETA} | headers)


def week(**more: Any) -> Params:
    return {"start_time": moment(WEEK_AGO), "end_time": moment(TOMORROW), **more}


def span(first: date = WEEK_AGO, last: date = TOMORROW, /, **more: Any) -> Params:
    return {"starting_at": f"{first}T00:00:00Z", "ending_at": f"{last}T00:00:00Z", **more}


def rows(bodies: list[Any]) -> list[Any]:
    return [row for body in bodies for bucket in body["data"] for row in bucket["results"]]


def disjoint(row: dict[str, Any]) -> dict[str, int]:
    """The disjoint token classes of a completions row, as the reference defines them."""

    def number(name: str) -> int:
        return int(row.get(name) or 0)

    short = number("input_cache_write_30m_tokens") if "input_cache_write_30m_tokens" in row else None
    classes = {
        "cacheRead": number("input_cached_tokens"),
        "cacheWrite5m": number("input_cache_write_tokens") if short is None else short,
        "cacheWrite1h": number("input_cache_write_12h_tokens"),
        "audioIn": number("input_audio_tokens"),
        "imageIn": number("input_image_tokens"),
    }
    classes["input"] = number("input_tokens") - sum(classes.values())
    classes["audioOut"] = number("output_audio_tokens")
    classes["imageOut"] = number("output_image_tokens")
    classes["output"] = number("output_tokens") - classes["audioOut"] - classes["imageOut"]
    return classes


def added(parts: list[dict[str, int]]) -> dict[str, int]:
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def error_of(response: Any) -> dict[str, Any]:
    error: dict[str, Any] = json.loads(response.text)["error"]
    return error


def sparse_rows(bodies: list[Any]) -> list[Any]:
    return [row for body in bodies for row in body["data"]]


def seconds_of(act: Callable[[], Any]) -> float:
    start = time.monotonic()
    act()
    return time.monotonic() - start
