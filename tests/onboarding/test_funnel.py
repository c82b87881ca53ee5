"""The funnel against forty people whose figures were worked out by hand (see `forty`)."""

import csv
import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connections
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import journal
from accounts.demonstration import EMAIL
from accounts.journal import Event
from accounts.models import JournalEntry, StaffAccess, User
from accounts.organizations import memberships
from onboarding.funnel import Ask, Report
from onboarding.funnel_people import Crowd
from onboarding.funnel_steps import By
from onboarding.funnel_tables import KINDS, Tables, lasting
from tests import make
from tests.conftest import ROOT, Browser
from tests.onboarding.forty import DAY, HOUR, MINUTE, NOW, make_forty
from tokentra.lib.money import DASH
from tokentra.lib.tenancy import organization_scope

MARCH = "from=2026-03-01&to=2026-03-31"
FUNNEL = "/admin/onboarding/funnel/"


@pytest.fixture
def forty(transactional_db) -> None:
    make_forty()


@pytest.fixture
def sam(transactional_db) -> User:
    person = make.user("sam@operator.example")
    User.objects.filter(pk=person.pk).update(is_staff=True)
    return person


def asked(query: str = MARCH) -> Ask:
    return Ask(QueryDict(query), NOW)


def texts(table) -> list[tuple[str, ...]]:
    return [tuple(cell.text for cell in row) for row in table.rows]


def crowd(**filters: str) -> set[str]:
    query = QueryDict(MARCH, mutable=True)
    query.update(filters)
    found = Crowd(asked(), query)
    people = [person.email.split("@")[0] for person in found.people()]
    assert found.count() == len(people)
    return set(people)


# what each number has to be, counted by hand from the list in `forty`

