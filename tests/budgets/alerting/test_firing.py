"""Thresholds become alerts: each once, whoever looks and whoever dies; the mail arrives, the bell counts."""

import re
import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from accounts import delivery as mail
from accounts import letters
from accounts.mailed import OutboxMail
from accounts.models import AuditLine, Membership
from accounts.permissions import Role
from budgets.alerting import crossings, firing, given, looking, ruling, states
from budgets.alerting.finding import Finding
from budgets.alerting.models import Alert, AlertRule, AlertWatch, State
from budgets.channels import sending
from budgets.kept import BudgetCrossing, Kind
from tests import make
from tests.budgets.alerting.conftest import alerts, budget, cross, deliveries, said
from tests.conftest import Browser
from tests.dying import KILLED, in_a_child
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope

pytestmark = [pytest.mark.django_db, pytest.mark.worker]


def tell(of, now=None) -> list[str]:
    with organization_scope(of.pk):
        return [alert.title for alert in crossings.tell(of, now=now or timezone.now())]


def test_a_crossing_becomes_an_alert_mail_arrives_the_bell_counts_and_it_is_acknowledged(
    acme, alice, mailbox, settings
):
    cross(budget(acme), 80, "82.10")
    browser = Browser(alice)
    assert "unread" not in browser.get("/alerts/bell/").content.decode()

    assert tell(acme) == ["Research has used 80% of its budget"]

    assert "Alerts, 1 unread" in browser.get("/alerts/bell/").content.decode()
    assert sending.deliver_due() == 1
    assert mail.deliver_due() == 1
    letter = mailbox.messages[0]
    assert (letter["To"], letter["Subject"]) == (alice.email, "Research has used 80% of its budget")
    text = letter.get_body(("plain",)).get_content()
    assert "$82.10 of $100.00 are used, 82%" in text
    path = re.search(r"/alerts/[0-9a-f-]{36}/", text).group()
    assert "$82.10" in browser.get(path).content.decode()
    assert "Delivered" in browser.get(path).content.decode()

    browser.post(f"{path}acknowledge/")

    assert [alert.state for alert in alerts(acme)] == [State.ACKNOWLEDGED]
    assert "unread" not in browser.get("/alerts/bell/").content.decode()
    assert sending.deliver_due() == 0


def test_b59_each_threshold_of_a_period_is_told_once_however_often_it_is_looked_at(acme, alice):
    research = budget(acme)
    cross(research, 50, "52")
    assert tell(acme) == ["Research has used 50% of its budget"]
    assert tell(acme) == []
    cross(research, 80, "81")

    assert tell(acme) == ["Research has used 80% of its budget"]

    assert tell(acme) == []
    assert [what for what, _ in said(acme)] == ["fired", "fired"]


@pytest.mark.django_db(transaction=True)
def test_b59_two_evaluators_at_the_same_moment_tell_once(acme, alice):
    cross(budget(acme), 80, "82.10")
    both = threading.Barrier(2)
    told: list[list[str]] = []

    def evaluate() -> None:
        try:
            both.wait()
            told.append(tell(acme))
        finally:
            connections.close_all()

    workers = [threading.Thread(target=evaluate) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(map(len, told)) == [0, 1]
    assert len(alerts(acme)) == len(said(acme)) == len(deliveries(acme)) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["alerts.fired", "alerts.before_commit", "alerts.after_commit"])
def test_b59_nothing_is_told_twice_after_a_kill_at_any_point(acme, alice, tmp_path, point):
    cross(budget(acme), 80, "82.10")
    with organization_scope(acme.pk):
        looking.watch(acme)

    assert in_a_child(point, tmp_path, looking.look_due) == KILLED
    looking.look_due()
    with organization_scope(acme.pk):
        AlertWatch.objects.update(due_at=timezone.now())
    looking.look_due()

    assert len(alerts(acme)) == len(said(acme)) == len(deliveries(acme)) == 1


@pytest.mark.django_db(transaction=True)
def test_b60_a_letter_is_written_once_whoever_is_killed_while_writing(acme, alice, tmp_path, mailbox):
    cross(budget(acme), 80, "82.10")
    tell(acme)

    assert in_a_child("alerts.mail_written", tmp_path, sending.deliver_due) == KILLED
    sending.deliver_due()
    mail.deliver_due()

    assert [message["To"] for message in mailbox.messages] == [alice.email]


def test_thresholds_that_are_passed_at_once_are_told_of_by_the_highest(acme, alice):
    research = budget(acme)
    for threshold in (50, 80, 100):
        cross(research, threshold, "104")

    tell(acme)

    assert {alert.title: alert.state for alert in alerts(acme)} == {
        "Research has used 50% of its budget": State.RESOLVED,
        "Research has used 80% of its budget": State.RESOLVED,
        "Research has used up its budget": State.OPEN,
    }
    assert [each.news.alert.severity for each in deliveries(acme)] == ["critical"]


