"""What a company with customers, agents and tools sends over some weeks."""

import random
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Organization
from usage.measuring import tracking

CUSTOMERS = (
    "alice",
    "acme/eu-west",
    "a-customer-whose-name-has-sixty-characters-and-goes-on-and-on",
    "bob",
    "Zoë & co",
)
MODELS = (
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-sonnet-4-5"),
    ("mistral", "mistral-large-latest"),
    ("openai", "nobody-knows"),
)


def weeks(now: datetime, *, customers: int = 60, calls: int = 900) -> list[dict[str, Any]]:
    dice = random.Random(5)
    names = [*CUSTOMERS, *(f"customer-{number:03}" for number in range(customers - len(CUSTOMERS)))]
    story = []
    for number in range(calls):
        provider, model = dice.choices(MODELS, (5, 9, 4, 2, 1))[0]
        at = now - timedelta(minutes=dice.randint(1, 27 * 24 * 60))
        story.append(
            {
                "id": f"call-{number}",
                "occurredAt": at.isoformat(),
                "provider": provider,
                "model": model,
                "tokens": {"input": dice.randint(100, 90_000), "output": dice.randint(10, 9_000)},
                "latencyMs": int(dice.lognormvariate(7, 0.8)),
                "status": dice.choices(("ok", "error"), (20, 1))[0],
                "customerId": dice.choices([*names, None], [1 / (n + 2) for n in range(len(names) + 1)])[0],
                "feature": dice.choice(("chat", "search", "summaries", None)),
                "team": dice.choice(("Support", "Growth")),
            }
        )
    return [*story, *run(now)]


def run(now: datetime, name: str = "run-2026/11") -> list[dict[str, Any]]:
    """One task of an agent: it plans, looks things up, and one look-up fails."""
    at, story = now - timedelta(hours=2), []
    steps = [
        ("plan", None, None, "ok"),
        ("search", "plan", "web_search", "ok"),
        ("read", "search", "browser", "ok"),
        ("read-again", "search", "browser", "timeout"),
        ("write", "plan", None, "ok"),
        ("check", "write", "linter", "ok"),
        ("answer", None, None, "ok"),
    ]
    for place, (step, parent, tool, status) in enumerate(steps):
        story.append(
            {
                "id": f"{name}-{step}",
                "occurredAt": (at + timedelta(seconds=3 * place)).isoformat(),
                "provider": "openai",
                "model": "gpt-4o" if place % 2 else "gpt-4o-mini",
                "tokens": {"input": 900 * (place + 1), "cacheRead": 300, "output": 120, "reasoning": 40},
                "latencyMs": 700 + 400 * place,
                "status": status,
                "errorCode": "deadline" if status != "ok" else None,
                "runId": name,
                "parentId": f"{name}-{parent}" if parent else None,
                "agent": "planner",
                "customerId": "alice",
                "tool": tool,
                "feature": "research",
                "region": "eu",
            }
        )
    return story


LONG = "x" * 256


def of_long_names(now: datetime) -> dict[str, Any]:
    """A call whose every name is as long as a name may be, with no place to break."""
    names = dict.fromkeys(("customerId", "agent", "runId", "feature", "team", "tool", "region", "model"), LONG)
    return {"id": "long", "occurredAt": now.isoformat(), "provider": "openai", "tokens": {"input": 9}} | names


def told(organization: Organization, now: datetime, **more: int) -> None:
    """The whole story, as its code sends it."""
    tracking.forget()
    story = [*weeks(now, **more), of_long_names(now - timedelta(hours=1))]
    for start in range(0, len(story), 1_000):
        answer = tracking.track(organization.pk, story[start : start + 1_000], key_id=None, now=now)
        assert answer.rejected == 0, answer.results