STEPS = [
    ("Signed up", "35", DASH, "100.0%", DASH),
    ("Questionnaire done (optional)", "24", "68.6%", "68.6%", "11"),  # a 8, b 4, d 5, f 3, h 2, i 2
    (
        "Provider connected or first event",
        "23",
        "65.7%",
        "65.7%",
        "12",
    ),  # a 8, b 4, c 4, f 3, h 2, i 2; of the 35 sign-ups
    ("First data on screen", "20", "87.0%", "57.1%", "15"),  # a 8, b 4, c 4, h 2, i 2; of the 23 with a provider
]
STOPS = [  # seven days of silence: before 24 March, 12:00
    ("Signed up", "1", "10.0%", "2"),  # j is gone; g were there six days ago
    ("Opened the questionnaire", "4", "40.0%", "0"),  # e
    ("Questionnaire done", "0", "0.0%", "0"),
    ("Began to set up an SDK", "0", "0.0%", "0"),
    ("Offered a provider key", "5", "50.0%", "0"),  # d
    ("Provider connected or first event", "0", "0.0%", "3"),  # f, seen yesterday
]
COHORTS = [  # of the Mondays
    ("2026-03-30", "2", "2", "2", "2", "100.0%", "6 min"),  # h
    ("2026-03-23", "2", "0", "0", "0", "0.0%", DASH),  # g
    ("2026-03-16", "7", "3", "3", "0", "0.0%", DASH),  # e 4, f 3
    ("2026-03-09", "9", "5", "4", "4", "44.4%", "2 d 1 h"),  # c 4, d 5
    ("2026-03-02", "15", "14", "14", "14", "93.3%", "8 min"),  # a 8, b 4, i 2, j 1
]
SEGMENTS = [
    ("Startup technical", "15", "10", "10", "66.7%", "8 min", "8 min"),  # a 8, d 5, h 2: 6, 6, then eight times 8 min
    ("Midmarket finops", "7", "7", "4", "57.1%", "1 h", "1 h"),  # b 4, f 3
    ("Agency", "2", "2", "2", "100.0%", "15 min", "15 min"),  # i: figures count from the connection on
    ("Not known yet", "11", "4", "4", "36.4%", "2 d 1 h", "2 d 1 h"),  # c 4, e 4, g 2, j 1
]
PATHS = [
    ("Sdk first", "15", "10", "10", "66.7%", "8 min", "8 min"),
    ("Guided tour", "9", "9", "6", "66.7%", "1 h", "1 h"),  # b 4, f 3, i 2: 15, 15 min, then four times 1 h
    ("Quick connect", "8", "4", "4", "50.0%", "2 d 1 h", "2 d 1 h"),  # c 4, e 4
    ("Not known yet", "3", "0", "0", "0.0%", DASH, DASH),  # g 2, j 1 never began
]
SOURCES = [
    ("Direct", "18", "6", "6", "33.3%", "2 d 1 h", "2 d 1 h"),  # c 4, d 5, e 4, g 2, i 2, j 1
    ("producthunt", "13", "13", "10", "76.9%", "8 min", "8 min"),  # a 8, f 3, h 2
    ("news.example", "4", "4", "4", "100.0%", "1 h", "1 h"),  # b
]
TILES = {
    # of 23: 3 3, eight times 4, 15 15, 20 20 20, four times 30, four times 2 d; the twelfth is 15
    "first_provider": ("15 min", False, "23 of 35 people", ""),
    # of 20: 6 6, eight times 8, 15 15, four times 1 h, four times 2 d 1 h; the tenth is 8
    "first_data": ("8 min", True, "20 of 35 people", ""),
    # a 8, b 4, f 3, i 2 of 33; h came twelve hours ago
    "day1": ("51.5%", False, "17 of 33 people", "2 too recent, left out"),
    # a 8, c 4, f 3, i 2 (on the last second that counts) of 31; g and h came less than eight days ago
    "day7": ("54.8%", True, "17 of 31 people", "4 too recent, left out"),
    # a 8, b 4, f 3, i 2 of 33; c left all of it at once
    "completion": ("51.5%", False, "17 of 33 people", "2 too recent, left out"),
}
USES = [
    ("Connected a provider", "23", "65.7%"),
    ("Reported calls of their own code", "0", "0.0%"),
    ("Saw figures of their own", "21", "60.0%"),  # j too: a fact counts here by itself
    ("Opened the suggestions for saving", "8", "22.9%"),
    ("Invited somebody", "1", "2.9%"),
    ("Has somebody who accepted an invitation", "1", "2.9%"),
]


def test_a_first_event_is_a_first_source_and_no_provider(forty):
    dora = User.objects.get(email="d0@forty.example")
    with organization_scope(memberships(dora)[0].organization_id):
        journal.record(
            Event.SDK_SETUP_STARTED, dora, memberships(dora)[0].organization, at=NOW - 20 * DAY + 13 * MINUTE
        )
        journal.record(
            Event.SDK_FIRST_REQUEST, None, memberships(dora)[0].organization, at=NOW - 20 * DAY + 14 * MINUTE
        )

    report = Report(asked())

    assert (report.everybody.reached["provider"], report.everybody.connected) == (24, 23)
    assert report.everybody.verdicts["day1"].met == 18
    assert crowd(reached="provider") - crowd(reached="connected") == {"d0"}
    assert report.uses[Event.SDK_FIRST_REQUEST] == 1


def test_forty_people_give_the_figures_that_were_worked_out_by_hand(forty):
    report = Report(asked())
    tables = Tables(report)

    assert report.everybody.people == 35
    assert report.invitees == 2
    assert texts(tables.steps()) == STEPS
    assert texts(tables.dropoff()) == STOPS
    assert texts(tables.cohorts()) == COHORTS
    assert texts(tables.segments()) == SEGMENTS
    assert texts(tables.paths()) == PATHS
    assert texts(tables.sources()) == SOURCES
    assert texts(tables.adoption()) == USES
    assert {t.target.key: (t.actual, t.is_met, t.of, t.recent) for t in tables.tiles()} == TILES
    assert report.everybody.p90 == 2 * DAY + HOUR  # the eighteenth of 20


