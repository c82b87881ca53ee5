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
FEATURES = tuple(f"feature-{number:02}" for number in range(20))
CUSTOMERS = 200
DAYS = 28


def calls(count: int, *, until: datetime, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Two hundred customers and twenty features of very unequal size, four models for each feature."""
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
        incoming, outgoing = int(dice.lognormvariate(7, 0.9)) + 8, int(dice.lognormvariate(5.2, 0.8)) + 1
        cached = int(incoming * dice.random() * 0.8) if incoming > 1024 and dice.random() < 0.5 else 0
        is_failed = dice.random() < 0.015
        tokens = {"input": incoming - cached, "cacheRead": cached, "output": 0 if is_failed else outgoing}
        yield {
            "id": minted(at, dice),
            "occurredAt": at.isoformat(timespec="milliseconds"),
            "provider": provider,
            "model": model,
            "operation": "chat",
            "tokens": {name: tokens_of for name, tokens_of in tokens.items() if tokens_of},
            "latencyMs": int(dice.lognormvariate(6, 0.5)) + outgoing * 9,
            "timeToFirstTokenMs": int(dice.lognormvariate(5.9, 0.5)),
            "streaming": dice.random() < 0.5,
            "status": "error" if is_failed else "ok",
            "customerId": f"customer-{customer:03}",
            "userId": f"user-{customer:03}-{dice.getrandbits(6):02}",
            "feature": FEATURES[feature],
            "environment": "production" if dice.random() < 0.92 else "staging",
        }


def minted(at: datetime, dice: random.Random) -> str:
    """A UUID of version 7, as SDKs mint them."""
    milliseconds = int(at.timestamp() * 1000)
    return str(UUID(int=milliseconds << 80 | 7 << 76 | dice.getrandbits(12) << 64 | 2 << 62 | dice.getrandbits(62)))
