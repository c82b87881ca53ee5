"""The example's two OpenAI organizations, by hand."""

from __future__ import annotations

from .world import (
    DAY,
    HOUR,
    AdminKey,
    ApiKey,
    OpenAIAccount,
    OpenAIBill,
    OpenAIUsage,
    Project,
    User,
)

KEYS = {
    "openai": "sk-admin-acme-full-00000000000000000000000001",
    "openai.usage_only": "sk-admin-acme-usage-0000000000000000000000002",
    "openai.management_only": "sk-admin-acme-manage-000000000000000000000003",
    "openai.project": "sk-proj-acme-000000000000000000000000000004",
    "openai.service_account": "sk-svcacct-acme-000000000000000000000000005",
    "openai.user": "sk-acme0000000000000000000000000000000000000000006",
    "openai.deleted": "sk-admin-acme-deleted-00000000000000000000007",
    "openai.globex": "sk-admin-globex-0000000000000000000000000008",
}

MINI = "gpt-5-mini-2025-08-07"
AUDIO = "gpt-audio-mini-2025-12-15"
IMAGE = "gpt-image-2.5-sunburst"
TUNED = "ft:gpt-4.1-mini-2025-04-14:acme::B7x"
UNKNOWN = "gpt-9-nobody-has-heard-of-it"

_PEOPLE = [
    User("user-ada", "Ada", "ada@acme.test", "owner"),
    User("user-bob", "Bob", "bob@acme.test", "reader"),
]


def acme(today: int) -> OpenAIAccount:
    usage, management = ("api.usage.read",), ("api.management.read",)
    return OpenAIAccount(
        id="org-acme0000000000000000001",
        name="Acme",
        keys=[
            AdminKey(KEYS["openai"], id="key_admin_full"),
            AdminKey(KEYS["openai.usage_only"], scopes=usage, id="key_admin_usage"),
            AdminKey(KEYS["openai.management_only"], scopes=management, id="key_admin_manage", name=None),
            AdminKey(KEYS["openai.project"], "project", (), id="key_search_a"),
            AdminKey(KEYS["openai.service_account"], "service_account", (), id="key_svc"),
            AdminKey(KEYS["openai.user"], "user", (), id="key_user"),
            AdminKey(KEYS["openai.deleted"], deleted=True, id="key_admin_deleted"),
        ],
        projects=[
            Project("proj_default", "Default project"),
            Project("proj_search", "Search"),
            Project("proj_nameless", None),
            Project("proj_old", "Old experiment", archived_at=today - 30 * DAY),
        ],
        api_keys=[
            ApiKey("key_search_a", "search backend", "proj_search", "user-ada", last_used_at=today),
            ApiKey("key_search_b", "search nightly", "proj_search"),
            ApiKey("key_default", "playground", "proj_default", "user-bob"),
            ApiKey("key_old", "experiment", "proj_old", "user-bob", status="inactive"),
        ],
        users=list(_PEOPLE),
        usage=[*_completions(today), *_other_usage(today)],
        bills=_bills(today),
    )


def _completions(today: int) -> list[OpenAIUsage]:
    def used(days_ago: int, hour: int, model: str, **more: int | str | bool | None) -> OpenAIUsage:
        where: dict[str, int | str | bool | None] = {
            "project_id": "proj_search",
            "api_key_id": "key_search_a",
        }
        return OpenAIUsage(today - days_ago * DAY + hour * HOUR, model=model, **(where | more))  # type: ignore[arg-type]

    nowhere = {"project_id": "proj_default", "api_key_id": None, "user_id": "user-bob"}
    return [
        used(1, 9, MINI, user_id="user-ada", requests=3, text_in=400, cached_text=800, text_out=90),
        used(1, 9, MINI, user_id="user-bob", requests=2, text_in=50, text_out=10),
        used(1, 9, MINI, service_tier="priority", requests=1, text_in=1_000, text_out=200),
        used(1, 10, MINI, service_tier="flex", api_key_id="key_search_b", requests=5, text_in=70, text_out=7),
        used(1, 10, MINI, batch=True, service_tier="default", requests=40, text_in=9_000, text_out=4_000),
        # Cached tokens of a busy agent, above 2^31 in one hour.
        used(1, 11, MINI, requests=90_000, text_in=5, cached_text=3_000_000_000, text_out=120_000),
        used(2, 0, MINI, requests=1, text_in=10, cache_write_30m=2_000, cache_write_12h=500, text_out=1),
        used(6, 1, MINI, requests=1, text_in=10, cache_write_unsplit=700, text_out=1),
        used(2, 23, AUDIO, requests=2, text_in=30, audio_in=600, cached_audio=50, text_out=5, audio_out=900),
        used(3, 12, IMAGE, requests=1, text_in=60, image_in=1_500, cached_image=300, image_out=4_160),
        used(3, 12, TUNED, requests=8, text_in=800, text_out=80),
        used(3, 13, UNKNOWN, requests=1, text_in=11, text_out=22),
        used(3, 14, MINI, api_source="agents_api", requests=4, text_in=44, text_out=4),
        used(6, 8, MINI, **nowhere, requests=6, text_in=600, text_out=66),
        used(6, 8, "gpt-4o-mini-2024-07-18", project_id="proj_old", api_key_id="key_old", requests=1, text_in=9),
        # Free of charge: usage that no bill line will ever match.
        used(6, 9, "omni-moderation-latest", requests=2, text_in=20),
        used(0, 0, MINI, requests=7, text_in=700, cached_text=70, text_out=77),
    ]