def test_the_same_forty_under_other_questions(forty):
    def gone(query: str) -> tuple[int, int]:
        everybody = Report(asked(query)).everybody
        return everybody.dropped, everybody.on_way

    assert gone(f"{MARCH}&days=3") == (12, 3)  # g were there six days ago
    assert gone(f"{MARCH}&days=30") == (0, 15)
    assert gone(f"{MARCH}&days=1000") == gone(MARCH) == (10, 5)
    assert Report(asked("from=2026-02-01&to=2026-02-28")).everybody.people == 1
    assert Report(asked("from=2026-03-10&to=2026-03-11")).by(By.COHORT).keys() == {"2026-03-10", "2026-03-11"}
    assert Report(asked("from=2025-06-01&to=2026-03-31")).by(By.COHORT).keys() == {"2026-02-01", "2026-03-01"}
    assert Report(asked("from=2020-01-01&to=2020-01-31")).everybody.people == 0


def test_behind_each_number_stand_its_people(forty):
    def of(name: str, people: int) -> set[str]:
        return {f"{name}{number}" for number in range(people)}

    assert crowd(furthest="offered", state="dropped") == of("d", 5)
    assert crowd(state="on_way") == of("f", 3) | of("g", 2)
    assert crowd(cohort="2026-03-02", missed="data") == of("j", 1)
    assert crowd(source="news.example", reached="data") == of("b", 4)
    assert crowd(segment="agency") == crowd(path="guided_tour", segment="agency") == of("i", 2)
    assert crowd(day7="recent") == of("g", 2) | of("h", 2)
    assert crowd(day1="yes") == of("a", 8) | of("b", 4) | of("f", 3) | of("i", 2)
    assert crowd(completion="yes") == crowd(day1="yes")
    assert crowd(has="optimization_first_view") == of("a", 8)
    assert crowd(invited="1") == of("invited", 2)
    assert crowd(segment="'; DROP TABLE accounts_user; --", state="\x00") == set()


def test_each_number_on_the_page_leads_to_as_many_people(forty, sam):
    browser = Browser(sam)
    with time_machine.travel(NOW, tick=False):
        tables = Tables(Report(asked()))
        cells = [
            cell
            for kind in KINDS
            if kind != "events"
            for row in getattr(tables, kind)().rows
            for cell in row
            if cell.href
        ]
        wrong = {}
        for cell in cells:
            page = browser.get(cell.href).content.decode()
            found = re.search(r"<strong>(\d+)</strong>", page).group(1)
            if found != cell.text:
                wrong[cell.href] = (cell.text, found)

    assert len(cells) > 60
    assert wrong == {}


def test_the_page_and_each_of_its_files(forty, sam):
    browser = Browser(sam)
    with time_machine.travel(NOW, tick=False):
        page = browser.get(f"{FUNNEL}?{MARCH}")
        files = {kind: b"".join(browser.get(f"{FUNNEL}?{MARCH}&file={kind}")).decode() for kind in KINDS}
        people = b"".join(browser.get(f"{FUNNEL}people/?{MARCH}&state=on_way&file=1")).decode()

    assert page.status_code == 200
    text = page.content.decode()
    assert "Target missed: under 5 min" in text
    assert "2 more</a>" in text
    lines = {kind: list(csv.reader(told.splitlines())) for kind, told in files.items()}
    assert [line[:2] for line in lines["steps"][1:]] == [list(row[:2]) for row in STEPS]
    assert lines["paths"][1] == ["sdk_first", "15", "10", "10", "66.7%", "480 s", "480 s"]
    assert len(lines["events"]) == len(Event) + 1
    assert {line.split("@")[0] for line in people.splitlines()[1:]} == {"f0", "f1", "f2", "g0", "g1"}


