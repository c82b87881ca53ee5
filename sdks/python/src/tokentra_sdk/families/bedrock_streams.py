"""Streams of invoked models: their pieces are JSON of whoever made the model, of which few tell of usage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tokentra_sdk.families.anthropic_messages import MessageReader
from tokentra_sdk.families.bedrock_answers import METRICS, beside, metrics_tokens, tokens_of
from tokentra_sdk.usage import Usage, get
from tokentra_sdk.watching import Reader

# One of these stands in each piece that tells of usage; the others are not read.
MARKS = (b'"usage"', b"oken_count", b"TokenCount", b'"billed_units"')


class InvokedReader(Reader):
    def __init__(self, answer: Any) -> None:
        self.beside = beside(answer, get(answer, "serviceTier"))
        self.message = MessageReader()
        self.told: dict[str, int] | None = None
        self.metrics: dict[str, int] | None = None

    def see(self, piece: Any) -> object:
        written = get(piece, "chunk", "bytes")
        if not isinstance(written, bytes) or not any(mark in written for mark in MARKS):
            return None
        body = json.loads(written)
        if isinstance(body, Mapping):
            self.message.see(body)
            if "type" not in body and "generation" not in body:  # other pieces tell of themselves alone
                self.told = tokens_of(body) or self.told
            self.metrics = metrics_tokens(body.get(METRICS)) or self.metrics
            self.is_whole = self.message.is_whole or self.metrics is not None or self.told is not None
        return None

    def usage(self) -> Usage | None:
        """Anthropic's own words tell most; then those of the other makers; then Bedrock's, which come last."""
        message = self.message.usage()
        if message is not None and message.source == "reported":
            return Usage(tokens=message.tokens, units=message.units, **self.beside)
        tokens = self.told or self.metrics
        if tokens is None and message is not None:
            return Usage(tokens=message.tokens, source="missing", **self.beside)
        return Usage(source="missing", **self.beside) if tokens is None else Usage(tokens=tokens, **self.beside)
