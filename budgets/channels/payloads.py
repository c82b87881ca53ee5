"""What each kind of channel is sent. Pure, and the same at every try.

Shapes: Slack, docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and block-kit; Teams, an Adaptive
Card in a message (learn.microsoft.com, "Create and send messages" with Workflows); PagerDuty, Events API v2
(developer.pagerduty.com/docs/events-api-v2). They are recorded in the tests.
"""

import base64
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

MARKS = {"info": "\N{INFORMATION SOURCE}", "warning": "\N{WARNING SIGN}", "critical": "\N{LARGE RED CIRCLE}"}
OVER_MARK = "\N{WHITE HEAVY CHECK MARK}"
COLOURS = {"info": "accent", "warning": "warning", "critical": "attention"}
ACTIONS = {
    "fired": "trigger", "again": "trigger", "reopened": "trigger", "acknowledged": "acknowledge",
    "revised": "resolve", "recovered": "resolve", "resolved": "resolve",
}  # fmt: skip
OVER = frozenset({"revised", "recovered", "resolved"})
MOST_FIELDS = 10  # Slack takes up to ten in one block
LONGEST_SUMMARY = 1_024  # PagerDuty


@dataclass(frozen=True, slots=True)
class Message:
    """Something that is said of an alert, in words. `id` is that of the delivery, `alert` is its alert's."""

    id: str
    alert: str
    what: str
    at: datetime
    fired_at: datetime
    kind: str
    severity: str
    title: str
    text: str
    url: str
    organization: str
    numbers: Sequence[tuple[str, str]] = ()

    @property
    def is_over(self) -> bool:
        return self.what in OVER

    @property
    def headline(self) -> str:
        return f"{BEGINNINGS.get(self.what, '')}{self.title}"


BEGINNINGS = {
    "again": "Still so: ", "reopened": "Opened again: ", "revised": "Revised: ",
    "recovered": "Over: ", "resolved": "Resolved: ",
    "acknowledged": "Acknowledged: ", "test": "Test: ",
}  # fmt: skip


def slack(message: Message) -> dict[str, Any]:
    mark = OVER_MARK if message.is_over else MARKS[message.severity]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": f"{mark} {message.headline}"[:150]}},
        {"type": "section", "text": {"type": "mrkdwn", "text": escaped(message.text)[:3_000]}},
    ]
    if message.numbers:
        fields = [
            {"type": "mrkdwn", "text": f"*{escaped(name)}*\n{escaped(value)}"[:2_000]}
            for name, value in message.numbers
        ]
        blocks.append({"type": "section", "fields": fields[:MOST_FIELDS]})
    foot = f"{escaped(message.organization)} · <{message.url}|Open in TokenTra>"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": foot}]})
    return {"text": f"{mark} {escaped(message.headline)}", "blocks": blocks}


def escaped(text: str) -> str:
    """Slack's three control characters; with them nobody's name becomes a link or calls a whole channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def teams(message: Message) -> dict[str, Any]:
    colour = "good" if message.is_over else COLOURS[message.severity]
    head = {"type": "TextBlock", "text": as_plain(message.headline), "weight": "bolder", "size": "medium", "wrap": True}
    body: list[dict[str, Any]] = [
        head | {"color": colour},
        {"type": "TextBlock", "text": as_plain(message.text), "wrap": True},
    ]
    if message.numbers:
        facts = [{"title": as_plain(name), "value": as_plain(value)} for name, value in message.numbers]
        body.append({"type": "FactSet", "facts": facts})
    foot = {"type": "TextBlock", "text": as_plain(message.organization), "isSubtle": True, "size": "small"}
    body.append(foot | {"wrap": True})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": "Open in TokenTra", "url": message.url}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def as_plain(text: str) -> str:
    """A card reads Markdown; with its characters taken literally nobody's name becomes a link."""
    return re.sub(r"[\\`*_#\[\]()<>]", r"\\\g<0>", text)


def pagerduty(message: Message, routing_key: str) -> dict[str, Any]:
    """One incident for each alert: what comes later about it acknowledges or resolves the same one."""
    action = ACTIONS.get(message.what, "trigger")
    told: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": f"tokentra-{message.alert}",
    }
    if action == "trigger":
        told["payload"] = {
            "summary": message.headline[:LONGEST_SUMMARY],
            "source": message.organization,
            "severity": message.severity,
            "timestamp": message.at.isoformat(),
            "class": message.kind,
            "custom_details": {"explanation": message.text, **dict(message.numbers)},
        }
        told["links"] = [{"href": message.url, "text": "Open in TokenTra"}]
        told["client"] = "TokenTra"
        told["client_url"] = message.url
    return told


def webhook(message: Message) -> dict[str, Any]:
    return {
        "type": f"alert.{message.what}",
        "at": message.at.isoformat(),
        "organization": message.organization,
        "alert": {
            "id": message.alert,
            "kind": message.kind,
            "severity": message.severity,
            "title": message.title,
            "text": message.text,
            "numbers": [{"name": name, "value": value} for name, value in message.numbers],
            "firedAt": message.fired_at.isoformat(),
            "url": message.url,
        },
    }


def signed(delivery_id: str, body: bytes, secrets: Iterable[str], *, now: datetime) -> dict[str, str]:
    """The three headers of a signed webhook (E11): one signature for each secret that is in use."""
    stamp = str(int(now.timestamp()))
    told = f"{delivery_id}.{stamp}.".encode() + body
    macs = [hmac.new(secret.encode(), told, sha256).digest() for secret in secrets]
    signatures = " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)
    return {"webhook-id": delivery_id, "webhook-timestamp": stamp, "webhook-signature": signatures}
