"""A small world written by hand, where every odd case that real accounts have shown occurs once.

Days are counted back from `now`. Days 4 and 5 are idle; today has hardly begun.
"""

from __future__ import annotations

from . import example_anthropic, example_openai
from .world import DAY, World

KEYS = example_openai.KEYS | example_anthropic.KEYS


def example_world(now: int) -> World:
    """Acme, and beside it Globex whose answers must never be mixed in."""
    today = now - now % DAY
    return World(
        openai_accounts=[example_openai.acme(today), example_openai.globex(today)],
        anthropic_accounts=[example_anthropic.acme(today), example_anthropic.globex(today)],
        now=now,
    )
