"""The parameters of the usage API as its reference page shows them; `usage.asking` reads them by hand."""

from collections.abc import Iterable
from typing import Any

from usage.asking import LIMIT, METRICS, MOST
from usage.figures import DIMENSIONS, LEDGERS, TIMES
from usage.spenders.stats import ONLY_MEASURED


def parameter(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": {"type": "string"} | schema,
    }


RANGE = [
    parameter(
        "from",
        "The start: 2026-01-31 (that UTC day's midnight) or an RFC 3339 instant at a whole UTC hour. Default: 30 days.",
    ),
    parameter("to", "The end, itself not included, in the same forms."),
    parameter("ledger", "Which amounts: what counts, or one ledger alone.", enum=[*LEDGERS], default="counted"),
]
GROUPS = f"Any of {', '.join((*TIMES, *DIMENSIONS))}, by commas; at most one of the times."
MEASURED = (
    f"Of what your own code measured also {', '.join(ONLY_MEASURED)} and, where a tag is added up, tag:region and "
    "alike: one of them, or two that are kept together, by day, week or month."
)
ZONE = (
    "Where the organization's zone is not UTC, organization: customers, features and alike have the days of that zone."
)


def filtered(names: Iterable[str]) -> list[dict[str, Any]]:
    return [parameter(f"filter[{name}]", f"Only this {name.replace('_', ' ')}; may be repeated.") for name in names]


STATS: dict[str, Any] = {
    "parameters": [
        *RANGE,
        parameter("groupBy", f"{GROUPS} {MEASURED}"),
        *filtered((*DIMENSIONS, *ONLY_MEASURED)),
        parameter("zone", ZONE, enum=["organization"]),
        parameter("metric", f"Any of {', '.join(METRICS)}, by commas. Default: all."),
        parameter("limit", "Groups on a page.", type="integer", minimum=1, maximum=MOST, default=LIMIT),
        parameter("cursor", "The nextCursor of the page before."),
    ]
}
EXPORT: dict[str, Any] = {
    "parameters": [
        *RANGE,
        parameter("groupBy", GROUPS),
        *filtered(DIMENSIONS),
        parameter("format", "csv, json, or focus (FinOps FOCUS columns as CSV).", enum=["csv", "json", "focus"]),
        parameter("sort", "A column of the answer; a leading - turns the order around."),
    ],
    "responses": {
        200: {
            "description": "The file, streamed. Its last line carries the count of rows, or says what went wrong.",
            "content": {"text/csv": {}, "application/json": {}},
        }
    },
}
