"""Letters to people who are stuck and to owners whose trial ends: the right ones, once, and to nobody else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.db import ProgrammingError, connection
from django.utils import timezone

from accounts import stopping
from accounts.delivery import deliver_due
from accounts.mailed import OutboxMail
from accounts.models import Membership, Organization, User
from accounts.organizations import create
from accounts.permissions import Role
from accounts.samples import enter_sample
from accounts.team import change_role
from onboarding import following, sales
from onboarding.models import Nudge
from onboarding.tasks import follow_up
from providers.models import Blocked, Connection, Status
from tests import make
from tests.accounts.test_mail import Mailbox, server
from tests.providers.test_kill_points import KILLED, in_a_child
from tokentra.lib.tenancy import as_sweep, organization_scope

__all__ = ["server"]

pytestmark = pytest.mark.worker

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _start(settings):
    settings.MAIL_IS_CONFIGURED = True
    with time_machine.travel(START, tick=False):
        yield


def after(days: float) -> None:
    """Time passes, and the scheduler rings as often as it likes."""
    with time_machine.travel(START + days * DAY, tick=False):
        follow_up()
        follow_up()


def letters() -> list[tuple[str, str]]:
    return list(OutboxMail.objects.order_by("created_at", "to").values_list("to", "kind"))


def marks(organization: Organization) -> list[tuple[str, str]]:
    with organization_scope(organization.pk):
        found = Nudge.objects.owned_by(organization).order_by("at", "user__email")
        return list(found.values_list("user__email", "kind"))


def test_who_is_stuck_is_written_to_once_a_day_after_and_once_more_two_days_after(acme, alice):
    for days in (0, 0.5, 0.9):
        after(days)
    assert letters() == []

    for days in (1, 1.1, 1.9):
        after(days)
    assert letters() == [(alice.email, "no_provider")]

    for days in (2, 2.1, 3, 7, 13, 15, 30):
        after(days)
    assert letters() == [(alice.email, "no_provider"), (alice.email, "no_data")]
    assert marks(acme) == letters()


def test_who_connected_and_sees_nothing_is_told_how_their_connection_stands(acme, alice):
    made = make.connection(acme, name="Acme at OpenAI", by=alice)
    with organization_scope(acme.pk):
        broken = {"status": Status.BROKEN, "blocked": Blocked.KEY_REFUSED, "blocked_at": START}
        Connection.objects.filter(organization=acme, pk=made.pk).update(**broken)

    for days in (1, 2):
        after(days)

    letter = OutboxMail.objects.get()
    assert letter.kind == "no_data"
    assert "Acme at OpenAI (OpenAI): Key rejected. OpenAI rejected the key" in letter.text
    assert "/providers/\n" in letter.text
    assert "No provider is connected" not in letter.text
    assert "had no usage" not in letter.text


def test_who_connected_an_account_without_usage_is_told_that_it_may_be_another(acme, alice):
    make.connection(acme, by=alice)

    for days in (1, 2):
        after(days)

    letter = OutboxMail.objects.get()
    assert letter.kind == "no_data"
    assert "the account had no usage" in letter.text


def has_data(acme: Organization, alice: User) -> None:
    make.spend(acme, make.connection(acme, by=alice), "12.34", days_ago=1)


def is_unverified(acme: Organization, alice: User) -> None:
    EmailAddress.objects.filter(user=alice).update(verified=False)


def has_opted_out(acme: Organization, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(wants_guidance_mail=False)


def was_shut_out(acme: Organization, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)


def left(acme: Organization, alice: User) -> None:
    with organization_scope(acme.pk):
        Membership.objects.filter(organization=acme, user=alice).delete()


def has_the_role(role: Role) -> Callable[[Organization, User], None]:
    def change(acme: Organization, alice: User) -> None:
        with organization_scope(acme.pk):
            Membership.objects.filter(organization=acme, user=alice).update(role=role)

    return change


def looked_around_in_a_sample(acme: Organization, alice: User) -> None:
    left(acme, alice)
    enter_sample(alice)


OTHERS = {
    "has data": has_data,
    "address not proved": is_unverified,
    "opted out": has_opted_out,
    "shut out": was_shut_out,
    "left": left,
    "only a sample": looked_around_in_a_sample,
    "finance": has_the_role(Role.FINANCE),
    "member": has_the_role(Role.MEMBER),
    "viewer": has_the_role(Role.VIEWER),
}


@pytest.mark.parametrize("situation", OTHERS.values(), ids=OTHERS)
def test_nobody_else_is_written_to(acme, alice, situation):
    situation(acme, alice)

    for days in (0, 1, 2, 3, 13):
        after(days)

    assert letters() == []


def test_an_invited_admin_is_written_to_and_an_invited_member_is_not(acme, alice, bob):
    has_opted_out(acme, alice)
    carol = make.member(acme, "carol@acme.example", Role.ADMIN)

    for days in (0, 1):
        after(days)

    assert letters() == [(carol.email, "no_provider")]


def test_marks_of_other_letters_stand_beside_these(acme, alice):
    with organization_scope(acme.pk):
        Nudge.objects.create(organization=acme, user=alice, kind=sales.NOTICE, at=START)

    after(1)

    assert letters() == [(alice.email, "no_provider")]


def test_whoever_becomes_an_admin_is_thought_of_from_then_on(acme, alice, bob):
    has_opted_out(acme, alice)
    after(0)
    with time_machine.travel(START + 5 * DAY, tick=False), organization_scope(acme.pk):
        change_role(acme, Membership.objects.get(organization=acme, user=bob).pk, Role.ADMIN, by=alice)

    after(5)

    assert letters() == [(bob.email, "no_provider")]


def test_a_further_organization_of_a_person_brings_no_letters(acme, alice):
    with time_machine.travel(START + timedelta(hours=1), tick=False):
        create("Client one", by=alice)
        create("Client two", by=alice)

    for days in (0, 1, 2, 3):
        after(days)

    assert letters() == [(alice.email, "no_provider"), (alice.email, "no_data")]
    assert not OutboxMail.objects.filter(text__contains="Client").exists()


def test_letters_that_are_wanted_again_come_when_they_still_make_sense(acme, alice):
    has_opted_out(acme, alice)
    for days in (0, 1, 2):
        after(days)
    User.objects.filter(pk=alice.pk).update(wants_guidance_mail=True)

    after(3)

    assert letters() == [(alice.email, "no_provider")]


def test_nobody_is_written_to_at_night(acme, alice):
    with organization_scope(acme.pk):
        Organization.objects.filter(pk=acme.pk).update(timezone="America/Los_Angeles")  # 10:00 UTC is 2:00 there
    after(0)

    after(1)
    assert letters() == []
    after(1.25)  # 8:00 there

    assert letters() == [(alice.email, "no_provider")]


@pytest.fixture
def trial(acme, settings):
    settings.PLANS_ENFORCED = True
    with organization_scope(acme.pk):
        Organization.objects.filter(pk=acme.pk).update(trial_ends_at=START + 14 * DAY)


def test_owners_hear_of_the_end_of_their_trial_twice(trial, acme, alice, bob):
    has_data(acme, alice)
    has_opted_out(acme, alice)  # of guidance; this is a notice
    for days in (0, 5, 10.9, 11, 11.5, 12, 13, 13.5, 14, 15):
        after(days)

    assert letters() == [(alice.email, "trial_ending")] * 2
    assert marks(acme) == [(alice.email, "trial_3_days"), (alice.email, "trial_1_day")]
    letter = OutboxMail.objects.first()
    assert letter.subject == "The trial of Acme ends on 16 March 2026"
    assert letter.stop_url == ""


@pytest.mark.parametrize("change", [{"plan": "pro"}, {"trial_ends_at": None}], ids=str)
def test_who_has_no_trial_hears_of_none(trial, acme, alice, change):
    has_data(acme, alice)
    with organization_scope(acme.pk):
        Organization.objects.filter(pk=acme.pk).update(**change)

    for days in (0, 11, 12, 13, 14):
        after(days)

    assert letters() == []


def test_trials_are_not_mentioned_where_plans_limit_nothing(trial, acme, alice, settings):
    settings.PLANS_ENFORCED = False
    has_data(acme, alice)

    for days in (0, 11, 12, 13, 14):
        after(days)

    assert letters() == []


@pytest.mark.django_db(transaction=True)
def test_c13_the_task_run_by_five_at_once_writes_one_letter(caplog):
    acme = make.organization("Acme", owner=make.user("alice@acme.example"))
    together = Barrier(5)
    faults = []

    def work() -> None:
        try:
            together.wait(10)
            following.follow_up_due(now=START + DAY)
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    workers = [Thread(target=work) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert faults == []
    assert letters() == [("alice@acme.example", "no_provider")]
    assert len(marks(acme)) == 1
    assert "failed" not in caplog.text, "four of them passed by what one held"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["follow.before_commit", "follow.after_commit"])
def test_c5_a_worker_killed_anywhere_writes_neither_none_nor_two(point, tmp_path):
    acme = make.organization("Acme", owner=make.user("alice@acme.example"))

    assert in_a_child(point, tmp_path, lambda: following.follow_up_due(now=START + DAY)) == KILLED
    before = letters()
    following.follow_up_due(now=START + DAY)

    assert before == ([] if point == "follow.before_commit" else letters())
    assert letters() == marks(acme) == [("alice@acme.example", "no_provider")]


def test_one_that_fails_keeps_nobody_waiting_and_is_tried_again(acme, alice, elsewhere, mallory, caplog):
    with organization_scope(acme.pk):
        Organization.objects.filter(pk=acme.pk).update(timezone="Nowhere/AtAll")

    after(1)
    assert letters() == [(mallory.email, "no_provider")]
    assert "following up on membership" in caplog.text
    assert alice.email not in caplog.text
    after(1.01)
    assert len(letters()) == 1

    with organization_scope(acme.pk):
        Organization.objects.filter(pk=acme.pk).update(timezone="UTC")
    after(1.05)
    assert sorted(letters()) == [(alice.email, "no_provider"), (mallory.email, "no_provider")]


def test_b60_letters_wait_in_sight_while_the_mail_server_is_away_for_days(acme, alice, settings):
    settings.SMTP = NO_SERVER
    for days in (0, 1, 2, 3):
        after(days)
        assert server_is_back(days) == 0, "it is not"

    first, second = OutboxMail.objects.order_by("created_at")
    assert (first.kind, first.state) == ("no_provider", "withdrawn"), "the second says it as well"
    assert (second.kind, second.state) == ("no_data", "waiting")
    assert second.tries
    assert "did not answer" in second.problem


NO_SERVER = {"host": "127.0.0.1", "port": 1, "username": "", "password": "", "use_ssl": False, "use_tls": False}


def server_is_back(days: float) -> int:
    with time_machine.travel(START + days * DAY, tick=False):
        OutboxMail.objects.exclude(next_try_at=None).update(next_try_at=START)
        return deliver_due()


def has_connected(acme: Organization, alice: User) -> None:
    make.connection(acme, by=alice)


def has_another_address(acme: Organization, alice: User) -> None:
    EmailAddress.objects.filter(user=alice).update(email="alice@new.example")
    User.objects.filter(pk=alice.pk).update(email="alice@new.example")


def is_gone_as_a_whole(acme: Organization, alice: User) -> None:
    with organization_scope(acme.pk):
        acme.delete()


UNTRUE = "What it says was true no longer before it could be sent."
NO_MEMBER = "Its reader belongs to the organization no longer."
MEANWHILE = {
    "has data": (has_data, 1.5, UNTRUE),
    "has connected": (has_connected, 1.5, UNTRUE),
    "opted out": (has_opted_out, 1.5, UNTRUE),
    "shut out": (was_shut_out, 1.5, UNTRUE),
    "not an admin any more": (has_the_role(Role.MEMBER), 1.5, UNTRUE),
    "left": (left, 1.5, NO_MEMBER),
    "organization deleted": (is_gone_as_a_whole, 1.5, NO_MEMBER),
    "another address": (has_another_address, 1.5, "Its reader has another address now."),
    "two weeks are over": (lambda acme, alice: None, 14, UNTRUE),
}


@pytest.mark.parametrize(("change", "days", "why"), MEANWHILE.values(), ids=MEANWHILE)
def test_b60_a_letter_that_is_true_no_longer_is_withdrawn_when_the_server_is_back(
    server: Mailbox, acme, alice, change, days, why
):
    after(1)
    change(acme, alice)

    assert server_is_back(days) == 0

    assert server.messages == []
    letter = OutboxMail.objects.get()
    assert (letter.kind, letter.state, letter.problem) == ("no_provider", "withdrawn", why)


def test_b60_one_that_is_still_true_is_sent_late(server: Mailbox, acme, alice):
    after(1)

    assert server_is_back(10) == 1

    assert server.messages[0]["Subject"] == "Next step: connect a provider to Acme"


def test_b60_who_connected_while_the_server_was_away_hears_of_missing_figures_when_it_is_time(
    server: Mailbox, acme, alice
):
    after(1)
    assert server_is_back(1) == 1
    after(2)
    with time_machine.travel(START + 3.1 * DAY, tick=False):
        made = make.connection(acme, by=alice)
        with organization_scope(acme.pk):
            Connection.objects.filter(organization=acme, pk=made.pk).update(created_at=timezone.now())
    assert server_is_back(4) == 0, "what is read since yesterday may still come"

    for days in (4, 4.05):
        after(days)
    assert letters() == [(alice.email, "no_provider"), (alice.email, "no_data")]
    after(4.2)

    assert server_is_back(4.2) == 1
    assert server.messages[1]["Subject"] == "Acme has no figures yet"
    assert "is connected, but no figures have arrived" in server.messages[1].get_body(("plain",)).get_content()


def on_a_plan(acme: Organization) -> None:
    with organization_scope(acme.pk):
        Organization.objects.filter(pk=acme.pk).update(plan="pro")


@pytest.mark.parametrize(
    ("change", "days", "sent"),
    [
        (lambda acme: None, 13.9, ["trial_1_day"]),
        (lambda acme: None, 14, []),
        (lambda acme: None, 20, []),
        (on_a_plan, 13.9, []),
    ],
    ids=["in time", "the moment it ends", "days later", "paid"],
)
def test_b60_the_end_of_a_trial_is_told_before_it_and_not_after(
    server: Mailbox, trial, acme, alice, settings, change, days, sent
):
    has_data(acme, alice)
    up, settings.SMTP = settings.SMTP, NO_SERVER
    for day in (11, 13):
        after(day)
    change(acme)
    settings.SMTP = up

    assert server_is_back(days) == len(sent)

    states = dict(OutboxMail.objects.order_by("created_at").values_list("pk", "withdrawn_at"))
    assert [at is None for at in states.values()] == [False, bool(sent)]
    assert len(server.messages) == len(sent)


def test_b60_a_letter_that_was_stopped_comes_again_after_opting_in_while_it_is_due(server: Mailbox, acme, alice):
    after(1)
    stopping.stop(User.objects.get(pk=alice.pk))
    assert OutboxMail.objects.get().state == "withdrawn"
    after(2)
    after(3)
    assert len(letters()) == 1
    with time_machine.travel(START + 4 * DAY, tick=False):
        stopping.begin_again(User.objects.get(pk=alice.pk))

    for days in (4, 4.5):
        after(days)
    assert [mail.state for mail in OutboxMail.objects.order_by("created_at")] == ["withdrawn", "waiting"]
    assert server_is_back(4.5) == 1

    after(5.1)
    assert letters() == [(alice.email, "no_provider")] * 2 + [(alice.email, "no_data")]
    for days, change in ((5.2, stopping.stop), (5.3, stopping.begin_again)):
        with time_machine.travel(START + days * DAY, tick=False):
            change(User.objects.get(pk=alice.pk))
    after(5.35)
    assert letters() == [(alice.email, "no_provider")] * 2 + [(alice.email, "no_data")] * 2, "the last one as well"
    assert marks(acme) == [(alice.email, "no_provider"), (alice.email, "no_data")]
    for days in (6, 13, 15):
        after(days)
    assert len(letters()) == 4


def test_b60_one_that_was_sent_or_has_lost_its_sense_does_not_come_again(server: Mailbox, acme, alice):
    after(1)
    assert server_is_back(1) == 1
    for days, change in ((1.2, stopping.stop), (1.4, stopping.begin_again)):
        with time_machine.travel(START + days * DAY, tick=False):
            change(User.objects.get(pk=alice.pk))
    after(1.5)
    assert len(letters()) == 1

    after(2)
    with time_machine.travel(START + 2.1 * DAY, tick=False):
        stopping.stop(User.objects.get(pk=alice.pk))
        has_data(acme, alice)
        stopping.begin_again(User.objects.get(pk=alice.pk))
    for days in (2.2, 3, 4):
        after(days)
    assert letters() == [(alice.email, "no_provider"), (alice.email, "no_data")]


def test_the_sweep_sees_marks_and_nothing_of_people(acme, alice):
    for column in ("user_id", "role"):
        with pytest.raises(ProgrammingError, match="permission denied"), as_sweep(), connection.cursor() as cursor:
            cursor.execute(f"SELECT {column} FROM accounts_membership")


def test_whoever_has_nothing_due_costs_nothing(acme, alice):
    for days in (0, 1, 2, 15):
        after(days)
    with organization_scope(acme.pk):
        assert Membership.objects.get(organization=acme, user=alice).look_at is None

    with as_sweep(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # a table of two rows would be read whole
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN SELECT id FROM accounts_membership WHERE look_at <= now() ORDER BY look_at LIMIT 500")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using members_to_look_at" in plan
    assert "Sort" not in plan
