"""The people of a cohort as one relation: when each step was true for them, and what they are compared by.

It reads first occurrences (milestones), never the journal, and is asked as the staff's role.
"""

from accounts.journal import Event
from onboarding.funnel_steps import BETWEEN, CONNECTED, SIGNUP, STEPS, STOPS, By, Step

FACTS = (*STEPS[1:], *BETWEEN, CONNECTED)
UNKNOWN, DIRECT = "none", "direct"


def alias(event: Event) -> str:
    return f"first_{event.value}"


def fact(step: Step) -> str:
    """The first of a step's events; LEAST passes over those that never came."""
    return f"LEAST({', '.join(f'{alias(event)}.at' for event in step.events)})"


def join(event: Event, *, is_personal: bool) -> str:
    """`since` spares the facts of earlier cohorts: nothing happens in an organization before somebody founds it."""
    whose = "= s.user_id" if is_personal else "IS NULL"
    name = alias(event)
    return (
        f"LEFT JOIN accounts_milestone {name} ON {name}.organization_id = s.organization_id "
        f"AND {name}.event = '{event.value}' AND {name}.at >= %(since)s AND {name}.user_id {whose}"
    )


def reached(step: Step) -> str:
    """When a step was true together with the required steps before it; NULL while one of them is not."""
    before = [each for each in STEPS[1 : STEPS.index(step)] if not each.is_optional] if step in STEPS else []
    facts = [f"{each.key}_fact" for each in (*before, step)]
    is_there = " AND ".join(f"{each} IS NOT NULL" for each in facts)
    return f"CASE WHEN {is_there} THEN GREATEST(signup, {', '.join(facts)}) END AS {step.key}"


def furthest() -> str:
    """The last of STOPS that somebody reached; the data step's own column already asks for those before it."""
    whens = " ".join(f"WHEN {key} IS NOT NULL THEN '{key}'" for key in reversed(STOPS) if key != SIGNUP.key)
    return f"CASE {whens} ELSE '{SIGNUP.key}' END"


HOST = "lower(regexp_replace(substring(visit.referrer FROM '^https?://([^/]+)'), '^www\\.', ''))"
INVITED = "EXISTS (SELECT FROM accounts_milestone i WHERE i.organization_id = s.organization_id " \
    f"AND i.user_id = s.user_id AND i.event = '{Event.TEAM_INVITE_ACCEPTED.value}')"  # fmt: skip
COUNTED = (
    f"s.event = '{SIGNUP.events[0].value}' AND s.user_id IS NOT NULL AND s.at >= %(start)s AND s.at < %(end)s "
    "AND NOT organization.is_sample AND NOT person.is_staff AND person.email <> %(demo)s"
)
SIGNUPS = """
    FROM accounts_milestone s
    JOIN accounts_organization organization ON organization.id = s.organization_id
    JOIN accounts_user person ON person.id = s.user_id
"""
PEOPLE = f"""
WITH facts AS (
    SELECT s.organization_id, s.user_id, s.at AS signup, person.email, organization.name AS organization,
        {", ".join(f"{fact(step)} AS {step.key}_fact" for step in FACTS)},
        COALESCE(member.active_at, s.at) AS active_at, journey.finished_at,
        COALESCE(NULLIF(journey.segment, ''), '{UNKNOWN}') AS {By.SEGMENT},
        COALESCE(journey.path, '{UNKNOWN}') AS {By.PATH},
        COALESCE(NULLIF(lower(visit.utm_source), ''), NULLIF({HOST}, ''), '{DIRECT}') AS {By.SOURCE}
    {SIGNUPS}
    LEFT JOIN accounts_membership member
        ON member.organization_id = s.organization_id AND member.user_id = s.user_id
    LEFT JOIN onboarding_journey journey
        ON journey.organization_id = s.organization_id AND journey.user_id = s.user_id
    LEFT JOIN accounts_visit visit ON visit.user_id = s.user_id
    {" ".join(dict.fromkeys(join(event, is_personal=step.is_personal) for step in FACTS for event in step.events))}
    WHERE {COUNTED} AND %(invited)s = {INVITED}
), steps AS (
    SELECT *, {", ".join(reached(step) for step in FACTS)} FROM facts
), people AS (
    SELECT *, {furthest()} AS {By.FURTHEST},
        date_trunc(%(grain)s, signup AT TIME ZONE 'UTC')::date AS {By.COHORT},
        CASE WHEN data IS NOT NULL THEN 'activated'
            WHEN active_at < %(quiet)s THEN 'dropped' ELSE 'on_way' END AS state,
        CASE WHEN signup > %(now)s - interval '1 day' THEN 'recent'
            WHEN provider <= signup + interval '1 day' THEN 'yes' ELSE 'no' END AS day1,
        CASE WHEN signup > %(now)s - interval '8 days' THEN 'recent'
            WHEN active_at >= signup + interval '7 days' THEN 'yes' ELSE 'no' END AS day7,
        CASE WHEN signup > %(now)s - interval '1 day' THEN 'recent'
            WHEN finished_at IS NOT NULL THEN 'yes' ELSE 'no' END AS completion
    FROM steps
)
"""  # noqa: S608  # names of ours; every value is a parameter
