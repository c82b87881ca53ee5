"""The checklist as a rule: whose item it is, in which order, what counts, what comes next."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from accounts.journal import Event
from accounts.permissions import Permission, Role, allows
from onboarding.guidance import checklist
from onboarding.guidance.checklist import FIRST, ITEMS, WANTED, Item, Reader
from onboarding.guidance.conditions import Facts
from onboarding.questions import GOALS
from onboarding.segments import Path
from tokentra.templatetags.icons import ICONS

NOW = datetime(2026, 11, 20, 14, 10, tzinfo=UTC)
NOTHING = Facts(now=NOW, since=NOW)


def reader(role: Role = Role.OWNER, path: Path = Path.GUIDED_TOUR, goals: tuple[str, ...] = (), **more) -> Reader:
    may = frozenset(each for each in Permission if allows(role, each))
    return replace(Reader(path=path, goals=goals, may=may, is_asked=True), **more)


def ids(of: Reader) -> list[str]:
    return [entry.item.id for entry in checklist.of(of, NOTHING).entries]


def facts(*, ours: tuple[Event, ...] = (), mine: tuple[Event, ...] = ()) -> Facts:
    return replace(NOTHING, ours=dict.fromkeys(ours, NOW), mine=dict.fromkeys(mine, NOW))


PROFILE, CONNECT, INSIGHTS, INVITE = "complete_profile", "connect_provider", "view_insights", "invite_team"
SDK, BUDGET, ALERT = "setup_sdk", "set_budget", "configure_alert"


@pytest.mark.parametrize(
    ("path", "goals", "order"),
    [
        (Path.GUIDED_TOUR, (), [PROFILE, CONNECT, SDK, INSIGHTS, BUDGET, ALERT, INVITE]),
        (Path.SALES_ASSISTED, (), [PROFILE, CONNECT, SDK, INSIGHTS, BUDGET, ALERT, INVITE]),
        (Path.QUICK_CONNECT, (), [CONNECT, INSIGHTS, PROFILE, SDK, BUDGET, ALERT, INVITE]),
        (Path.SDK_FIRST, (), [SDK, CONNECT, PROFILE, INSIGHTS, BUDGET, ALERT, INVITE]),
        (Path.GUIDED_TOUR, ("visibility",), [CONNECT, INSIGHTS, PROFILE, SDK, BUDGET, ALERT, INVITE]),
        (Path.GUIDED_TOUR, ("budgets_alerts",), [CONNECT, BUDGET, ALERT, PROFILE, SDK, INSIGHTS, INVITE]),
        (Path.GUIDED_TOUR, ("client_billing",), [CONNECT, SDK, INVITE, PROFILE, INSIGHTS, BUDGET, ALERT]),
        (Path.GUIDED_TOUR, ("visibility", "client_billing"), [CONNECT, SDK, INSIGHTS, INVITE, PROFILE, BUDGET, ALERT]),
        (Path.GUIDED_TOUR, ("exploring",), [PROFILE, CONNECT, SDK, INSIGHTS, BUDGET, ALERT, INVITE]),
        (Path.QUICK_CONNECT, ("compliance",), [CONNECT, INSIGHTS, INVITE, PROFILE, SDK, BUDGET, ALERT]),
    ],
)
def test_path_and_goals_set_the_order(path, goals, order):
    assert ids(reader(path=path, goals=goals)) == order


def test_every_path_and_every_goal_has_its_line():
    assert set(FIRST) == set(Path)
    assert set(WANTED) == {option.value for option in GOALS.options}
    assert {name for names in [*FIRST.values(), *WANTED.values()] for name in names} <= set(checklist.BY_ID)


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        (reader(Role.OWNER), {PROFILE, CONNECT, SDK, INSIGHTS, BUDGET, ALERT, INVITE}),
        (reader(Role.ADMIN), {PROFILE, CONNECT, SDK, INSIGHTS, BUDGET, ALERT, INVITE}),
        (reader(Role.FINANCE), {PROFILE, INSIGHTS, BUDGET, ALERT}),
        (reader(Role.MEMBER), {PROFILE, SDK, INSIGHTS}),
        (reader(Role.VIEWER), {PROFILE, INSIGHTS}),
        (reader(is_solo=True), {PROFILE, CONNECT, SDK, INSIGHTS, BUDGET, ALERT}),
        (reader(is_asked=False), {CONNECT, SDK, INSIGHTS, BUDGET, ALERT, INVITE}),
    ],
)
def test_nobody_is_asked_for_what_is_not_theirs_to_do(who, seen):
    assert set(ids(who)) == seen


def test_a_colleague_completes_what_is_the_organizations_and_nobody_elses_profile():
    theirs = facts(ours=(Event.PROVIDER_CONNECTION_COMPLETED, Event.QUESTIONNAIRE_COMPLETED))

    done = {entry.item.id for entry in checklist.of(reader(), theirs).entries if entry.completed}

    assert done == {CONNECT}
    mine = checklist.of(reader(), facts(mine=(Event.QUESTIONNAIRE_COMPLETED,)))
    assert [entry.item.id for entry in mine.entries if entry.completed] == [PROFILE]


def test_an_optional_item_stands_outside_the_count_and_comes_last():
    wish = Item("wish", "W", "", "star", Event.SIGNUP_COMPLETED, "usage:dashboard", "Do", "setup", optional=True)
    items = (wish, *ITEMS)
    others = facts(
        ours=(
            Event.PROVIDER_CONNECTION_COMPLETED,
            Event.DASHBOARD_DATA_LOADED,
            Event.BUDGET_CREATED,
            Event.ALERT_CREATED,
            Event.TEAM_INVITE_SENT,
        ),
        mine=(Event.QUESTIONNAIRE_COMPLETED,),
    )

    fresh, all_but = checklist.of(reader(), NOTHING, items), checklist.of(reader(), others, items)

    assert len(fresh.entries) == 8
    assert (fresh.completed_count, fresh.total_count, fresh.percent) == (0, 6, 0)
    assert fresh.next
    assert fresh.next.item.id == PROFILE
    assert (all_but.completed_count, all_but.percent, all_but.is_complete) == (6, 100, True)
    assert all_but.next
    assert all_but.next.item.id == "wish"


@pytest.mark.parametrize(
    ("path", "counts"), [(Path.SDK_FIRST, True), (Path.GUIDED_TOUR, False), (Path.QUICK_CONNECT, False)]
)
def test_reporting_calls_counts_for_those_whose_way_begins_with_it(path, counts):
    sent = facts(ours=(Event.SDK_FIRST_REQUEST,))

    found = checklist.of(reader(path=path), sent)

    assert {entry.item.id for entry in found.entries if entry.completed} == {SDK}
    assert (found.completed_count, found.total_count) == ((1, 7) if counts else (0, 6))


def test_the_percentage_reaches_a_hundred_with_the_last_item_only():
    third = checklist.of(reader(Role.OWNER, is_solo=True), facts(mine=(Event.QUESTIONNAIRE_COMPLETED,)))

    assert third.percent == 20
    assert checklist.Checklist(()).percent == 100


def test_every_icon_is_drawn():
    assert [item.icon for item in ITEMS if not (ICONS / f"{item.icon}.svg").is_file()] == []
