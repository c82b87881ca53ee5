"""Tells TokenTra what a program's model calls cost, and for whom they were made.

    import tokentra_sdk

    tokentra_sdk.observe(url="https://tokentra.example.com", api_key="…")

The README says the rest.
"""

from __future__ import annotations

from tokentra_sdk.client import TokenTra
from tokentra_sdk.context import agent, attributes, request_scope, run, set_customer_id, set_user_id, tool
from tokentra_sdk.default import close, flush, observe, record, stats, wrap
from tokentra_sdk.refusals import BudgetReached, CallRefused, CheckUnavailable, PromptTooLong
from tokentra_sdk.version import VERSION

__version__ = VERSION
__all__ = [
    "BudgetReached",
    "CallRefused",
    "CheckUnavailable",
    "PromptTooLong",
    "TokenTra",
    "agent",
    "attributes",
    "close",
    "flush",
    "observe",
    "record",
    "request_scope",
    "run",
    "set_customer_id",
    "set_user_id",
    "stats",
    "tool",
    "wrap",
]