def test_a_file_holds_no_formula(sam):
    mallory = make.user("mallory@elsewhere.example")
    organization = make.organization("=cmd()", owner=mallory)
    with organization_scope(organization.pk):
        journal.record(Event.SIGNUP_COMPLETED, mallory, organization)

    told = b"".join(Browser(sam).get(f"{FUNNEL}people/?file=1")).decode()

    assert ",'=cmd()," in told


def test_the_demonstration_is_not_counted(transactional_db):
    person = make.user(EMAIL)
    organization = make.organization("Demo", owner=person)
    with organization_scope(organization.pk):
        journal.record(Event.SIGNUP_COMPLETED, person, organization, at=NOW - HOUR)

    assert Report(asked()).everybody.people == 0


def test_strangers_and_customers_find_nothing_and_each_look_of_staff_is_written_down(sam):
    alice = make.user("alice@acme.example")
    make.organization("Acme", owner=alice)
    for path in (FUNNEL, f"{FUNNEL}people/", f"{FUNNEL}?file=steps"):
        assert Client().get(path).status_code == 302
        assert Browser(alice).get(path).status_code == 404
        assert Browser(sam).post(path).status_code in {403, 405}
    before = StaffAccess.objects.count()

    assert Browser(sam).get(FUNNEL).status_code == 200
    assert Browser(sam).get(f"{FUNNEL}people/?state=dropped").status_code == 200

    assert StaffAccess.objects.count() == before + 2
    assert set(StaffAccess.objects.values_list("model", flat=True)) == {"onboarding.Funnel"}


def test_a_range_that_cannot_be_read_says_so(sam):
    answer = Browser(sam).get(f"{FUNNEL}?from=2026-03-31&to=2026-03-01")

    assert answer.status_code == 422
    assert "The last day is before the first one." in answer.content.decode()


def test_the_page_asks_as_many_questions_for_forty_people_as_for_none(sam):
    def questions() -> int:
        with CaptureQueriesContext(connections["staff"]) as taken, time_machine.travel(NOW, tick=False):
            assert Browser(sam).get(f"{FUNNEL}?{MARCH}").status_code == 200
        return len([query for query in taken if query["sql"].lstrip().startswith(("SELECT", "WITH"))])

    none = questions()
    make_forty()

    assert questions() == none <= 5


def test_every_event_is_written_by_some_path_and_read_on_this_page(sam):
    """Read: the table of events names them all. Written: some module of the product names it where it is recorded."""
    sources = [
        path.read_text()
        for app in ("accounts", "usage", "providers", "sdk_keys", "budgets", "onboarding")
        for path in (ROOT / app).rglob("*.py")
        if path.name != "journal.py"
    ]
    written = {
        event
        for event in Event
        if any(
            re.search(rf"(record|record_once|note)\([^)]*Event\.{event.name}\b|Event\.{event.name}: Allowed\(", text)
            for text in sources
        )
    }

    assert written == set(Event)
    assert [row[0].text for row in Tables(Report(asked())).events().rows] == [event.value for event in Event]


def test_events_are_counted_in_the_range_and_lead_to_their_lines(forty, sam):
    rows = {row[0].text: row for row in Tables(Report(asked())).events().rows}

    # the 35, the staff member, the sample workspace and the two who were invited
    assert rows["signup_completed"][1].text == "39"
    page = Browser(sam).get(rows["optimization_first_view"][1].href).content.decode()
    assert page.count("optimization_first_view") >= 8
    assert JournalEntry.objects.using("staff").filter(event="optimization_first_view").count() == 8


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (None, DASH),
        (timedelta(0), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (4 * MINUTE + timedelta(seconds=10), "4 min 10 s"),
        (3 * HOUR, "3 h"),
        (2 * DAY + 4 * HOUR + 5 * MINUTE, "2 d 4 h"),
        (DAY + MINUTE, "1 d"),
    ],
)
def test_times_are_told_in_two_units(time, words):
    assert lasting(time).text == words
