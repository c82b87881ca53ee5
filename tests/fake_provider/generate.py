"""Large worlds out of a seed: streams of steady work, and the bill that follows from them exactly."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random
from typing import Any

from .world import (
    DAY,
    HOUR,
    AdminKey,
    AnthropicAccount,
    AnthropicBill,
    AnthropicUsage,
    ApiKey,
    OpenAIAccount,
    OpenAIBill,
    OpenAIUsage,
    Project,
    User,
    Workspace,
    World,
)

OPENAI_KEY = "sk-admin-generated-0000000000000000000000000001"
ANTHROPIC_KEY = "sk-ant-admin01-generated-000000000000000000001"

_OPENAI_NAMES = (
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-4.1",
    "gpt-4o",
    "gpt-4o-mini",
    "o4-mini",
    "gpt-6-astra",
)
_CLAUDE_NAMES = ("Opus 4.5", "Sonnet 4.5", "Haiku 4.5", "Opus 5.5", "Sonnet 5", "Haiku 5")


@dataclass(frozen=True, slots=True)
class _Stream:
    """One key that uses one model in one way."""

    model: str
    label: str
    home: str
    key: str | None
    user: str | None
    tier: str
    price: int
    size: int
    caching: float


def generate(
    days: int = 90,
    models: int = 40,
    projects: int = 30,
    rows: int = 100_000,
    seed: int = 1,
    now: int | None = None,
    *,
    providers: tuple[str, ...] = ("openai", "anthropic"),
) -> World:
    """A world of `rows` usage facts, shared equally by the providers, over the last `days` days.

    The same arguments give the same world; give `now` too when it must not depend on the clock.
    """
    fixed = now
    now = int(time.time()) if now is None else now
    world = World(now=fixed)
    share = rows // len(providers)
    if "openai" in providers:
        world.openai_accounts.append(_openai(days, models, projects, share, Random(seed), now))
    if "anthropic" in providers:
        world.anthropic_accounts.append(_anthropic(days, models, projects, share, Random(seed + 1), now))
    return world


def _openai(days: int, models: int, projects: int, rows: int, dice: Random, now: int) -> OpenAIAccount:
    account = OpenAIAccount(
        id="org-generated00000000000001",
        name="Generated Industries",
        keys=[AdminKey(OPENAI_KEY, id="key_admin_generated")],
        projects=[Project(f"proj_{number:04d}", f"Project {number}") for number in range(projects)],
        users=[User(f"user-{number:04d}", f"Person {number}", f"p{number}@example.test") for number in range(20)],
    )
    account.api_keys = _api_keys("key", [project.id for project in account.projects], account.users)
    names = [_dated(_OPENAI_NAMES, number, "-2026-{month:02d}-{day:02d}") for number in range(models)]
    streams = _streams([(name, name) for name in names], account.api_keys, dice, ("default", "flex"))
    totals: dict[tuple[int, str, str, str | None], tuple[int, int]] = {}
    for at, stream, scale in _work(streams, days, rows, dice, now):
        fresh, cached, output = _tokens(stream, scale)
        account.usage.append(
            OpenAIUsage(
                at=at,
                model=stream.model,
                project_id=stream.home,
                api_key_id=stream.key,
                user_id=stream.user,
                service_tier=stream.tier,
                requests=1 + scale % 97,
                text_in=fresh,
                cached_text=cached,
                text_out=output,
            )
        )
        for kind, tokens, price in (
            ("input", fresh, stream.price * 10),
            ("cached input", cached, stream.price),
            ("output", output, stream.price * 40),
        ):
            if tokens:
                line = (at - at % DAY, f"{stream.model}, {kind}", stream.home, stream.key)
                cost, counted = totals.get(line, (0, 0))
                totals[line] = (cost + tokens * price, counted + tokens)
    for (day, item, home, key), (cost, counted) in totals.items():
        account.bills.append(
            OpenAIBill(
                at=day,
                amount=_decimal(cost, 8),
                line_item=item,
                project_id=home,
                api_key_id=key,
                quantity=str(counted),
                quantity_unit="tokens",
            )
        )
    return account


def _anthropic(days: int, models: int, projects: int, rows: int, dice: Random, now: int) -> AnthropicAccount:
    spaces = [Workspace("wrkspc_default", "Default", is_default=True)]
    spaces += [Workspace(f"wrkspc_{number:04d}", f"Workspace {number}") for number in range(1, projects)]
    account = AnthropicAccount(
        id="5f0e4f5a-0000-4000-8000-000000000001",
        name="Generated Industries",
        keys=[AdminKey(ANTHROPIC_KEY)],
        workspaces=spaces,
        users=[User(f"user_{number:04d}", f"Person {number}", f"p{number}@example.test") for number in range(20)],
    )
    account.api_keys = _api_keys("apikey", [space.id for space in spaces], account.users)
    names = []
    for number in range(models):
        label = _CLAUDE_NAMES[number % len(_CLAUDE_NAMES)]
        stem = "claude-" + label.lower().replace(" ", "-").replace(".", "-")
        names.append((_dated((stem,), number, "-2026{month:02d}{day:02d}"), f"Claude {label}"))
    streams = _streams(names, account.api_keys, dice, ("standard", "batch"))
    for at, stream, scale in _work(streams, days, rows, dice, now):
        fresh, cached, output = _tokens(stream, scale)
        written = cached // 8
        shared: dict[str, Any] = {
            "at": at,
            "model": stream.model,
            "workspace_id": stream.home,
            "api_key_id": stream.key,
            "service_tier": stream.tier,
        }
        account.usage.append(
            AnthropicUsage(
                **shared,
                user_id=stream.user,
                requests=1 + scale % 97,
                uncached_input=fresh,
                cache_read=cached,
                cache_write_5m=written,
                output=output,
            )
        )
        for kind, words, tokens, price in (
            ("uncached_input_tokens", "Input Tokens", fresh, stream.price * 10),
            ("cache_read_input_tokens", "Input Tokens, Cache Read", cached, stream.price),
            (
                "cache_creation.ephemeral_5m_input_tokens",
                "Input Tokens, Cache Write",
                written,
                stream.price * 12,
            ),
            ("output_tokens", "Output Tokens", output, stream.price * 50),
        ):
            if tokens:
                amount = _decimal(tokens * price, 6)
                account.bills.append(
                    AnthropicBill(
                        **shared,
                        user_id=stream.user,
                        amount=amount,
                        list_amount=amount,
                        token_type=kind,
                        description=f"{stream.label} Usage - {words}",
                    )
                )
    return account


def _dated(names: tuple[str, ...], number: int, suffix: str) -> str:
    """Snapshot names that stay distinct for any number of models."""
    turn = number // len(names)
    return names[number % len(names)] + suffix.format(month=1 + turn % 12, day=1 + turn // 12 % 28)


def _api_keys(prefix: str, homes: list[str], users: list[User]) -> list[ApiKey]:
    return [
        ApiKey(f"{prefix}_{place:04d}{letter}", f"{home} {letter}", home, users[place % len(users)].id)
        for place, home in enumerate(homes)
        for letter in "ab"
    ]


def _streams(models: list[tuple[str, str]], keys: list[ApiKey], dice: Random, tiers: tuple[str, str]) -> list[_Stream]:
    """Every model and every key appears; some work has no key, and a tenth runs on the second tier."""
    streams = []
    for number in range(max(len(models), len(keys), 120)):
        model, label = models[number % len(models)]
        key = keys[number % len(keys)]
        has_key = dice.random() > 0.05
        streams.append(
            _Stream(
                model=model,
                label=label,
                home=str(key.home),
                key=key.id if has_key else None,
                user=key.owner if has_key else None,
                tier=tiers[1] if dice.random() < 0.1 else tiers[0],
                price=dice.choice((1, 3, 5, 15, 30)),
                size=dice.choice((400, 3_000, 20_000)),
                caching=dice.choice((0.0, 0.3, 0.8)),
            )
        )
    return streams


def _work(streams: list[_Stream], days: int, rows: int, dice: Random, now: int) -> list[tuple[int, _Stream, int]]:
    """Which stream did how much in which hour: `rows` entries, spread over all hours, in time order."""
    last = now // HOUR
    hours = days * 24
    work = []
    for number in range(rows):
        hour = last - hours + 1 + number * hours // rows
        work.append((hour * HOUR, streams[dice.randrange(len(streams))], 1 + int(dice.paretovariate(1.2)) % 5_000))
    return work


def _tokens(stream: _Stream, scale: int) -> tuple[int, int, int]:
    total = stream.size * scale + scale % 7
    cached = int(total * stream.caching)
    return total - cached, cached, total // 9 + 1


def _decimal(units: int, places: int) -> str:
    """units / 10**places as exact text."""
    whole, part = divmod(units, 10**places)
    return f"{whole}.{part:0{places}d}"
