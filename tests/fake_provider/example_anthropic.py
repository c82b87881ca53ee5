"""The example's two Anthropic organizations, by hand."""

from __future__ import annotations

from .world import (
    DAY,
    HOUR,
    AdminKey,
    AnthropicAccount,
    AnthropicBill,
    AnthropicUsage,
    ApiKey,
    User,
    Workspace,
)

KEYS = {
    "anthropic": "sk-ant-admin01-acme-0000000000000000000000001AA",
    "anthropic.enterprise": "sk-ant-api01-acme-analytics-00000000000000002AA",
    "anthropic.enterprise_without_scope": "sk-ant-api01-acme-chat-0000000000000000003AA",
    "anthropic.workspace": "sk-ant-api03-acme-workspace-00000000000000004AA",
    "anthropic.unbound": "sk-ant-api03-acme-unbound-0000000000000000005AA",
    "anthropic.oauth": "sk-ant-oat01-acme-00000000000000000000000006AA",
    "anthropic.deleted": "sk-ant-admin01-acme-deleted-00000000000000007AA",
    "anthropic.globex": "sk-ant-admin01-globex-000000000000000000000008AA",
}

SONNET = "claude-sonnet-4-5-20250929"
HAIKU = "claude-haiku-4-5-20251001"


def acme(today: int) -> AnthropicAccount:
    return AnthropicAccount(
        id="0b9c2f1e-7a54-4c61-9d0e-acme00000001",
        name="Acme",
        keys=[
            AdminKey(KEYS["anthropic"], id="apikey_admin"),
            AdminKey(KEYS["anthropic.enterprise"], "enterprise", ("read:analytics",)),
            AdminKey(KEYS["anthropic.enterprise_without_scope"], "enterprise", ("read:compliance",)),
            AdminKey(KEYS["anthropic.workspace"], "workspace", ()),
            AdminKey(KEYS["anthropic.unbound"], "unbound", ()),
            AdminKey(KEYS["anthropic.oauth"], "oauth", ("org:admin",)),
            AdminKey(KEYS["anthropic.deleted"], deleted=True),
        ],
        workspaces=[
            Workspace("wrkspc_default", "Default", is_default=True),
            Workspace("wrkspc_research", "Research", tags=(("team", "science"),)),
            Workspace("wrkspc_old", "Old", archived_at=today - 30 * DAY),
        ],
        api_keys=[
            ApiKey("apikey_research", "research jobs", "wrkspc_research", "user_ada"),
            ApiKey("apikey_default", "prototype", "wrkspc_default", "user_bob"),
            ApiKey("apikey_old", "retired", "wrkspc_old", "user_bob", status="archived"),
        ],
        users=[
            User("user_ada", "Ada", "ada@acme.test", "admin"),
            User("user_bob", "Bob", "bob@acme.test", "developer"),
        ],
        usage=_usage(today),
        bills=_bills(today),
    )


def _usage(today: int) -> list[AnthropicUsage]:
    def used(days_ago: int, hour: int, **more: int | str | None) -> AnthropicUsage:
        where: dict[str, int | str | None] = {
            "model": SONNET,
            "workspace_id": "wrkspc_research",
            "api_key_id": "apikey_research",
        }
        return AnthropicUsage(today - days_ago * DAY + hour * HOUR, **(where | more))  # type: ignore[arg-type]

    home = {"workspace_id": "wrkspc_default", "api_key_id": "apikey_default"}
    return [
        used(1, 14, requests=7, uncached_input=41_150, output=0),
        used(1, 15, requests=9, uncached_input=100, cache_read=90_000, cache_write_5m=4_000, output=500),
        used(1, 15, requests=2, cache_write_1h=8_000, cache_read=3_000_000_000, output=20, user_id="user_ada"),
        used(1, 16, requests=3, uncached_input=500, output=900, web_searches=4),
        used(1, 16, requests=1, uncached_input=300_000, output=10, context_window="200k-1M"),
        used(
            2,
            3,
            service_tier="batch",
            product="message_batches_api",
            requests=50,
            uncached_input=10_000,
            output=1,
        ),
        used(2, 4, service_tier="priority", requests=2, uncached_input=1_000, output=100),
        used(2, 5, **home, model=HAIKU, requests=4, uncached_input=2_000, output=300),
        # The Workbench has no key.
        used(
            2,
            6,
            workspace_id="wrkspc_default",
            api_key_id=None,
            product="claude_console",
            requests=1,
            output=9,
        ),
        used(3, 7, product="managed_agents_api", requests=2, uncached_input=600, output=60, inference_geo="us"),
        # Blocked requests: counted, never billed.
        used(3, 8, model="claude-nobody-has-heard-of-it", requests=2, uncached_input=40),
        used(6, 9, **home, requests=1, uncached_input=70, output=7),
        used(0, 0, requests=1, uncached_input=90, output=9),
    ]


