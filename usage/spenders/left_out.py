"""What a cost in dollars leaves out, in words: other currencies, and calls and units without a price. Pure."""

from tokentra.lib import money
from usage.spenders.sums import Sums


def note(total: Sums) -> str:
    """Said beside a cost that leaves something out."""
    return f"Not in it: {', '.join(words(total))}." if words(total) else ""


def words(total: Sums) -> list[str]:
    parts = [money.money(amount, currency) for currency, amount in total.others.items()]
    if total.unpriced_calls:
        tokens = f" ({money.tokens(total.unpriced_tokens)} tokens)" if total.unpriced_tokens else ""
        parts.append(f"{calls(total.unpriced_calls)} without a price{tokens}")
    if total.partly_priced:
        parts.append(f"units without a price in {calls(total.partly_priced)}")
    return parts


def calls(count: int) -> str:
    return f"{money.exact(count)} {'call' if count == 1 else 'calls'}"


def no_cost(total: Sums) -> str:
    """Said where costs would be, when none is above zero."""
    if not total.calls:
        return "No call in this period."
    return f"Nothing {'was spent' if total.known is not None else 'with a price in dollars'} in this period."
