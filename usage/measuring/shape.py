"""What an event may say, compiled: names in JSON, types, limits. Pure."""

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct

from usage.measuring.texts import folded

MOST_EVENTS = 1_000
LARGEST_EVENT = 2**20  # bytes of its JSON
LONGEST_ID, LONGEST_TEXT = 64, 256
LONGEST_PROVIDER = 256  # bytes: with a model and a customer it fits into a key of an index, whatever they are in
MOST_TAGS, LONGEST_TAG = 20, 64
MOST_COUNT = 10**12
MOST_NAMES = 1_000  # of tags, that a process knows: few come, over and over
MOST_COST = 10**9

Count = Annotated[int, Meta(ge=0, le=MOST_COUNT)]
Id = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]
Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]
Instant = Annotated[datetime, Meta(tz=True)]
if TYPE_CHECKING:
    Amount = Decimal  # once it was read
else:  # as it is sent: Decimal would take spaces, underscores and the digits of every script
    Amount = Annotated[str, Meta(pattern=r"^-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\Z")] | int | float


def in_json(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word if word[0].isdigit() else word.capitalize() for word in rest)


class Tokens(Struct, rename=in_json, forbid_unknown_fields=True):
    """Disjoint classes; `reasoning` is a part of `output`."""

    input: Count = 0
    cache_read: Count = 0
    cache_write_5m: Count = 0
    cache_write_30m: Count = 0
    cache_write_1h: Count = 0
    cache_write_12h: Count = 0
    output: Count = 0
    reasoning: Count = 0
    audio_in: Count = 0
    audio_out: Count = 0
    image_in: Count = 0
    image_out: Count = 0


class Cost(Struct, forbid_unknown_fields=True):
    """What the sender says that the call cost."""

    amount: Amount
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")] = "USD"

    def __post_init__(self) -> None:
        self.amount = Decimal(str(self.amount))


class Sent(Struct, rename="camel"):
    """One event as it is sent. What it names beside these fields becomes a tag."""

    provider: Name
    model: Name
    id: Id | None = None
    occurred_at: Instant | None = None
    operation: Text | None = None
    tokens: Tokens | None = None
    units: dict[Annotated[str, Meta(min_length=1, max_length=LONGEST_TAG)], Decimal] | None = None
    cost: Cost | None = None
    latency_ms: Count | None = None
    time_to_first_token_ms: Count | None = None
    status: Literal["ok", "error", "timeout", "cancelled"] | None = "ok"
    error_code: Text | None = None
    streaming: bool | None = None
    usage_source: Literal["reported", "estimated", "missing"] | None = None
    request_id: Text | None = None
    service_tier: Text | None = None
    customer_id: Text | None = None
    user_id: Text | None = None
    feature: Text | None = None
    team: Text | None = None
    agent: Text | None = None
    prompt: Text | None = None
    environment: Text | None = None
    run_id: Text | None = None
    parent_id: Text | None = None
    tool: Text | None = None
    purpose: Text | None = None
    project: Text | None = None
    cost_center: Text | None = None
    tags: dict[str, str | int | float | bool | None] | None = None


class Plain(Sent, rename="camel", forbid_unknown_fields=True):
    """One that names nothing beside these fields, as most do: it is read in one go with its batch."""


class Batch(Struct, forbid_unknown_fields=True):
    events: list[Plain]


NAMES = frozenset(Sent.__struct_encode_fields__)
# The texts that must be storable as they are, in the order of Event's columns.
TEXTS = (
    "provider",
    "model",
    "operation",
    "error_code",
    "request_id",
    "service_tier",
    "customer_id",
    "user_id",
    "feature",
    "team",
    "agent",
    "prompt",
    "environment",
    "run_id",
    "parent_id",
    "tool",
    "purpose",
    "project",
    "cost_center",
)
# Names, folded, under which libraries and people's code send what people and models wrote. It is dropped and counted,
# never stored.
CONTENT = frozenset(
    (
        *("content", "contents", "text", "texts", "body", "message", "messages", "chathistory", "transcript"),
        *("prompt", "prompts", "prompttext", "systemprompt", "userprompt", "instructions", "systeminstructions"),
        *("systemmessage", "usermessage", "assistantmessage", "inputmessages", "outputmessages"),
        *("input", "inputs", "inputtext", "userinput", "query", "question"),
        *("output", "outputs", "outputtext", "modeloutput", "answer", "reply", "generatedtext"),
        *("completion", "completions", "completiontext", "choices", "response", "responses", "responsetext"),
        *("requestbody", "responsebody", "rawresponse", "thinking", "reasoningcontent"),
        *("arguments", "functionarguments", "toolarguments", "toolinput", "tooloutput", "toolresult", "toolresults"),
    )
)


@lru_cache(MOST_NAMES)
def is_content(name: str) -> bool:
    """Whether what stands under this name is what people or models wrote."""
    return folded(name) in CONTENT
