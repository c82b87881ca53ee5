"""How a program says whom a call was for: commands that work as they stand."""

import json

from accounts.http import absolute

EXAMPLES = {
    "customerId": "customer-42",
    "agent": "planner",
    "runId": "run-1",
    "feature": "search",
    "team": "support",
}


def snippet(field: str) -> str:
    """One event by curl, with this field and those that go well with it."""
    event = {"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 900, "output": 45}}
    said = {"agent": ("agent", "runId"), "runId": ("agent", "runId")}.get(field, (field,))
    tag = field.removeprefix("tags.") if field.startswith("tags.") else ""
    told = {"tags": {tag: "example"}} if tag else {name: EXAMPLES.get(name, "example") for name in said if name}
    body = json.dumps(event | told)
    return (
        f"curl {absolute('/api/usage/track')} \\\n"
        '  -H "Authorization: Bearer $TOKENTRA_API_KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{body}'"
    )
