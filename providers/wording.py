"""What each state of a connection is called, says and asks for: all its sentences, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from providers.connectors.base import Outcome
from providers.models import Blocked, Connection, EndpointState, Status, SyncRun
from providers.outcomes import AWAY, CLOSED
from providers.windows import Marks


@dataclass(frozen=True, slots=True)
class Said:
    """`act` is what a person can do: replace_key, resume, resync, connect_again, disconnect, or nothing."""

    title: str
    text: str
    tone: str = "info"
    act: str = ""


Key = tuple[str, str]  # status and reason

SAID: Mapping[Key, Said] = {
    (Status.VALIDATING, ""): Said("Key accepted", "{label} accepts the key. The first days are being read now."),
    (Status.VALIDATING, Blocked.SLOWED): Said(
        "Slowed by {label}",
        "The key was accepted. {label} asked us to wait: slowed by the provider, next try {next_try}.",
        "warn",
    ),
    (Status.BACKFILLING, ""): Said(
        "First sync", "The newest days are read first. Figures fill in from today backwards."
    ),
    (Status.BACKFILLING, Blocked.SLOWED): Said(
        "First sync, slowed by {label}",
        "{label} asked us to wait: slowed by the provider, next try {next_try}. {Figures}.",
        "warn",
    ),
    (Status.HEALTHY, ""): Said("Up to date", "All that this key may read was read. {Figures}.", "good"),
    (Status.DEGRADED, Blocked.SLOWED): Said(
        "Slowed by {label}", "Slowed by the provider, next try {next_try}. {Figures}.", "warn"
    ),
    (Status.DEGRADED, "closed"): Said(
        "Partly working",
        "The key has no access to: {endpoints}. All else is read. {Figures}. "
        "Give the key that permission, or replace it.",
        "warn",
        "replace_key",
    ),
    (Status.DEGRADED, "down"): Said(
        "Partly working",
        "{endpoints}: unavailable since {since}, next try {next_try}. All else is read. {Figures}.",
        "warn",
    ),
    (Status.DEGRADED, "refused_request"): Said(
        "Partly working",
        "{label} refused a request for {endpoints} since {since}. The next try is {next_try}; all else is "
        "read. "
        "{Figures}.",
        "warn",
        "resync",
    ),
    (Status.DEGRADED, "incomplete"): Said(
        "Partly working",
        "Some rows of {endpoints} could not be understood. The others are shown; the reading is repeated {next_try}.",
        "warn",
        "resync",
    ),
    (Status.DEGRADED, "gaps"): Said(
        "Some days are missing",
        "{label} refused some days of {endpoints}; they are missing from the figures. {Figures}.",
        "warn",
        "resync",
    ),
    (Status.FAILING, Blocked.REFUSED): Said(
        "The key was refused",
        "{label} has refused the key since {since}. It worked before, so it is tried again {next_try}; "
        "refused for an "
        "hour, it needs to be replaced. {Figures}.",
        "bad",
        "replace_key",
    ),
    (Status.FAILING, "down"): Said(
        "{label} is unavailable",
        "Unavailable since {since}, next try {next_try}. Nothing is lost; {figures}.",
        "bad",
    ),
    (Status.BROKEN, Blocked.KEY_REFUSED): Said(
        "Key rejected",
        "{label} rejected the key for more than an hour, so it is not used any more. "
        "{Figures}. "
        "Make a new key and replace this one.",
        "bad",
        "replace_key",
    ),
    (Status.BROKEN, Blocked.OTHER_ACCOUNT): Said(
        "Another account answered",
        "The answers came from another account than {account}. Nothing of it was stored. Replace the key "
        "by one of "
        "{account}, or connect the other account beside it.",
        "bad",
        "replace_key",
    ),
    (Status.BROKEN, Blocked.SAME_ACCOUNT): Said(
        "Connected twice",
        "This key reads an account that is connected already. Nothing was counted twice: this one is not read any "
        "more. Disconnect it, or replace the key of the other one by this key if this one may read more.",
        "bad",
        "disconnect",
    ),
    (Status.BROKEN, Blocked.KEY_UNREADABLE): Said(
        "Key could not be read",
        "The stored key could not be read, so nothing was sent to {label}. Paste the key again. {Figures}.",
        "bad",
        "replace_key",
    ),
    (Status.BROKEN, "closed"): Said(
        "No access",
        "The key has no access to: {endpoints}. There is nothing left that it may read. "
        "{Figures}. "
        "Give the key that permission, or replace it.",
        "bad",
        "replace_key",
    ),
    (Status.PAUSED, ""): Said("Paused", "Nothing is read since {since}. {Figures}.", "neutral", "resume"),
    (Status.DISCONNECTED, ""): Said(
        "Disconnected",
        "The key was destroyed {since}. What was read until then stays; no newer days are added.",
        "neutral",
        "connect_again",
    ),
    (Status.DISCONNECTED, "taken_over"): Said(
        "Disconnected",
        "The key was destroyed {since}. Another connection reads this account now and has its days; what is older "
        "than the first day of that one stays here.",
        "neutral",
    ),
}

# What a state says when nothing more particular is known.
OTHERWISE: Mapping[str, str] = dict.fromkeys(Status.values, "") | {
    Status.FAILING: "down",
    Status.BROKEN: Blocked.KEY_REFUSED,
}

ENDPOINT = {
    "": "Not read yet.",
    Outcome.OK: "The key may read this.",
    Outcome.MISSING_SCOPE: "The key has no access to this.",
    Outcome.WRONG_KEY_KIND: "This kind of key has no access to this.",
    Outcome.INVALID_CREDENTIALS: "The key was refused.",
    Outcome.NOT_AVAILABLE: "The provider does not offer this to the account.",
    Outcome.RATE_LIMITED: "Slowed by the provider.",
    Outcome.PROVIDER_DOWN: "Unavailable since {since}, next try {next_try}.",
    Outcome.UNEXPECTED: "Unexpected answer since {since}, next try {next_try}. Nothing of it was stored.",
    Outcome.BAD_REQUEST: "The provider refused the request, next try {next_try}.",
}


def said(marks: Marks, *, now: datetime) -> Said:
    """What this connection says now."""
    connection = marks.connection
    reason, concerned = why(marks)
    found = SAID[(connection.status, reason)]
    retries = [state.retry_at for state in concerned if state.retry_at]
    sinces = [state.failing_since for state in concerned if state.failing_since]
    since = connection.disconnected_at or connection.paused_at or connection.blocked_at or min(sinces, default=None)
    reached = [state.last_success_at for state in concerned] if concerned else [connection.last_sync_at]
    read = [at for at in reached if at]
    figures = f"figures as of {moment(min(read), now)}" if read else "there are no figures yet"
    words = {
        "label": marks.connector.label,
        "account": connection.account_label,
        "figures": figures,
        "Figures": figures[0].upper() + figures[1:],
        "since": moment(since, now),
        "next_try": moment(connection.wait_until or min(retries, default=connection.next_sync_at), now),
        "endpoints": ", ".join(state.label or state.endpoint for state in concerned),
    }
    return Said(found.title.format(**words), found.text.format(**words), found.tone, found.act)


def last_try(connection: Connection, run: SyncRun | None, said: Said, *, now: datetime) -> str:
    """How the last try ended, or that it goes on. `run` is the latest stretch of reading that was noted."""
    tried = connection.last_tried_at
    if connection.lease_until and connection.lease_until > now:
        return "It goes on now."
    if connection.lease_until:
        return "It broke off. It begins again by itself."
    if tried and run and run.ended_at >= tried:
        return "It was complete." if run.outcome == Outcome.OK else run.problem
    if connection.status == Status.BROKEN:
        return f"{said.title}."
    if connection.is_at_rest:
        return "It was stopped."
    return "There was nothing new to read."


def problem(marks: Marks, *, now: datetime) -> str | None:
    """The sentence of a state that somebody should know about, or None."""
    words = said(marks, now=now)
    return words.text if words.tone in {"warn", "bad"} else None


def why(marks: Marks) -> tuple[str, list[EndpointState]]:
    """The reason behind a status, and the endpoints that it is about."""
    connection = marks.connection
    if connection.status == Status.DISCONNECTED and connection.taken_over_by:
        return "taken_over", []
    if (connection.status, connection.blocked) in SAID:
        return connection.blocked, []
    for reason, outcomes in (
        ("down", AWAY),
        ("refused_request", {Outcome.BAD_REQUEST}),
        ("closed", CLOSED),
    ):
        concerned = [state for state in marks.states.values() if state.outcome in outcomes]
        if concerned and (connection.status, reason) in SAID:
            return reason, concerned
    incomplete = {window.endpoint for window in marks.windows if window.problem and not window.tries}
    gaps = {window.endpoint for window in marks.windows if window.problem and window.tries}
    reason, names = ("incomplete", incomplete) if incomplete else ("gaps", gaps)
    if (connection.status, reason) not in SAID:
        return OTHERWISE[connection.status], []
    return reason, [state for state in marks.states.values() if state.endpoint in names]


def endpoint(state: EndpointState, now: datetime) -> str:
    words = ENDPOINT[state.outcome].format(since=moment(state.failing_since, now), next_try=moment(state.retry_at, now))
    if state.outcome == Outcome.OK and state.last_success_at:
        return f"Read {moment(state.last_success_at, now)}."
    if state.earliest:
        words += f" The provider gives nothing before {state.earliest:%-d %b %Y}."
    return words


def moment(at: datetime | None, now: datetime) -> str:
    """`14:05 UTC`, with its day when it is another one."""
    if at is None:
        return "soon"
    utc = at.astimezone(UTC)
    is_today = utc.date() == now.astimezone(UTC).date()
    return f"{utc:%H:%M} UTC" if is_today else f"{utc:%-d %b %H:%M} UTC"
