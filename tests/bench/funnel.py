"""The staff's funnel over a million lines of the journal, as a browser asks for it: one client, warm, whole page."""

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.bench.figures import Figure, percentile
from tests.product import Api, Product
from tokentra.machine import places

LINES, A_PERSON = 1_000_000, 25
LOOKS = 20
GOAL = 500.0
PAGES = {
    "30 days": "/admin/onboarding/funnel/?period=30d",
    "90 days": "/admin/onboarding/funnel/?period=90d",
    "people, 90 days": "/admin/onboarding/funnel/people/?period=90d&state=dropped",
    "journal": "/admin/accounts/journalentry/",
    "journal, one event": "/admin/accounts/journalentry/?event=questionnaire_completed",
}
FACTS = {  # what share of people have each, and after how many minutes
    "signup_completed": (1.0, 0),
    "questionnaire_started": (0.9, 1),
    "questionnaire_completed": (0.7, 4),
    "provider_connection_started": (0.65, 6),
    "provider_connection_completed": (0.6, 8),
    "dashboard_data_loaded": (0.5, 12),
    "optimization_first_view": (0.2, 600),
}
PEOPLE = """
CREATE TEMP TABLE people AS
SELECT n, gen_random_uuid() AS user_id, gen_random_uuid() AS organization_id,
    now() - (n::bigint * 4099 %% 525600) * interval '1 minute' AS signup FROM generate_series(1, %(people)s) n;
INSERT INTO accounts_user (id, password, is_superuser, email, full_name, is_active, is_staff, wants_guidance_mail, created_at)
SELECT user_id, '!', false, 'person' || n || '@crowd.example', '', true, false, true, signup FROM people;
INSERT INTO accounts_organization (id, name, slug, timezone, currency, website, industry, plan, is_sample, event_days, audit_days, sign_on_required, created_at)
SELECT organization_id, 'Organization ' || n, 'organization-' || n, 'UTC', 'USD', '', '', 'free', false, 90, 730, false, signup FROM people;
INSERT INTO accounts_membership (id, role, is_invitee, created_at, active_at, user_id, organization_id)
SELECT gen_random_uuid(), 'owner', false, signup, least(now(), signup + (n %% 40) * interval '1 day'), user_id,
    organization_id FROM people;
INSERT INTO accounts_visit (id, first_seen_at, landing_path, referrer, utm_source, utm_medium, utm_campaign, utm_term,
    utm_content, method, user_id)
SELECT gen_random_uuid(), signup, '/', CASE n %% 4 WHEN 0 THEN 'https://www.site' || n %% 30 || '.example/x' ELSE '' END,
    CASE n %% 4 WHEN 1 THEN 'source' || n %% 20 ELSE '' END, '', '', '', '', 'email', user_id FROM people;
INSERT INTO onboarding_journey (id, came, user_role, goals, acquisition_channel, other, step, done_steps, skipped_steps,
    segment, path, spend_tier, rule_version, rule_inputs, started_at, active_at, finished_at, organization_id, user_id)
SELECT gen_random_uuid(), 'founded', '', '{}', '', '{}', 'connect', '{}', '{}',
    (ARRAY['startup_technical', 'midmarket_finops', 'agency', ''])[n %% 4 + 1],
    (ARRAY['sdk_first', 'guided_tour', 'quick_connect'])[n %% 3 + 1], '', 1, '{}', signup, signup,
    CASE WHEN n %% 2 = 0 THEN signup + interval '9 minutes' END, organization_id, user_id FROM people;
"""
MILESTONES = """
INSERT INTO accounts_milestone (id, event, at, organization_id, user_id)
SELECT gen_random_uuid(), %(event)s, signup + %(minutes)s * interval '1 minute', organization_id, whose
FROM people, LATERAL (VALUES (user_id), (NULL::uuid)) v (whose) WHERE (n * 7919) %% 1000 < %(share)s * 1000
"""
JOURNAL = """
INSERT INTO accounts_journalentry (id, event, at, data, organization_id, user_id)
SELECT gen_random_uuid(), (%(events)s::text[])[i %% cardinality(%(events)s::text[]) + 1],
    signup + i * interval '2 minutes', '{}', organization_id, user_id
FROM people, generate_series(0, %(each)s - 1) i
"""
TABLES = ("user", "organization", "membership", "visit", "milestone", "journalentry")


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    with Product(directory / "var") as product:
        staff = product.bootstrap(staff=True)
        begun = time.monotonic()
        with psycopg.connect(
            host=str(places.socket_dir(product.var / "postgres")),
            user="postgres",
            dbname="tokentra",
            cursor_factory=psycopg.ClientCursor,
        ) as superuser:
            fill(superuser, LINES // A_PERSON)
        yield Figure(f"(writing {LINES:,} lines of {LINES // A_PERSON:,} people)", time.monotonic() - begun, "s")
        for name, path in PAGES.items():
            yield Figure(f"funnel over {LINES:,} lines, {name}: p95", percentile(look(staff, path), 0.95), "ms", GOAL)
        today = time.gmtime()
        year = f"/admin/onboarding/funnel/?from={today.tm_year - 1}-{today.tm_mon:02}-01&to={today.tm_year}-12-31"
        yield Figure("funnel over everybody's year (40,000 people): p50", percentile(look(staff, year), 0.5), "ms")


def fill(superuser: "psycopg.Connection[tuple[object, ...]]", people: int) -> None:
    for statement in PEOPLE.split(";\n"):
        if statement.strip():
            superuser.execute(statement, {"people": people})
    for event, (share, minutes) in FACTS.items():
        superuser.execute(MILESTONES, {"event": event, "share": share, "minutes": minutes})
    superuser.execute(JOURNAL, {"events": [*FACTS], "each": A_PERSON})
    superuser.commit()
    superuser.autocommit = True
    for table in (*(f"accounts_{name}" for name in TABLES), "onboarding_journey"):
        superuser.execute(f"VACUUM ANALYZE {table}")


def look(staff: Api, path: str) -> list[float]:
    """Milliseconds from the request's first byte to the page's last, after some looks that warm it."""
    taken = []
    for number in range(LOOKS + 3):
        begun = time.perf_counter()
        status, body = staff.send("GET", path)
        assert status == 200, f"{path}: {status} {body!s:.300}"
        if number >= 3:
            taken.append((time.perf_counter() - begun) * 1000)
    return taken