def _bills(today: int) -> list[AnthropicBill]:
    kinds = {
        "in": ("uncached_input_tokens", "Input Tokens"),
        "out": ("output_tokens", "Output Tokens"),
        "read": ("cache_read_input_tokens", "Input Tokens, Cache Read"),
        "5m": ("cache_creation.ephemeral_5m_input_tokens", "Input Tokens, Cache Write 5m"),
        "1h": ("cache_creation.ephemeral_1h_input_tokens", "Input Tokens, Cache Write 1h"),
    }

    def tokens(days_ago: int, hour: int, kind: str, amount: str, **more: str | None) -> AnthropicBill:
        token_type, words = kinds[kind]
        values: dict[str, str | None] = {
            "model": SONNET,
            "workspace_id": "wrkspc_research",
            "api_key_id": "apikey_research",
            "token_type": token_type,
            "list_amount": amount,
        }
        label = "Claude Haiku 4.5" if more.get("model") == HAIKU else "Claude Sonnet 4.5"
        values |= {"description": f"{label} Usage - {words}", **more}
        return AnthropicBill(today - days_ago * DAY + hour * HOUR, amount, **values)  # type: ignore[arg-type]

    def other(days_ago: int, hour: int, cost_type: str, amount: str, description: str, spans: int = 0) -> AnthropicBill:
        return AnthropicBill(
            today - days_ago * DAY + hour * HOUR,
            amount,
            cost_type,
            description=description,
            workspace_id="wrkspc_research",
            api_key_id="apikey_research",
            service_tier=None,
            context_window=None,
            inference_geo=None,
            product=None if spans else "messages_api",
            model=None if spans else SONNET,
            spans=spans,
        )

    home = {"workspace_id": "wrkspc_default", "api_key_id": "apikey_default"}
    return [
        # Discounted: 12.345 cents on the bill, 13.7166 before.
        tokens(1, 14, "in", "12.3450000", list_amount="13.7166"),
        tokens(1, 15, "in", "0.03"),
        tokens(1, 15, "read", "2.7"),
        tokens(1, 15, "5m", "1.5"),
        tokens(1, 15, "out", "0.75"),
        tokens(1, 15, "1h", "4.8", user_id="user_ada"),
        tokens(1, 15, "read", "90000", user_id="user_ada"),
        tokens(1, 15, "out", "0.03", user_id="user_ada"),
        tokens(1, 16, "in", "0.15"),
        tokens(1, 16, "out", "1.35"),
        tokens(1, 16, "in", "180", context_window="200k-1M"),
        tokens(1, 16, "out", "0.0225", context_window="200k-1M"),
        other(1, 16, "web_search", "4", "Web Search Usage"),
        other(1, 17, "code_execution", "2.5", "Code Execution Usage", spans=3),
        tokens(2, 3, "in", "1.5", service_tier="batch", product="message_batches_api"),
        tokens(2, 3, "out", "0.00075", service_tier="batch", product="message_batches_api"),
        tokens(2, 4, "in", "0.6", service_tier="priority"),
        tokens(2, 4, "out", "0.3", service_tier="priority"),
        tokens(2, 5, "in", "0.2", **home, model=HAIKU),
        tokens(2, 5, "out", "0.15", **home, model=HAIKU),
        tokens(2, 6, "out", "0.0135", workspace_id="wrkspc_default", api_key_id=None, product="claude_console"),
        tokens(3, 7, "in", "0.198", product="managed_agents_api", inference_geo="us"),
        tokens(3, 7, "out", "0.099", product="managed_agents_api", inference_geo="us"),
        AnthropicBill(
            today - 3 * DAY + 7 * HOUR,
            "8.000000000001",
            "session_usage",
            description="Managed Agents Session Time",
            workspace_id="wrkspc_research",
            api_key_id="apikey_research",
            service_tier=None,
            context_window=None,
            product="managed_agents_api",
        ),
        tokens(6, 9, "in", "0.021", **home),
        tokens(6, 9, "out", "0.0105", **home),
        tokens(0, 0, "in", "0.027"),
        tokens(0, 0, "out", "0.0135"),
    ]


def globex(today: int) -> AnthropicAccount:
    return AnthropicAccount(
        id="7d41c0aa-2222-4f0b-8a11-globex000002",
        name="Globex",
        keys=[AdminKey(KEYS["anthropic.globex"])],
        workspaces=[Workspace("wrkspc_globex", "Default", is_default=True)],
        usage=[AnthropicUsage(today - DAY, SONNET, "wrkspc_globex", None, requests=1, uncached_input=5)],
        bills=[
            AnthropicBill(
                today - DAY,
                "1250",
                token_type="uncached_input_tokens",
                model=SONNET,
                workspace_id="wrkspc_globex",
            )
        ],
    )
