"""Savings that a period's use suggests: which rules there are, in which order, and what they add up to."""

from collections import defaultdict
from decimal import ROUND_DOWN, Decimal

from usage.rules import batch, caching, cheaper_model
from usage.rules.evidence import PLACES, ZERO, Evidence, Finding, Model, Price

RULES = (cheaper_model.find, caching.find, batch.find)
SMALLEST_SAVING = Decimal("0.01")
SMALLEST_SHARE = Decimal("0.0025")  # of all spend looked at; what saves less is not worth anybody's afternoon


def find(evidence: Evidence, price: Price) -> tuple[Finding, ...]:
    """What is worth a look, the largest low end first."""
    spend = sum(evidence.spend.values(), ZERO)
    worth = max(SMALLEST_SAVING, spend * SMALLEST_SHARE)
    found = [finding for rule in RULES for finding in rule(evidence, price) if finding.high >= worth]
    return tuple(sorted(found, key=lambda finding: (-finding.low, -finding.high, finding.id)))


def together(findings: tuple[Finding, ...]) -> tuple[Decimal, Decimal]:
    """What all findings save at once. Each next one on a model saves its share of what is left, not of the whole."""
    left: dict[Model, tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(1), Decimal(1)))
    spend: dict[Model, Decimal] = {}
    for finding in findings:
        about = finding.provider, finding.model
        low, high = left[about]
        spend[about] = finding.spend
        if finding.spend > 0:
            left[about] = low * (1 - finding.low / finding.spend), high * (1 - finding.high / finding.spend)
    low = sum((amount * (1 - left[about][0]) for about, amount in spend.items()), ZERO)
    high = sum((amount * (1 - left[about][1]) for about, amount in spend.items()), ZERO)
    return low.quantize(PLACES, ROUND_DOWN), high.quantize(PLACES, ROUND_DOWN)
