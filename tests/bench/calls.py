"""Model calls of a company as its code would report them: the same ones for the same seed, oldest first."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

MODELS = (
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("openai", "gpt-4.1"),
    ("openai", "o3-mini"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-haiku-4-5"),
    ("anthropic", "claude-opus-4-5"),
    ("google", "gemini-2.5-flash-lite"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-2.5-flash"),
    ("mistral", "mistral-large-latest"),
    ("mistral", "mistral-small-latest"),
)
REASONING = frozenset(("o3-mini", "gemini-2.5-pro", "gemini-2.5-flash"))
ERRORS = ("rate_limit", "timeout", "context_length", "server_error", "content_filter")
STATUS = {"timeout": "timeout"}
FEATURES = tuple(f"feature-{number:02}" for number in range(20))
CUSTOMERS = 200
DAYS = 28


def calls(count: int, *, until: datetime, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Two hundred customers and twenty features of very unequal size, four models for each feature; nearly each in
    a session of its own, which is a tag."""
    dice = random.Random(seed)
    customers = [1 / (number + 1) for number in range(CUSTOMERS)]
    features = [1 / (number + 1) ** 0.8 for number in range(len(FEATURES))]
    mixes = [dice.sample(MODELS, 4) for _ in FEATURES]
    customer_of = iter(dice.choices(range(CUSTOMERS), customers, k=count))
    feature_of = iter(dice.choices(range(len(FEATURES)), features, k=count))
    step = timedelta(days=DAYS) / count
    for number in range(count):
        customer, feature = next(customer_of), next(feature_of)
        provider, model = dice.choices(mixes[feature], (60, 25, 10, 5))[0]
        at = until - step * (count - number)
        error = dice.choice(ERRORS) if dice.random() < 0.015 else ""
        tokens = tokens_of(provider, model, error, dice)
        yield {
            "id": minted(at, dice),
            "occurredAt": at.isoformat(timespec="milliseconds"),
            "provider": provider,
            "model": model,
            "operation": "chat",
            "tokens": {name: count for name, count in tokens.items() if count},
            "latencyMs": int(dice.lognormvariate(6, 0.5)) + tokens["output"] * 9,
            "timeToFirstTokenMs": int(dice.lognormvariate(5.9, 0.5)),
            "streaming": dice.random() < 0.5,
            **({"status": STATUS.get(error, "error"), "errorCode": error} if error else {"status": "ok"}),
            "customerId": f"customer-{customer:03}",
            "userId": f"user-{customer:03}-{dice.getrandbits(6):02}",
            "feature": FEATURES[feature],
            "environment": "production" if dice.random() < 0.92 else "staging",
            "tags": {"session.id": f"s-{dice.getrandbits(24):06x}"},
        }


def tokens_of(provider: str, model: str, error: str, dice: random.Random) -> dict[str, int]:
    """Disjoint classes, but for reasoning, which is a part of output: half of the longer ones are read from a cache in part, and some of them written to it."""
    incoming, outgoing = int(dice.lognormvariate(7, 0.9)) + 8, int(dice.lognormvariate(5.2, 0.8)) + 1
    reasoned = int(dice.lognormvariate(6, 0.9)) if model in REASONING else 0
    if error:
        incoming, outgoing, reasoned = incoming if error == "timeout" else 0, 0, 0
    luck, part = dice.random(), int(incoming * (0.3 + 0.6 * dice.random()))
    read = part if incoming > 1024 and luck < 0.5 else 0
    written = part if incoming > 1024 and 0.5 <= luck < 0.65 and provider == "anthropic" else 0
    return {
        "input": incoming - read - written,
        "cacheRead": read,
        "cacheWrite5m": written,
        "output": outgoing + reasoned,
        "reasoning": reasoned,
    }


def minted(at: datetime, dice: random.Random) -> str:
    """A UUID of version 7, as SDKs mint them."""
    milliseconds = int(at.timestamp() * 1000)
    return str(UUID(int=milliseconds << 80 | 7 << 76 | dice.getrandbits(12) << 64 | 2 << 62 | dice.getrandbits(62)))
