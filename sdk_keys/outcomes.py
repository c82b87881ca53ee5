"""What can become of a request with a key, in words: what it means, and what to do about it. Pure: no Django."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """`tone` good: it was stored as it was meant. A `fix` says what to do."""

    title: str
    meaning: str = ""
    fix: str = ""
    tone: str = "bad"
    telling: str = "It said"  # before what was sent

    @property
    def icon(self) -> str:
        return {"good": "circle-check", "warn": "alert-triangle", "bad": "circle-x"}.get(self.tone, "info-circle")


CLOCK = (
    "Set that machine's clock, or write occurredAt as the time of the call with its zone, such as 2026-01-31T23:59:59Z."
)
OUTCOMES = {
    "accepted": Outcome("Stored", "A model call, with its price.", tone="good"),
    "test": Outcome("Test event stored", "Address, key and clock are right. It costs nothing.", tone="good"),
    "unpriced": Outcome(
        "Stored without a price",
        "The price book does not know this model of this provider, or has no rate for something that the call used, "
        "such as a kind of token or a service tier. Its tokens are counted and its cost is unknown.",
        "Compare the model's name with the one that your provider uses. If it is right, send what the call cost in "
        "cost, or let an owner, an admin or finance enter the price that is missing under Settings, Prices.",
        "warn",
    ),
    "duplicate": Outcome(
        "Sent before", "An event of this id was stored already. Nothing counts twice.", tone="neutral"
    ),
    "id_in_use": Outcome(
        "Another event has this id",
        "The first event of an id and day stays, and this one said something else.",
        "Give each event an id of its own, or leave the id out.",
        "warn",
    ),
    "timestamp_out_of_range": Outcome(
        "The time of the call is out of range",
        "Events from 30 days back to 10 minutes ahead are taken, unless your operator takes older ones.",
        CLOCK,
    ),
    "rules_read": Outcome(
        "Routing rules read", "A program asks for them about each minute while it follows them.", tone="neutral"
    ),
    "missing_field": Outcome("A field is missing", fix="Send provider and model, and what the call used."),
    "unknown_field": Outcome("A field does not exist there", fix="Correct its name, or send it as a tag."),
    "invalid_field": Outcome("A field has a wrong value", fix="Send it as the guide shows, in its kind and size."),
    "invalid_text": Outcome("A text cannot be stored", fix="Send whole characters, without NUL."),
    "invalid_event": Outcome("An item is no event", fix="Send each event as a JSON object."),
    "nothing_used": Outcome(
        "Nothing says what the call used", fix="Send tokens, units or cost, or a status other than ok."
    ),
    "not_a_model_call": Outcome(
        "Spans that are no model call", "Only spans that name a model call are events.", tone="neutral"
    ),
    "unreadable_json": Outcome(
        "The body is no JSON",
        "Nothing of it was stored.",
        'Send one event, or {"events": [...]}, as JSON. In a shell, put it in single quotes.',
    ),
    "unreadable_body": Outcome("The body cannot be read", "Nothing of it was stored.", "Send it whole, packed once."),
    "body_cut_short": Outcome("The body ended early", "Nothing of it was stored.", "Send it again, whole."),
    "body_too_slow": Outcome("The body came too slowly", "Nothing of it was stored.", "Send it in smaller parts."),
    "body_too_large": Outcome("The body is too large", fix="Send 5 MiB of events or 20 MiB of spans at most."),
    "event_too_large": Outcome(
        "An event is larger than 1 MiB", fix="Leave out the text of prompts and answers; it is never stored."
    ),
    "too_many_events": Outcome("Too many events in one request", fix="Send 1,000 at most in one."),
    "unknown_encoding": Outcome("The body is packed in an unknown way", fix="Send it plain, or by gzip or zstd."),
    "unknown_content_type": Outcome(
        "Another kind of content", fix="Send spans as application/x-protobuf or application/json."
    ),
    "key_misplaced": Outcome(
        "The key stood where it is written down",
        "Addresses and bodies end in logs, so the request was refused.",
        "Send the key in the header Authorization alone, and replace it: others may have read it.",
        telling="It stood in the",
    ),
    "key_in_spans": Outcome(
        "A key stood in a span",
        "What is stored has it masked, but whatever else reads your spans may hold it.",
        "Find what writes the key into spans, such as a traced header, and replace it.",
        tone="warn",
    ),
    "key_revoked": Outcome(
        "This key has ended",
        "It was revoked, replaced or ran out of time.",
        "Give the program a key that works.",
    ),
    "key_scope": Outcome(
        "This key may not send events", fix="Use a key with the scope ingest, or make one that has it."
    ),
    "too_many_requests": Outcome(
        "Too many at once", "What was refused can be sent again.", "Gather events and send them together.", "warn"
    ),
}
BUSY = Outcome(
    "Not taken just then", "The server was busy or its database away.", "Nothing: SDKs send it again.", "warn"
)
UNKNOWN = Outcome("Refused", fix="Look at the answer that the program got: it names what is wrong.")


def outcome_of(code: str) -> Outcome:
    if code in ("overloaded", "broken", "storage_full", "database_unavailable", "internal_error"):
        return BUSY
    return OUTCOMES.get(code, UNKNOWN)


NEARLY = {
    "short": Outcome(
        "A key that is cut short",
        "It begins like yours and has fewer than 46 characters.",
        "Copy the whole key. An editor or a shell may have wrapped it.",
    ),
    "long": Outcome(
        "A key with something behind it",
        "It begins like yours and has more than 46 characters.",
        "Remove quotes, spaces or whatever stands behind the key.",
    ),
    "mistyped": Outcome(
        "A wrong key",
        "It begins like yours and is not the same.",
        "Copy the key again rather than type it, or replace it and use the new one.",
    ),
    "unknown": Outcome(
        "A key that nobody has",
        "It begins like yours, is whole, and belongs to nobody here.",
        "Give the program a key that stands on this page.",
    ),
}
