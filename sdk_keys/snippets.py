"""Commands that work as they stand, for this host and, where it is at hand, this key."""

from accounts.http import absolute

FROM_ENVIRONMENT = "$TOKENTRA_API_KEY"
TEST = '{"provider":"tokentra","model":"test-event","tokens":{},"cost":{"amount":"0"},"purpose":"test"}'
EVENT = '{"events":[{"provider":"openai","model":"gpt-4o-mini","tokens":{"input":900,"output":45}}]}'


def send_event(key: str = FROM_ENVIRONMENT) -> str:
    return sending(key, EVENT)


def send_test(key: str = FROM_ENVIRONMENT) -> str:
    """An event that costs nothing and names no model of anybody's."""
    return sending(key, TEST)


def sending(key: str, body: str) -> str:
    return (
        f"curl {absolute('/api/usage/track')} \\\n"
        f'  -H "Authorization: Bearer {key}" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{body}'"
    )


def read_usage(key: str = FROM_ENVIRONMENT) -> str:
    return f'curl {absolute("/api/usage/stats")} \\\n  -H "Authorization: Bearer {key}"'
