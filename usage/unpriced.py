"""What the classes of tokens are called, and why a call has no price or one for a part of it. Pure."""

from usage.rows import TOKEN_CLASSES

LABELS = {
    "input": "Input, not cached",
    "cache_read": "Read from cache",
    "cache_write_5m": "Written to cache, 5 min",
    "cache_write_30m": "Written to cache, 30 min",
    "cache_write_1h": "Written to cache, 1 h",
    "cache_write_12h": "Written to cache, 12 h",
    "output": "Output",
    "audio_in": "Audio in",
    "audio_out": "Audio out",
    "image_in": "Image in",
    "image_out": "Image out",
}
UNKNOWN, NO_RATE, OF_UNIT = "unknown model", "no rate for ", "the unit "
IN_PART = ":units unpriced"  # ends the reference of a rate that leaves units of the call out
# In place of the basis, in the sums of what counts: of such calls, and of those without a price that told no tokens.
PARTLY, TOKENLESS = "partly", "tokenless"


def why(rate_ref: str) -> str:
    """The end of a sentence that begins with "No price:", from what is kept in place of a rate."""
    if rate_ref == UNKNOWN:
        return (
            "the price book does not know this model of this provider. "
            "Compare its name with the one that the provider uses."
        )
    if not rate_ref.startswith(NO_RATE):
        return f"{rate_ref}."
    what = rate_ref.removeprefix(NO_RATE)
    if what in TOKEN_CLASSES:
        return f"this model has no rate for tokens of the class “{LABELS[what]}”, and a call has a price as a whole."
    if what.startswith(OF_UNIT):
        return f"this model has no rate for the unit {what.removeprefix(OF_UNIT)}."
    return f"this model has no rate for the way in which the call was processed, {what}."


def is_helped_by_a_price(rate_ref: str) -> bool:
    """Whether a price of one's own gives such calls theirs."""
    return rate_ref == UNKNOWN or rate_ref.startswith(NO_RATE)


def is_in_part(rate_ref: str) -> bool:
    """Whether the call used units that the rate does not price: its amount is that of the rest."""
    return rate_ref.endswith(IN_PART)