def test_b37_a_late_crossing_says_revised_and_a_revised_bill_ends_an_alert(acme, alice):
    research = budget(acme)
    late = cross(research, 100, "101.20", is_late=True)
    assert tell(acme) == ["Revised: Research has used up its budget"]

    with organization_scope(acme.pk):
        BudgetCrossing.objects.filter(pk=late.pk).update(receded_at=timezone.now(), latest_spent="78")
    tell(acme)
    tell(acme)

    assert [what for what, _ in said(acme)] == ["fired", "revised"]
    alert = alerts(acme)[0]
    assert (alert.state, alert.is_revised) == (State.RESOLVED, True)
    with organization_scope(acme.pk):
        assert alert.news.get(what="revised").text == "Bills were revised: it is $78.00 now, below $100.00."


def test_a_forecast_and_a_customer_who_is_over_have_kinds_of_their_own(acme, alice):
    cross(budget(acme), 100, "140", kind=Kind.FORECAST)
    cross(budget(acme, name="Each customer", each="customer"), 100, "107", value="globex")

    tell(acme)

    assert {(alert.kind, alert.title, alert.severity) for alert in alerts(acme)} == {
        ("forecast", "Research is heading for 140% of its budget", "warning"),
        ("customer_budget", "Each customer, globex has used up its budget", "critical"),
    }


def test_who_answers_for_the_money_is_written_to_and_others_are_not(acme, alice):
    make.member(acme, "finn@acme.example", Role.FINANCE)
    make.member(acme, "vera@acme.example", Role.VIEWER)
    cross(budget(acme), 80, "82.10")

    tell(acme)

    assert {each.user.email for each in deliveries(acme)} == {alice.email, "finn@acme.example"}


def test_a_snoozed_alert_is_quiet_and_opens_again_when_the_snooze_ends(acme, alice):
    cross(budget(acme), 80, "82.10")
    tell(acme)
    alert = alerts(acme)[0]
    Browser(alice).post(f"/alerts/{alert.pk}/snooze/", {"length": "1h"})
    with organization_scope(acme.pk):
        looking.look(acme, now=timezone.now())
    assert alerts(acme)[0].state == State.SNOOZED

    later = timezone.now() + timedelta(hours=2)
    with time_machine.travel(later, tick=False), organization_scope(acme.pk):
        looking.look(acme, now=later)
        looking.look(acme, now=later)

    assert alerts(acme)[0].state == State.OPEN
    assert [what for what, _ in said(acme)] == ["fired", "snoozed", "again"]
    assert len(deliveries(acme)) == 2


def test_chosen_alerts_are_acknowledged_together_and_by_who_may(acme, alice):
    for name in ("One", "Two", "Three", "Four"):
        cross(budget(acme, name=name), 80, "82.10")
    tell(acme)
    one, two, _, over = alerts(acme)
    viewer = make.member(acme, "vera@acme.example", Role.VIEWER)

    assert Browser(viewer).post("/alerts/acknowledge/", {"alert": [str(one.pk)]}).status_code == 403
    Browser(alice).post(f"/alerts/{over.pk}/resolve/")
    Browser(alice).post("/alerts/acknowledge/", {"alert": [str(one.pk), str(two.pk), str(over.pk), "nonsense"]})

    assert [alert.state for alert in alerts(acme)] == ["acknowledged", "acknowledged", "open", "resolved"]


def test_b13_a_stranger_finds_nothing_and_can_do_nothing(acme, alice, elsewhere, mallory):
    cross(budget(acme), 80, "82.10")
    tell(acme)
    alert = alerts(acme)[0]
    stranger = Browser(mallory)

    assert stranger.get(f"/alerts/{alert.pk}/").status_code == 404
    assert stranger.post(f"/alerts/{alert.pk}/resolve/").status_code == 404
    stranger.post("/alerts/acknowledge/", {"alert": [str(alert.pk)]})

    assert alerts(acme)[0].state == State.OPEN
    assert alert.title not in stranger.get("/alerts/").content.decode()


def test_resolved_can_be_opened_again_and_the_story_says_who_did_what(acme, alice):
    cross(budget(acme), 80, "82.10")
    tell(acme)
    alert, browser = alerts(acme)[0], Browser(alice)

    for _ in range(2):
        browser.post(f"/alerts/{alert.pk}/resolve/")
    assert alerts(acme)[0].state == State.RESOLVED
    browser.post(f"/alerts/{alert.pk}/reopen/")

    assert (alerts(acme)[0].state, alerts(acme)[0].resolved_at) == (State.OPEN, None)
    assert [what for what, _ in said(acme)] == ["fired", "resolved", "reopened"]
    page = browser.get(f"/alerts/{alert.pk}/").content.decode()
    assert all(word in page for word in ("Fired", "Resolved", "Opened again"))


