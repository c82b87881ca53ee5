"""What the sample workspace uses: who asks which model for what, and how that changed over ninety days."""

from dataclasses import dataclass

OFFICE, STEADY, EVENING = "office", "steady", "evening"


@dataclass(frozen=True)
class Load:
    """Requests of one key to one model. Tokens are a typical request's; `days_ago` bounds when it ran."""

    provider: str
    project: str
    api_key: str
    model: str
    requests_an_hour: int
    shape: str
    input: int
    output: int = 0
    cached: float = 0.0  # the share of input that is read from the cache
    written: float = 0.0  # the share of input that is written to it
    growth: float = 0.0  # by which it grew from the first day to the last
    days_ago: tuple[int, int] = (90, 0)
    batch: bool = False
    tier: str = "default"


PROJECTS = {
    "proj_search": "Product search",
    "proj_support": "Support assistant",
    "proj_pipeline": "Catalogue pipeline",
    "proj_internal": "Internal tools",
    "wrkspc_agents": "Coding agents",
    "wrkspc_review": "Contract review",
}
KEYS = {
    "key_search_live": ("search-live", "sk-…q7Zx"),
    "key_search_index": ("search-index", "sk-…m2Lp"),
    "key_support_live": ("support-live", "sk-…t8Rk"),
    "key_support_triage": ("support-triage", "sk-…w4Hd"),
    "key_pipeline": ("catalogue-tagging", "sk-…c9Vn"),
    "key_nightly": ("catalogue-nightly", "sk-…b3Js"),
    "key_internal": ("internal-playground", "sk-…e6Ya"),
    "apikey_agents_ci": ("agents-ci", "sk-ant-…4fQA"),
    "apikey_agents_dev": ("agents-dev", "sk-ant-…8kWE"),
    "apikey_review": ("contract-review", "sk-ant-…2nTB"),
    "apikey_summaries": ("summaries", "sk-ant-…6xMC"),
}

LOADS = (
    Load(
        "openai",
        "proj_support",
        "key_support_live",
        "gpt-5.4-mini-2026-03-17",
        900,
        OFFICE,
        1_900,
        260,
        cached=0.55,
        growth=0.5,
    ),
    Load("openai", "proj_support", "key_support_triage", "gpt-5.5-2026-04-23", 210, OFFICE, 420, 60),
    Load(
        "openai",
        "proj_search",
        "key_search_live",
        "gpt-5.6-luna",
        2_600,
        EVENING,
        850,
        90,
        cached=0.3,
        growth=0.35,
    ),
    Load("openai", "proj_search", "key_search_index", "text-embedding-3-small", 1_400, STEADY, 1_100),
    Load("openai", "proj_pipeline", "key_pipeline", "gpt-5.6-sol", 170, STEADY, 3_400, 420, cached=0.08),
    Load(
        "openai",
        "proj_pipeline",
        "key_nightly",
        "gpt-5.4-mini-2026-03-17",
        650,
        STEADY,
        2_100,
        300,
        batch=True,
        days_ago=(60, 0),
    ),
    Load("openai", "proj_internal", "key_internal", "gpt-5.5-2026-04-23", 14, OFFICE, 2_600, 700, cached=0.2),
    Load(
        "anthropic",
        "wrkspc_agents",
        "apikey_agents_ci",
        "claude-sonnet-5",
        120,
        STEADY,
        21_000,
        900,
        cached=0.82,
        written=0.06,
        growth=0.6,
        tier="standard",
    ),
    Load(
        "anthropic",
        "wrkspc_agents",
        "apikey_agents_dev",
        "claude-opus-5",
        45,
        OFFICE,
        26_000,
        1_100,
        cached=0.78,
        written=0.07,
        growth=0.9,
        tier="standard",
    ),
    Load(
        "anthropic",
        "wrkspc_review",
        "apikey_review",
        "claude-sonnet-5",
        60,
        OFFICE,
        14_000,
        650,
        tier="standard",
    ),
    Load(
        "anthropic",
        "",
        "apikey_summaries",
        "claude-haiku-4-5-20251001",
        320,
        EVENING,
        2_400,
        210,
        tier="standard",
        days_ago=(75, 0),
    ),
)
WEB_SEARCHES_A_DAY = {"proj_support": 420, "wrkspc_agents": 260}