def _other_usage(today: int) -> list[OpenAIUsage]:
    yesterday = today - DAY

    def used(endpoint: str, hour: int, **more: int | str | None) -> OpenAIUsage:
        where: dict[str, int | str | None] = {"project_id": "proj_search", "api_key_id": "key_search_a"}
        return OpenAIUsage(yesterday + hour * HOUR, endpoint, **(where | more))  # type: ignore[arg-type]

    return [
        used("embeddings", 9, model="text-embedding-3-small", requests=12, text_in=48_000),
        used("moderations", 9, model="omni-moderation-latest", requests=3, text_in=900),
        # Two images are counted here; the bill has five, three of them without any usage.
        used("images", 10, model=IMAGE, requests=2, units=2, size="1024x1024", source="image.generation"),
        used("audio_speeches", 11, model="tts-1", requests=1, units=1_234),
        used("audio_transcriptions", 11, model="whisper-1", requests=2, units=75),
        used("vector_stores", 0, api_key_id=None, units=5_368_709_120),
        used("code_interpreter_sessions", 12, units=3),
        used("file_search_calls", 12, vector_store_id="vs_docs", units=6),
        used("web_search_calls", 13, model=MINI, requests=2, units=5, context_level="medium"),
        used("decisions", 14, model="gpt-6-astra", requests=1, text_in=100, text_out=10),
    ]


def _bills(today: int) -> list[OpenAIBill]:
    def line(
        days_ago: int,
        item: str | None,
        amount: str | None,
        quantity: str | None = None,
        unit: str | None = "tokens",
        **more: str | bool | None,
    ) -> OpenAIBill:
        where: dict[str, str | bool | None] = {"project_id": "proj_search", "api_key_id": "key_search_a"}
        return OpenAIBill(
            today - days_ago * DAY,
            amount,
            item,
            quantity=quantity,
            quantity_unit=unit if quantity else None,
            **(where | more),  # type: ignore[arg-type]
        )

    nobody = {"api_key_id": None}
    return [
        line(1, f"{MINI}, input", "0.00261375000000000", "10455"),
        line(1, f"{MINI}, cached input", "75.00002000000000000", "3000000800"),
        line(1, f"{MINI}, output", "0.2482", "124100", quoted=False),
        line(1, f"priority | {MINI}, input", "5e-04", "1000", quoted=False),
        line(1, f"priority | {MINI}, output", "8E-4", "200"),
        line(1, f"{MINI}, input", "1.75e-05", "70", api_key_id="key_search_b"),
        line(1, "text-embedding-3-small, input", "0.00096", "48", unit="1000_tokens"),
        line(1, IMAGE, "0.21", "5", unit="images", **nobody),
        line(1, "web search tool calls", "0.05", "5", unit=None, **nobody),
        line(1, "Vector storage", "0.5", "120", unit="gibibyte_hours", **nobody),
        line(1, "whisper-1, audio", "0.0075", "1.25", unit="duration_minutes"),
        line(1, "tts-1, characters", "0.01851", "1234", unit="characters"),
        line(1, "gpt-6-astra, input_tokens", "0.0001", "100"),
        line(2, f"{MINI}, input", "0.000005", "20"),
        line(2, f"{MINI}, cache writes", "0.001", "3200"),
        line(2, f"{AUDIO} audio, input", "0.006", "600"),
        line(2, f"{AUDIO} audio, output", "0.018", "900"),
        line(2, f"{AUDIO} text, cached input", None, None),
        line(3, f"{IMAGE} text, cached input", "0.0000", "0"),
        line(3, f"{IMAGE} image, output", "0.1664", "4160"),
        line(3, "ft-gpt-4.1-mini-2025-04-14, input", "0.00064", "800"),
        line(3, "ft-gpt-4.1-mini-2025-04-14, output", "0.000256", "80"),
        line(3, f"{UNKNOWN}, input", "0.123456789012345678", "11"),
        line(3, f"{MINI}, input, long context", "0.0044", "44"),
        line(3, "A line item that is new", "3", "2", unit="fortnights", **nobody),
        line(6, f"{MINI}, input", "0.00015", "600", project_id="proj_default", api_key_id=None),
        line(6, "gpt-4o-mini-2024-07-18, input", "1.35e-06", "9", project_id="proj_old", api_key_id="key_old"),
        line(6, "Promotional credit", "-1.25", **nobody),
        line(6, "Marketplace fee", "2.10", currency="eur", **nobody),
        line(0, f"{MINI}, input", "0.000175", "700"),
    ]


def globex(today: int) -> OpenAIAccount:
    return OpenAIAccount(
        id="org-globex000000000000000002",
        name="Globex",
        keys=[AdminKey(KEYS["openai.globex"], id="key_admin_globex")],
        projects=[Project("proj_globex", "Only project")],
        api_keys=[ApiKey("key_globex", "everything", "proj_globex")],
        usage=[
            OpenAIUsage(
                today - DAY,
                model=MINI,
                project_id="proj_globex",
                api_key_id="key_globex",
                requests=1,
                text_in=1,
            )
        ],
        bills=[OpenAIBill(today - DAY, "12.50", f"{MINI}, input", "proj_globex", "key_globex")],
    )