def test_a_name_with_line_breaks_stays_on_its_line_and_cannot_be_a_link_of_the_letter(acme, alice):
    name = "x\n\nConfirm billing:\nhttps://evil.example\n\n"
    finding = Finding("new", "new:model:x", f"New model: {name}", f"{name} was first used.", numbers=(("Model", name),))
    with organization_scope(acme.pk):
        firing.fire(acme, [finding], now=timezone.now())

    sending.deliver_due()

    body = OutboxMail.objects.get(kind="alert").text
    assert "Confirm billing: https://evil.example was" in body
    assert [each.link for each in letters.paragraphs(body) if "evil" in each.link] == []


def test_what_a_person_resolved_stays_so_for_the_day_and_what_ended_by_itself_is_told_again(acme, alice):
    now = timezone.now().replace(hour=0, minute=10)
    finding = Finding("sync_broken", "trouble:x", "Broken", "It cannot be read.")
    with organization_scope(acme.pk):
        firing.fire(acme, [finding], now=now)
        firing.calm(acme, "sync_broken", [], now=now + timedelta(minutes=10))
        firing.calm(acme, "sync_broken", [], now=now + timedelta(minutes=50))
        firing.fire(acme, [finding], now=now + timedelta(hours=2))
        firing.fire(acme, [finding], now=now + timedelta(hours=2, minutes=5))
        assert [what for what, _ in said(acme)] == ["fired", "recovered", "fired"]

        states.resolve(Alert.objects.standing().get(), by=alice, now=now + timedelta(hours=3))
        firing.fire(acme, [finding], now=now + timedelta(hours=3, minutes=5))

    assert [what for what, _ in said(acme)] == ["fired", "recovered", "fired", "resolved"]


def test_a_late_threshold_is_let_go_after_two_weeks_and_not_before(acme, alice):
    ended = timezone.now() - timedelta(days=3)
    cross(budget(acme), 100, "120", is_late=True, ends_at=ended)
    tell(acme)

    for days, state in ((13, State.OPEN), (15, State.RESOLVED)):
        with organization_scope(acme.pk):
            states.let_go(acme, now=timezone.now() + timedelta(days=days))
        assert alerts(acme)[0].state == state


def test_a_threshold_that_a_revised_bill_ended_stands_again_when_it_is_passed_again_without_a_letter(acme, alice):
    held = cross(budget(acme), 80, "82.10")
    tell(acme)
    for receded_at in (timezone.now(), None):
        with organization_scope(acme.pk):
            BudgetCrossing.objects.filter(pk=held.pk).update(receded_at=receded_at)
        tell(acme)
        tell(acme)

    assert [alert.state for alert in alerts(acme)] == [State.OPEN]
    assert [what for what, _ in said(acme)] == ["fired", "revised", "reopened"]
    assert [each.news.what for each in deliveries(acme)] == ["fired", "revised"]


def test_who_only_read_the_list_hears_what_their_role_hears_until_they_choose(acme, alice):
    vera = make.member(acme, "vera@acme.example", Role.VIEWER)
    Browser(vera).get("/alerts/")
    Browser(alice).get("/alerts/")
    with organization_scope(acme.pk):
        Membership.objects.filter(organization=acme, user=vera).update(role=Role.ADMIN)
        Membership.objects.filter(organization=acme, user=alice).update(role=Role.VIEWER)
    cross(budget(acme), 80, "82.10")

    tell(acme)

    assert [each.user.email for each in deliveries(acme)] == [vera.email]
    assert "checked" in Browser(vera).get("/alerts/wishes/").content.decode().split('value="at_once"')[1].split(">")[0]


@pytest.mark.parametrize(("days", "letters"), [(3, 3), (40, 1)])
def test_many_periods_that_a_bill_changes_after_they_ended_are_told_in_one_letter(acme, alice, days, letters):
    daily = budget(acme, every="day")
    for n in range(days):
        for threshold in (80, 100):
            first = timezone.now().date() - timedelta(days=days - n)
            cross(daily, threshold, f"{100 + n}", is_late=True, first_day=first)

    tell(acme)

    assert (len(alerts(acme)), len(deliveries(acme))) == (2 * days, letters)
    loudest = deliveries(acme)[-1].news.alert
    assert loudest.period == f"{timezone.now().date() - timedelta(days=1)}"
    assert ("The same was found of 39 more of its periods" in loudest.text) is (letters == 1)
    assert tell(acme) == []


def test_a_rule_that_somebody_else_switched_meanwhile_is_not_switched_back(acme, alice):
    with organization_scope(acme.pk):
        given.ensure(acme, now=timezone.now())
        mine, theirs = (AlertRule.objects.get(kind="anomaly") for _ in range(2))
        ruling.switch(theirs, by=alice, now=timezone.now())

        with pytest.raises(Problem, match="meanwhile"):
            ruling.switch(mine, by=alice, now=timezone.now())

        assert not AlertRule.objects.get(kind="anomaly").is_on
        assert AuditLine.objects.filter(action__startswith="alert_rule_switched").count() == 1
