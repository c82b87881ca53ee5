"""What reading promises to whoever looks at it: the last days again, what was left out, what was tried (C5, C7 to C9)."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.permissions import Role
from providers import pausing, tasks, tidying
from providers.connectors import CONNECTORS
from providers.models import EndpointState, ReadWindow
from tests import make
from tests.conftest import Browser
from tests.fake_provider.world import revise
from tests.providers.conftest import KEYS, billed, due_again, endpoints, fresh, read, words
from tests.providers.test_sync import COSTS, MINUTES, truth
from tokentra.lib.masking import MASK
from tokentra.lib.tenancy import organization_scope

pytestmark = [pytest.mark.django_db, pytest.mark.worker, pytest.mark.usefixtures("short")]

DAY = timedelta(days=1)


def page_of(connection, by) -> str:
    return Browser(by).get(f"/providers/{connection.pk}/").content.decode()


# C5


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_c5_the_last_three_days_are_always_read_again(provider, acme, connect, fake, now):
    connection = connect(acme, provider)
    read(connection)
    three_days_ago = now.replace(hour=0, minute=0, second=0) - 2 * DAY
    again = now + timedelta(hours=7)
    fake.world.now = int(again.timestamp())

    read(connection, now=again)

    with organization_scope(acme.pk):
        mine = ReadWindow.objects.of(connection)
        recent = mine.filter(end__gt=three_days_ago)
        assert {window.endpoint for window in recent} == {
            each.name for each in CONNECTORS[provider].endpoints_for(frozenset(fresh(connection).capabilities))
        }
        assert [window for window in recent if window.read_at < again] == []
        assert mine.filter(end__lte=three_days_ago - DAY, read_at__lt=again).exists()  # nobody asked for all of it


def test_c5_what_changed_within_three_days_is_taken_without_anybody_asking(acme, connect, fake, now):
    connection = connect(acme)
    read(connection)
    start = int((now.replace(hour=0, minute=0, second=0) - 2 * DAY).timestamp())
    bill = next(
        each for each in fake.world.openai.bills if each.currency == "usd" and start <= each.at < start + 86_400
    )
    revise(
        fake.world.openai.bills,
        {"at": bill.at, "line_item": bill.line_item, "project_id": bill.project_id, "api_key_id": bill.api_key_id},
        amount="77.25",
    )

    read(connection, now=now + timedelta(hours=7))

    assert billed(connection) == truth(fake, now)


# C7


def test_c7_what_made_no_sense_is_counted_where_the_owner_sees_it_with_its_reason(acme, alice, connect, fake):
    connection = connect(acme)
    fake.script([{"match": COSTS, "do": {"action": "bad_row", "kind": "nan_amount"}}])
    read(connection)
    with organization_scope(acme.pk):
        counted = sum(ReadWindow.objects.filter(endpoint="costs").values_list("left_out", flat=True))
    page = page_of(connection, alice)

    fake.script([])
    due_again(connection)
    read(connection)

    assert counted > 0
    assert f"Rows left out: {counted}." in page
    assert "amount is not a number" in page
    assert "What was not understood" in page
    assert "&quot;line_item&quot;" in page
    assert "Rows left out" not in page_of(connection, alice)


def test_c7_days_that_did_not_come_are_named_and_not_counted_as_left_out(acme, connect, fake):
    connection = connect(acme)
    fake.script([{"match": COSTS, "do": {"action": "drop_bucket"}}])

    read(connection)

    with organization_scope(acme.pk):
        windows = ReadWindow.objects.filter(endpoint="costs", problem__contains="missing")
        assert windows.exists()
        assert set(windows.values_list("left_out", flat=True)) == {0}


# C8


def test_c8_a_window_that_is_refused_five_times_is_parked_says_so_and_is_resumed_by_a_person(
    acme, alice, connect, fake, now
):
    connection = connect(acme)
    body = {"error": {"message": "Something about this request.", "type": "invalid_request_error"}}
    fake.script([{"match": COSTS, "do": {"action": "status", "status": 400, "body": body}}])
    tries = []
    for number in range(7):
        at = now + number * timedelta(days=1, minutes=5)  # a refusal counts from when it came: later on a busy machine
        fake.world.now = int(at.timestamp())
        read(connection, now=at)
        with organization_scope(acme.pk):
            tries.append(max(ReadWindow.objects.filter(endpoint="costs").values_list("tries", flat=True)))
    later = now + 7 * timedelta(days=1, minutes=5)
    with organization_scope(acme.pk):
        parked = ReadWindow.objects.filter(endpoint="costs", tries=5)
        marks = set(parked.values_list("due_at", flat=True))
    page = page_of(connection, alice)
    others_read_at = endpoints(connection)["usage.completions"].last_success_at
    fake.script([])
    fake.world.now = int(later.timestamp())
    read(connection, now=later)
    on_its_own = billed(connection)

    Browser(alice).post(f"/providers/{connection.pk}/sync/")
    read(connection, now=later + MINUTES)

    assert max(tries) == 5
    assert marks == {None}
    assert "OpenAI refused" in page
    assert "Costs" in page
    assert others_read_at > now + timedelta(days=5)  # the rest passed
    assert on_its_own < truth(fake, now)
    assert billed(connection) == truth(fake, now)
    assert fresh(connection).status == "healthy"


# C9


def test_c9_the_page_shows_the_last_success_and_beside_it_the_last_try_with_its_outcome(
    acme, alice, connect, fake, now
):
    connection = connect(acme)
    before = page_of(connection, alice)
    read(connection)
    succeeded = page_of(connection, alice)
    fake.script([{"do": {"action": "status", "status": 503}}])
    due_again(connection)
    read(connection)
    failed, found = page_of(connection, alice), fresh(connection)

    assert "None yet" in before
    assert "Last try" not in before
    assert "Last success" in succeeded
    assert "It was complete." in succeeded
    assert found.last_tried_at > found.last_sync_at
    for at in (found.last_sync_at, found.last_tried_at):
        assert at.isoformat()[:19] in failed
    assert "OpenAI is unavailable: " in failed.split("Last try")[1].split("</dd>")[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lease_until": timedelta(seconds=60)}, "It goes on now."),
        ({"lease_until": -timedelta(seconds=60)}, "It broke off. It begins again by itself."),
        ({"status": "broken", "blocked": "key_refused", "next_sync_at": None}, "Key rejected."),
        ({"status": "paused", "next_sync_at": None}, "It was stopped."),
        ({}, "There was nothing new to read."),
    ],
    ids=["under way", "died", "stopped", "paused", "nothing"],
)
def test_c9_a_try_without_an_outcome_says_what_it_is(changes, said, acme, alice, connect):
    connection = fresh(connect(acme))
    now = timezone.now()
    connection.last_tried_at = now
    for name, value in changes.items():
        setattr(connection, name, now + value if isinstance(value, timedelta) else value)
    with organization_scope(acme.pk):
        connection.save()

    assert said in page_of(connection, alice).split("Last try")[1].split("</dd>")[0]


def test_c9_the_api_keeps_its_shape(acme, alice, connect):
    connection = connect(acme)
    read(connection)

    body = Browser(alice).get(f"/api/providers/{connection.pk}").json()

    assert set(body) == {
        *("id", "provider", "name", "status", "accountName", "projectsFound", "progress"),
        *("lastSyncAt", "nextSyncAt", "problem", "endpoints"),
    }
    assert {frozenset(each) for each in body["endpoints"]} == {
        frozenset({"endpoint", "ok", "message", "lastSuccessAt"})
    }


# 3.4: an answer that nobody understood

ODD = {
    "object": "page",
    "data": {"results": [1, 2, 3, 4, 5, 6]},
    "user_name": "Ann Example",
    "actor": {"email": "ann@example.com", "roles": ["the first"]},
    "note": f"write to ann@example.com, {KEYS['openai']}",
    "long": "x" * 50_000,
}


@pytest.mark.parametrize(
    ("do", "held"),
    [
        ({"action": "html"}, "Just a moment"),
        ({"action": "status", "status": 200, "body": ODD}, '"data"'),
        ({"action": "status", "status": 200, "body": '{"data": [1, 2'}, '{"data": [1, 2'),
        ({"action": "more_without_cursor"}, '"has_more": true'),
        ({"action": "repeated_cursor"}, '"next_page"'),
    ],
    ids=["html", "malformed", "cut off", "more without cursor", "repeated cursor"],
)
def test_s3_4_a_masked_sample_of_an_answer_that_was_not_understood_is_kept(do, held, acme, alice, connect, fake):
    connection = connect(acme)
    fake.script([{"match": COSTS, "do": do}])

    read(connection)

    state = endpoints(connection)["costs"]
    assert held in state.sample
    assert len(state.sample) <= 2_000
    assert state.sample_at is not None
    assert billed(connection) == 0
    assert endpoints(connection)["usage.completions"].sample == ""


def test_s3_4_a_sample_holds_no_secret_and_nobodys_name(acme, connect, fake):
    connection = connect(acme)
    fake.script([{"match": COSTS, "do": {"action": "status", "status": 200, "body": ODD}}])

    read(connection)

    sample = endpoints(connection)["costs"].sample
    for personal in ("Ann", "example.com", "the first", KEYS["openai"], KEYS["openai"][8:-4]):
        assert personal not in sample
    assert sample.count(MASK) == 5
    assert "and 3 more" in sample


def test_s3_4_an_outage_is_no_answer_and_leaves_no_sample(acme, connect, fake):
    connection = connect(acme)
    fake.script([{"match": COSTS, "do": {"action": "status", "status": 503, "body": {"error": "down"}}}])

    read(connection)

    assert endpoints(connection)["costs"].sample == ""


def test_s3_4_a_sample_is_for_owners_and_admins_of_its_organization(acme, alice, elsewhere, mallory, connect, fake):
    fake.script([{"match": COSTS, "do": {"action": "html"}}])
    connection = connect(acme)
    read(connection)
    viewer = make.member(acme, "viewer@acme.example", Role.VIEWER)

    assert "Just a moment" in page_of(connection, alice)
    assert "&lt;title&gt;Just a moment" in page_of(connection, alice)
    assert "Just a moment" not in page_of(connection, viewer)
    assert Browser(mallory).get(f"/providers/{connection.pk}/").status_code == 404
    assert "Just a moment" not in json.dumps(Browser(alice).get(f"/api/providers/{connection.pk}").json())
    with organization_scope(elsewhere.pk):
        assert not EndpointState.objects.exclude(sample="").exists()


def test_s3_4_a_sample_is_gone_after_seven_days(acme, alice, elsewhere, connect, fake, now):
    fake.script([{"match": COSTS, "do": {"action": "html"}}])
    old, newer = connect(acme), connect(elsewhere)
    for each in (old, newer):
        read(each)
    fake.script([])
    due_again(old)
    read(old)  # that it works again takes nothing away
    with organization_scope(acme.pk):
        EndpointState.objects.exclude(sample="").update(sample_at=timezone.now() - 7 * DAY + MINUTES)
    tasks.tidy_readings()
    kept = endpoints(old)["costs"].sample
    with organization_scope(acme.pk):
        EndpointState.objects.exclude(sample="").update(sample_at=timezone.now() - 7 * DAY)
    unseen = page_of(old, alice)

    tidying.tidy()

    assert "Just a moment" in kept
    assert "Just a moment" not in unseen
    assert (endpoints(old)["costs"].sample, endpoints(old)["costs"].sample_at) == ("", None)
    assert "Just a moment" in endpoints(newer)["costs"].sample


def test_c8_a_paused_connection_is_resumed_by_a_person_and_not_by_time(acme, alice, connect, fake, now):
    connection = connect(acme)
    with organization_scope(acme.pk):
        pausing.pause(connection, by=alice)

    assert read(connection, now=now + timedelta(days=30)) == []
    Browser(alice).post(f"/providers/{connection.pk}/resume/")
    read(connection)

    assert fresh(connection).status == "healthy"
    assert "as of" in words(connection, now).text
