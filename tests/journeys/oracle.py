"""After every storm: what is stored is what the provider says, once, and nothing is left half done."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.fake_provider.world import AnthropicAccount, OpenAIAccount
from tests.product import Api, Product, wait_for

CLASSES = ("input", "cacheRead", "output", "audioIn", "audioOut", "imageIn", "imageOut")
OPENAI_TOKENS = ("completions", "embeddings", "moderations")


def period() -> tuple[str, str]:
    """The ninety days that a first reading covers, today included."""
    today = datetime.now(UTC).date()
    return str(today - timedelta(days=89)), str(today + timedelta(days=1))


def totals(api: Api, provider: str, ledger: str) -> dict[str, Any]:
    start, end = period()
    found: dict[str, Any] = api.get(
        f"/api/usage/stats?from={start}&to={end}&ledger={ledger}&filter[provider]={provider}"
    )["totals"]
    return found


def is_settled(api: Api, connection_id: str) -> bool:
    return bool(api.get(f"/api/providers/{connection_id}")["status"] == "healthy")


def truth_of(account: OpenAIAccount | AnthropicAccount) -> tuple[Decimal, dict[str, int]]:
    """What was served: money, and tokens by class."""
    billed = account.total_billed(*period())
    if not isinstance(account, OpenAIAccount):
        return billed, account.tokens(*period())
    counts = [account.tokens(*period(), endpoint=endpoint) for endpoint in OPENAI_TOKENS]
    return billed, {name: sum(each[name] for each in counts) for name in CLASSES}


def figures_are(api: Api, provider: str, truth: tuple[Decimal, dict[str, int]]) -> bool:
    """Money to the last digit, tokens by class to the last token."""
    billed, tokens = truth
    if Decimal(totals(api, provider, "billed")["cost"]) != billed:
        return False
    used = totals(api, provider, "computed")["tokens"]
    return all(used[name] == tokens[name] for name in CLASSES)


def hold(
    product: Product, api: Api, provider: str, connection_id: str, account: OpenAIAccount | AnthropicAccount
) -> None:
    """Waits until reading has come to rest, then asks for everything."""
    truth = truth_of(account)
    wait_for(lambda: figures_are(api, provider, truth), 90, f"figures of {provider} are what was served", every=0.5)
    wait_for(lambda: is_settled(api, connection_id), 60, f"{provider} is healthy again", every=0.5)
    assert figures_are(api, provider, truth)
    assert "days looked at" in product.manage("audit_rollups")
