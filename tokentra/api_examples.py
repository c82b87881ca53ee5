"""What each route of the API is sent and answers, for its reference page: real calls, shortened and made alike."""

import json
from functools import cache
from pathlib import Path
from typing import Any

JSON = "application/json"
REFUSED = {
    "description": "Refused. Every refusal has this shape; its code and message say what to do.",
    "content": {
        JSON: {
            "example": {
                "error": {
                    "code": "invalid_field",
                    "message": "Correct these fields and send it again: name.",
                    "fields": {"name": ["Give it a name."]},
                    "requestId": "0123456789ab",
                }
            }
        }
    },
}


@cache
def all_of_them() -> dict[str, dict[str, Any]]:
    """By way and path; a response that is no JSON stands under its content type."""
    found: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_suffix(".json").read_text())
    return found


def add(paths: dict[str, dict[str, Any]]) -> None:
    for path, ways in paths.items():
        for way, told in ways.items():
            told["responses"].setdefault("default", REFUSED)
            if example := all_of_them().get(f"{way.upper()} {path}"):
                show(told, example)


def show(told: dict[str, Any], example: dict[str, Any]) -> None:
    if "request" in example:
        told["requestBody"]["content"][JSON]["example"] = example["request"]
    for status, response in told["responses"].items():
        if str(status).startswith("2") and str(status) != "204" and "response" in example:
            content = response.setdefault("content", {JSON: {}})
            for kind in content:
                shown = example.get(kind, example["response"] if kind == JSON else None)
                if shown is not None:
                    content[kind] = content[kind] | {"example": shown}
