"""Commands that work as they stand, for this host and, where it is at hand, this key."""

from accounts.http import absolute
from accounts.permissions import Scope
from sdk_keys.issuing import Issued

FROM_ENVIRONMENT = "$TOKENTRA_API_KEY"
EVENT = '{"events":[{"provider":"openai","model":"gpt-4o-mini","tokens":{"input":900,"output":45}}]}'


def send_event(key: str = FROM_ENVIRONMENT) -> str:
    return (
        f"curl {absolute('/api/usage/track')} \\\n"
        f'  -H "Authorization: Bearer {key}" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{EVENT}'"
    )


def read_usage(key: str = FROM_ENVIRONMENT) -> str:
    return f'curl {absolute("/api/usage/stats")} \\\n  -H "Authorization: Bearer {key}"'


def first_try(made: Issued) -> str:
    """The command that shows a new key at work; nothing for one that only manages."""
    if Scope.INGEST in made.key.scopes:
        return send_event(made.clear)
    return read_usage(made.clear) if Scope.READ in made.key.scopes else ""
