"""Long prompts that hardly use the provider's prompt cache, on models where reading it is cheaper."""

from collections.abc import Iterator
from decimal import Decimal

from tokentra.lib import money
from usage.rows import Tokens
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

RULE = "caching"
LONG_INPUT = 2_048  # tokens a request: providers cache nothing below 1,024 to 4,096
FEW_READS = Decimal("0.20")  # more of the prompt from the cache than this, and somebody has seen to it
FEWEST_REQUESTS = 100
REPEATED = (Decimal("0.20"), Decimal("0.60"))  # of the uncached input; usage figures do not say what repeats
READS_PER_WRITE = 5
SAMPLE = 1_000_000


def find(evidence: Evidence, price: Price) -> Iterator[Finding]:
    for (provider, model), uses, spend in evidence.by_model(price):
        long = tuple(use for use in uses if is_long_and_uncached(use))
        cheaper = lower_price(provider, model, price)
        if requests_of(long) < FEWEST_REQUESTS or cheaper is None:
            continue
        everything = price(provider, model, tokens_of(uses))
        uncached = price(provider, model, Tokens(input=tokens_of(long).input))
        if not everything or not uncached:
            continue
        affected = part(spend, uncached / everything)
        yield finding((provider, model), long, spend, affected, cheaper)


def is_long_and_uncached(use: DayUse) -> bool:
    if not use.requests:
        return False
    sent = prompt_tokens(use.tokens)
    return sent >= LONG_INPUT * use.requests and use.tokens.cache_read < FEW_READS * sent


def lower_price(provider: str, model: str, price: Price) -> Decimal | None:
    """How much less a repeated token costs, its share of cache writes included; None when it does not pay."""
    fresh = price(provider, model, Tokens(input=SAMPLE))
    read = price(provider, model, Tokens(cache_read=SAMPLE))
    if not fresh or read is None or read >= fresh:
        return None
    write = price(provider, model, Tokens(cache_write_5m=SAMPLE))
    write = fresh if write is None else max(write, fresh)
    repeated = (read * READS_PER_WRITE + write) / (READS_PER_WRITE + 1)
    return 1 - repeated / fresh if repeated < fresh else None


def finding(
    about: tuple[str, str], long: tuple[DayUse, ...], spend: Decimal, affected: Decimal, cheaper: Decimal
) -> Finding:
    provider, model = about
    tokens, requests = tokens_of(long), requests_of(long)
    read_share = Decimal(tokens.cache_read) / prompt_tokens(tokens)
    low, high = (part(affected, cheaper * repeated) for repeated in REPEATED)
    days = len({use.day for use in long})
    return Finding(
        rule=RULE,
        provider=provider,
        model=model,
        title=f"Cache repeated input on {model}",
        summary=(
            f"{money.exact(requests)} requests send {money.exact(prompt_tokens(tokens) // requests)} tokens each "
            f"on average, and {money.percent(read_share)} of that is read from the prompt cache. Instructions, tools "
            f"and documents that repeat from call to call cost {money.percent(cheaper)} less when they are cached."
        ),
        facts=(
            Fact("Requests with long prompts", requests, "exact"),
            Fact("Average tokens in", prompt_tokens(tokens) // requests, "exact"),
            Fact("Uncached input", tokens.input, "tokens"),
            Fact("Read from cache", read_share, "percent"),
            Fact("Spend on uncached input", affected, "dollars"),
            Fact("Price difference, cached", cheaper, "percent"),
        ),
        low=low,
        high=high,
        affected=affected,
        spend=spend,
        confidence="medium" if days >= 7 and requests >= 1_000 else "low",
        why_confidence=(
            f"Seen on {days_seen(days)}. The length of prompts is known; how much of them "
            "repeats is not in a provider's usage figures, so the range is wide."
        ),
        formula=(
            arithmetic(affected, "uncached input", cheaper, REPEATED, "repeated")
            + f" The lower price counts one cache write for {READS_PER_WRITE} reads. Looked at: keys that average "
            f"at least {money.exact(LONG_INPUT)} tokens in on a day, with less than {money.percent(FEW_READS)} "
            "of that read from the cache."
        ),
    )
