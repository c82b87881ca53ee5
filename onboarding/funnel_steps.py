"""How staff count the way from sign-up to first data: the steps, the targets, what is in use. All declared here."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from accounts.journal import Event

DAY = timedelta(days=1)
QUIET_DAYS = (3, 7, 14, 30)  # offered as "inactive for"
QUIET = 7


@dataclass(frozen=True, slots=True)
class Step:
    """A fact on the way, true from the first of its events on: the person's own, or the organization's by anybody.

    A required step counts only together with all required steps before it, from the moment when all are true.
    An optional one counts by itself and holds nobody up.
    """

    key: str
    label: str
    events: tuple[Event, ...]
    is_personal: bool = False
    is_optional: bool = False


STEPS = (
    Step("signup", "Signed up", (Event.SIGNUP_COMPLETED,), is_personal=True),
    Step("questionnaire", "Questionnaire done", (Event.QUESTIONNAIRE_COMPLETED,), is_personal=True, is_optional=True),
    Step(
        "provider", "Provider connected or first event", (Event.PROVIDER_CONNECTION_COMPLETED, Event.SDK_FIRST_REQUEST)
    ),
    Step("data", "First data on screen", (Event.DASHBOARD_DATA_LOADED,)),
)
SIGNUP, LAST = STEPS[0], STEPS[-1]
BETWEEN = (  # smaller facts, which say more exactly where somebody stopped
    Step("began", "Opened the questionnaire", (Event.QUESTIONNAIRE_STARTED,), is_personal=True, is_optional=True),
    Step("sdk", "Began to set up an SDK", (Event.SDK_SETUP_STARTED,), is_optional=True),
    Step("offered", "Offered a provider key", (Event.PROVIDER_CONNECTION_STARTED,), is_optional=True),
)
CONNECTED = Step("connected", "Provider connected", (Event.PROVIDER_CONNECTION_COMPLETED,), is_optional=True)
STOPS = ("signup", "began", "questionnaire", "sdk", "offered", "provider", "data")  # from the least to the furthest
BY_KEY = {step.key: step for step in (*STEPS, *BETWEEN, CONNECTED)}


@dataclass(frozen=True, slots=True)
class Target:
    """One of the five figures that say whether onboarding works, with its definition as staff read it."""

    key: str
    label: str
    definition: str
    below: timedelta | None = None
    above: int | None = None  # per cent
    judged_after: timedelta | None = None  # people younger than this are left out


TARGETS = (
    Target(
        "first_provider", "Time to first provider",
        "Median time from sign-up to the organization's first connected provider, of the people who have one.",
        below=timedelta(minutes=5),
    ),
    Target(
        "first_data", "Time to first data",
        "Median time from sign-up until the dashboard first showed real figures, of the people who got there.",
        below=timedelta(minutes=10),
    ),
    Target(
        "day1", "Day 1 activation",
        "Share of people whose organization had a provider connected, or a first event of its own code, within 24 "
        "hours of their sign-up. "
        "Whoever signed up less than 24 hours ago is left out.",
        above=60, judged_after=DAY,
    ),
    Target(
        "day7", "Day 7 retention",
        "Share of people who used TokenTra, by any page or signed-in call, 7 times 24 hours after sign-up or later. "
        "Whoever signed up less than 8 days ago is left out, because their day 7 is not over.",
        above=40, judged_after=8 * DAY,
    ),
    Target(
        "completion", "Onboarding completion",
        "Share of people who came to the end of their own steps, each one done or skipped. Leaving all of them at once "
        "does not count. Whoever signed up less than 24 hours ago is left out.",
        above=70, judged_after=DAY,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Use:
    """Something that an organization may have begun to use, told by a journal event."""

    event: Event
    label: str


USES = (
    Use(Event.PROVIDER_CONNECTION_COMPLETED, "Connected a provider"),
    Use(Event.SDK_FIRST_REQUEST, "Reported calls of their own code"),
    Use(Event.DASHBOARD_DATA_LOADED, "Saw figures of their own"),
    Use(Event.OPTIMIZATION_FIRST_VIEW, "Opened the suggestions for saving"),
    Use(Event.TEAM_INVITE_SENT, "Invited somebody"),
    Use(Event.TEAM_INVITE_ACCEPTED, "Has somebody who accepted an invitation"),
)


class By(StrEnum):
    """What cohorts of people are compared by; each is a column of `funnel_sql.PEOPLE`."""

    COHORT = "cohort"
    SEGMENT = "segment"
    PATH = "path"
    SOURCE = "source"
    FURTHEST = "furthest"


RULES = (
    "People are counted by the day of their sign-up (UTC), and by everything that happened to them until now.",
    "Left out: sample workspaces, staff, the demonstration. People who signed up through an invitation joined an "
    "organization that was there already; they are counted apart.",
    "Provider or event, and first data, are facts of the organization, whoever there brought them about.",
    "A step counts only together with the required steps before it, from the moment when all of them are true. "
    "The questionnaire may be passed by, so the next step's rate is taken from sign-up.",
    "Dropped off: not at first data, and not seen for the chosen number of days. Seen since: still on the way.",
)
