"""Short, simple-looking requests to a large model, priced on its declared smaller sibling."""

from collections.abc import Iterator
from decimal import Decimal

from tokentra.lib import money
from usage.rules.evidence import (
    DayUse,
    Evidence,
    Fact,
    Finding,
    Price,
    arithmetic,
    days_seen,
    part,
    prompt_tokens,
    requests_of,
    tokens_of,
)
from usage.rules.families import smaller_than

RULE = "cheaper-model"
SHORT_INPUT = 1_000  # tokens a request, on average over one key's day
SHORT_OUTPUT = 250
FEWEST_REQUESTS = 100
MOVED = (Decimal("0.25"), Decimal("0.75"))  # how much of it can move: that is yours to test, so both ends are stated


def find(evidence: Evidence, price: Price) -> Iterator[Finding]:
    for (provider, model), uses, spend in evidence.by_model(price):
        smaller = smaller_than(provider, model)
        short = tuple(use for use in uses if is_short(use))
        if not smaller or requests_of(short) < FEWEST_REQUESTS:
            continue
        everything = price(provider, model, tokens_of(uses))
        now = price(provider, model, tokens_of(short))
        then = price(provider, smaller, tokens_of(short))
        if not everything or not now or then is None or then >= now:
            continue
        affected = part(spend, now / everything)
        yield finding((provider, model, smaller), uses, short, spend=spend, affected=affected, cheaper=1 - then / now)


def is_short(use: DayUse) -> bool:
    if not use.requests:
        return False
    is_text = use.tokens.audio_in + use.tokens.audio_out + use.tokens.image_in + use.tokens.image_out == 0
    is_small = (
        prompt_tokens(use.tokens) <= SHORT_INPUT * use.requests and use.tokens.output <= SHORT_OUTPUT * use.requests
    )
    return is_text and is_small


def finding(
    names: tuple[str, str, str],
    uses: tuple[DayUse, ...],
    short: tuple[DayUse, ...],
    *,
    spend: Decimal,
    affected: Decimal,
    cheaper: Decimal,
) -> Finding:
    provider, model, smaller = names
    requests, tokens = requests_of(short), tokens_of(short)
    share = Decimal(requests) / requests_of(uses)
    low, high = (part(affected, cheaper * moved) for moved in MOVED)
    days = len({use.day for use in short})
    is_steady = days >= 14 and requests >= 10_000
    return Finding(
        rule=RULE,
        provider=provider,
        model=model,
        title=f"Try {smaller} for short calls to {model}",
        summary=(
            f"{money.exact(requests)} requests to {model} look short and simple: on average "
            f"{money.exact(prompt_tokens(tokens) // requests)} tokens in and "
            f"{money.exact(tokens.output // requests)} out. "
            f"{smaller} costs {money.percent(cheaper)} less for the same tokens. "
            "Length says nothing about difficulty, so compare answers on your own prompts before you move them."
        ),
        facts=(
            Fact("Short, simple-looking requests", requests, "exact"),
            Fact(f"Share of requests to {model}", share, "percent"),
            Fact("Average tokens in", prompt_tokens(tokens) // requests, "exact"),
            Fact("Average tokens out", tokens.output // requests, "exact"),
            Fact("Spend on them", affected, "dollars"),
            Fact("Price difference", cheaper, "percent"),
        ),
        low=low,
        high=high,
        affected=affected,
        spend=spend,
        confidence="medium" if is_steady else "low",
        why_confidence=(
            f"Seen on {days_seen(days)}. Requests are judged by the average length of one key's "
            "calls on one day, and nobody has compared the answers."
        ),
        formula=(
            arithmetic(affected, "these requests", cheaper, MOVED, "moved")
            + f" A request counts as short when its key averages at most {money.exact(SHORT_INPUT)} tokens in "
            f"and {money.exact(SHORT_OUTPUT)} out on that day."
        ),
    )
