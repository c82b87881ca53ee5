"""Ten thousand budgets of a thousand organizations, held against a month of figures by one worker."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.bench.figures import Figure
from tests.product import Product
from tokentra.machine import places
from usage.measuring.hashes import hash_of, series_of

ORGANIZATIONS, GOAL = 1_000, 30.0
FILL = """
CREATE TEMP TABLE crowd AS SELECT n, gen_random_uuid() AS organization_id FROM generate_series(1, %(organizations)s) n;
INSERT INTO accounts_organization (id, name, slug, timezone, currency, website, industry, plan, is_sample, event_days, audit_days, sign_on_required, created_at)
SELECT organization_id, 'Organization ' || n, 'organization-' || n,
    (ARRAY['UTC', 'America/New_York', 'Asia/Kolkata', 'Europe/Paris'])[n %% 4 + 1], 'USD', '', '', 'free', false, 90, 730, false,
    now() - interval '60 days' FROM crowd;
INSERT INTO usage_hourrollup (organization_id, dimension, hour, id, connection_id, provider, ledger, currency, basis, counted,
    tokens_counted, amount, requests, requests_known, unpriced_tokens, seconds, value, input, cache_read, cache_write_5m,
    cache_write_30m, cache_write_1h, cache_write_12h, output, audio_in, audio_out, image_in, image_out, reasoning, units)
SELECT organization_id, 'model', hour, gen_random_uuid(), organization_id, 'openai', 'usage', 'USD', 'computed', true, true,
    0.5, 10, true, 0, 3600, 'model-' || m, 1000, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0, 0, '{}'
FROM crowd, generate_series(date_trunc('hour', now()) - interval '31 days', now(), interval '1 hour') hour,
    generate_series(1, 3) m;
INSERT INTO usage_daydimension (organization_id, dimension, day, id, connection_id, provider, ledger, currency, basis, counted,
    tokens_counted, amount, requests, requests_known, unpriced_tokens, value, input, cache_read, cache_write_5m,
    cache_write_30m, cache_write_1h, cache_write_12h, output, audio_in, audio_out, image_in, image_out, reasoning, units)
SELECT organization_id, 'model', (hour AT TIME ZONE 'UTC')::date, gen_random_uuid(), organization_id, 'openai', 'usage', 'USD',
    'computed', true, true, sum(amount), sum(requests), true, 0, value, sum(input), 0, 0, 0, 0, 0, sum(output), 0, 0, 0, 0, 0, '{}'
FROM usage_hourrollup GROUP BY organization_id, 3, value;
INSERT INTO usage_measuredday (organization_id, series, dimension, by, day, value, value_hash, by_value, by_hash, currency, calls, errors, streamed,
    amount, unpriced_calls, unpriced_tokens, tokens_in, tokens_cached, tokens_out, rare_tokens, units, untold, latency_ms,
    spread, first_at, last_at)
SELECT organization_id, %(series)s, 'customer', '', day, 'customer-' || c, (%(hashes)s::bigint[])[c], '', 0, 'USD', 10, NULL, NULL, 0.3, NULL, NULL, 1000, NULL,
    100, NULL, '{}', 10, 0, NULL, day, day
FROM crowd, generate_series(current_date - 31, current_date, interval '1 day') day, generate_series(1, 30) c;
INSERT INTO budgets_budget (id, organization_id, name, ledger, scope, each, unit, amount, every, months, thresholds,
    forecast_at, mode, created_at, changed_at, version)
SELECT gen_random_uuid(), organization_id, 'Budget ' || b, ledger, scope::jsonb, each, unit, amount, every, 1, '{50,80,100}',
    forecast_at, 'notify', now() - interval '1 minute', now(), 1
FROM crowd, (VALUES
    (1, 'counted', '{}', '', 'usd', 1200, 'month', 100), (2, 'counted', '{}', '', 'usd', 40, 'day', NULL),
    (3, 'counted', '{}', '', 'usd', 280, 'week', 100), (4, 'counted', '{}', '', 'tokens', 9000000, 'quarter', NULL),
    (5, 'counted', '{"model": ["model-1"]}', '', 'usd', 400, 'month', 100),
    (6, 'counted', '{"model": ["model-2", "model-3"]}', '', 'usd', 90, 'week', NULL),
    (7, 'measured', '{"customer": ["customer-1"]}', '', 'usd', 9, 'month', 100),
    (8, 'measured', '{"customer": ["customer-2"]}', '', 'usd', 9, 'month', NULL),
    (9, 'measured', '{"customer": ["customer-3"]}', '', 'tokens', 30000, 'month', NULL),
    (10, 'measured', '{}', 'customer', 'usd', 20, 'month', NULL)
) AS made (b, ledger, scope, each, unit, amount, every, forecast_at);
INSERT INTO budgets_look (id, organization_id, due_at, failures) SELECT gen_random_uuid(), organization_id, NULL, 0 FROM crowd;
"""
TABLES = (
    "usage_hourrollup",
    "usage_daydimension",
    "usage_measuredday",
    "budgets_budget",
    "budgets_look",
    "accounts_organization",
)
ROUNDS = {
    "the first time, with forecasts and the alerts of what is reached": 20 * GOAL,
    "each minute": GOAL,
}


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    with Product(directory / "var") as product:
        with psycopg.connect(
            host=str(places.socket_dir(product.var / "postgres")),
            user="postgres",
            dbname="tokentra",
            cursor_factory=psycopg.ClientCursor,
        ) as superuser:
            fill(superuser)
        for name, goal in ROUNDS.items():
            begun = time.monotonic()
            found = look(product)
            seconds = time.monotonic() - begun
            assert found == ORGANIZATIONS * 10, found
            yield Figure(f"{found:,} budgets of {ORGANIZATIONS:,} organizations, {name}", seconds, "s", goal)


def fill(superuser: "psycopg.Connection[tuple[object, ...]]") -> None:
    hashes = [hash_of(f"customer-{number}") for number in range(1, 31)]
    params = {"organizations": ORGANIZATIONS, "series": series_of("customer"), "hashes": hashes}
    for statement in FILL.split(";\n"):
        if statement.strip():
            superuser.execute(statement, params)
    superuser.commit()
    superuser.autocommit = True
    for table in TABLES:
        superuser.execute(f"VACUUM ANALYZE {table}")


def look(product: Product) -> int:
    """In a process of its own that acts as a worker; answers how many budgets it held."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.looking"],
        env=product.env | {"TOKENTRA_DB_ROLE": "worker"},
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout.split()[-1])
