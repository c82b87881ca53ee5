"""Why something does not start, in one sentence for a person."""


class Refusal(Exception):
    """Its text completes "TokenTra does not start: …"."""
