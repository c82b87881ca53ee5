"""What is watched for: found in real figures, told once, over when it is over."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import JournalEntry
from budgets import looking as budgets_looking
from budgets.alerting import given, looking, ruling
from budgets.alerting.detectors.look import Look
from budgets.alerting.models import Alert, AlertRule, AlertWatch, State
from budgets.kept import Look as BudgetLook
from providers.models import Connection, Status
from tests import make
from tests.budgets.alerting.conftest import alerts, budget, cross, deliveries, said
from tests.conftest import Browser
from tokentra.lib.tenancy import organization_scope
from usage import freshness, ingest, own_prices
from usage.measuring import repricing
from usage.repricing import Asked
from usage.rows import Ledger, UsageRow

pytestmark = [pytest.mark.django_db, pytest.mark.worker]

DAY = timedelta(days=1)
WEEK = [100, 104, 98, 102, 97, 20, 21]


def today() -> datetime:
    return datetime.combine(timezone.now().astimezone(UTC).date(), time.min, UTC)


def bill(of, through, *days: float, model: str = "gpt-5-mini", key: str = "", until: int = 2) -> None:
    """Lines of days that are over, the last one `until` days ago, read just now as one window."""
    end = today() - DAY * (until - 1)
    start = end - DAY * len(days)
    rows = [
        UsageRow(
            Ledger.BILLED, "costs", start + DAY * n, 86_400, through.provider, model,
            api_key=key, line_item=f"{model}, input", amount=Decimal(str(amount)),
        )
        for n, amount in enumerate(days)
    ]  # fmt: skip
    window = ingest.Window(through.pk, through.provider, Ledger.BILLED, "costs", start, end)
    with organization_scope(of.pk):
        ingest.record(of.pk, rows, window=window, now=timezone.now())


def office(days: int, until: int = 2) -> list[float]:
    first = today() - DAY * (until + days - 1)
    return [WEEK[(first + DAY * n).weekday()] * (1 + (n % 3 - 1) / 50) for n in range(days)]


def look(of, now=None, since=None) -> list[str]:
    with organization_scope(of.pk):
        looking.look(of, now=now or timezone.now(), since=since)
    return [alert.title for alert in alerts(of)]


def rule(of, kind: str, **fields: object) -> AlertRule:
    now = timezone.now()
    with organization_scope(of.pk):
        return AlertRule.objects.create(organization=of, kind=kind, name=kind, created_at=now, changed_at=now, **fields)


@pytest.fixture
def account(acme, alice) -> Connection:
    return make.connection(acme, by=alice)


def test_an_unusual_day_is_told_once_with_what_was_usual_and_what_made_the_difference(acme, account, alice):
    bill(acme, account, *office(50)[:-1], 412.2)
    day = today() - 2 * DAY

    assert look(acme) == [f"Unusual spend on {day:%A, %-d %B}: $412.20"]
    assert len(look(acme)) == 1

    alert = alerts(acme)[0]
    assert alert.kind == "anomaly"
    assert (
        f"{day:%A}, {day:%-d %B}, cost $412.20. A {day:%A} at the level of the last 10 days costs about $" in alert.text
    )
    assert "Most of it: gpt-5-mini ($" in alert.text
    assert alert.path.startswith("/usage/?from=")
    assert Browser(alice).get(alert.path).status_code == 200


def test_days_like_their_kind_are_quiet_and_so_is_a_rule_that_is_off(acme, account):
    bill(acme, account, *office(50))
    assert look(acme) == []
    with organization_scope(acme.pk):
        AlertRule.objects.filter(kind="anomaly").update(switched_off_at=timezone.now())

    bill(acme, account, *office(50)[:-1], 412.2)

    assert look(acme) == []


def test_a_jump_names_the_key(acme, account):
    rule(acme, "jump", dimension="api_key", minimum=5)
    bill(acme, account, *office(40), key="key_search")
    quiet = [each / 20 for each in office(40)]

    bill(acme, make.connection(acme, name="Second", provider="anthropic"), *quiet[:-1], 60, key="key_batch")

    found = look(acme)
    assert [title for title in found if title.startswith("API key key_batch cost $60.00, ")]
    assert not [title for title in found if "key_search" in title]
    assert any("&group=api_key&api_key=key_batch" in alert.path for alert in alerts(acme))


def test_something_new_is_told_once_for_good_and_not_while_everything_is_new(acme, account):
    bill(acme, account, *[30] * 5)
    assert look(acme) == []
    bill(acme, account, *office(40))
    second = make.connection(acme, name="Second", provider="anthropic")
    bill(acme, second, 25, model="claude-opus-5")

    assert look(acme) == ["New model: claude-opus-5"]
    assert look(acme) == ["New model: claude-opus-5"]
    assert "$25.00" in alerts(acme)[0].text


def test_unpriced_tokens_are_told_and_over_when_they_have_a_price(acme, alice, send):
    send({"provider": "openai", "model": "gpt-of-tomorrow", "tokens": {"input": 1_200_000}})

    assert look(acme) == ["1.20M tokens of gpt-of-tomorrow have no price"]

    with organization_scope(acme.pk):
        from usage.models import DayDimension, DayRollup

        DayDimension.objects.update(unpriced_tokens=0)
        DayRollup.objects.update(unpriced_tokens=0)
    now = timezone.now()
    look(acme, now)
    assert alerts(acme)[0].state == State.OPEN, "not at the first calm look"
    look(acme, now + timedelta(minutes=61))
    assert alerts(acme)[0].state == State.RESOLVED
    assert [what for what, _ in said(acme)] == ["fired", "recovered"]


def test_units_without_a_price_beside_tokens_are_told_and_over_when_they_have_one(acme, alice, send):
    said = {
        "provider": "openai",
        "model": "gpt-4o-mini",
        "tokens": {"input": 9},
        "units": {"web_search": 2, "image": 1},
    }
    send(said)
    send(said | {"tokens": {"input": 10}})

    assert look(acme) == ["Units of gpt-4o-mini have no price: image and web_search"]
    [alert] = alerts(acme)
    assert "2 calls of gpt-4o-mini of OpenAI used image and web_search without a price" in alert.text

    with organization_scope(acme.pk):
        rates = {"unit:web_search": Decimal("0.01"), "unit:image": Decimal("0.1")}
        own_prices.enter(acme, "openai", "", rates=rates, since=timezone.now().date() - timedelta(days=9))
    assert len(list(repricing.reprice(acme.pk, Asked(), dry_run=False))) == 1
    now = timezone.now()
    look(acme, now)
    look(acme, now + timedelta(minutes=61))
    assert alerts(acme)[0].state == State.RESOLVED


def test_a_broken_connection_is_told_until_it_is_read_again_and_a_second_break_is_another_alert(acme, account):
    now = timezone.now()
    status(account, Status.BROKEN, "key_refused")
    first = look(acme, now)
    assert len(first) == 1
    assert first[0].startswith("Acme (OpenAI): ")
    assert alerts(acme)[0].severity == "critical"

    status(account, Status.HEALTHY, "")
    look(acme, now + timedelta(minutes=5))
    status(account, Status.BROKEN, "key_refused")
    look(acme, now + timedelta(minutes=10))
    assert [what for what, _ in said(acme)] == ["fired"], "it wavered"

    status(account, Status.HEALTHY, "")
    look(acme, now + timedelta(hours=1))
    look(acme, now + timedelta(hours=2))
    status(account, Status.BROKEN, "key_refused")
    look(acme, now + timedelta(days=1, hours=3))

    assert [what for what, _ in said(acme)] == ["fired", "recovered", "fired"]


def status(of: Connection, value: str, blocked: str) -> None:
    with organization_scope(of.organization_id):
        Connection.objects.filter(pk=of.pk).update(status=value, blocked=blocked, next_sync_at=None)


def test_silence_of_code_that_reported_on_most_days(acme, alice, send):
    rule(acme, "no_data", window=24)
    now = timezone.now()
    for days_ago in range(8):
        at = (now - DAY * days_ago - timedelta(hours=1)).isoformat()
        send({"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 10}, "occurredAt": at})
    assert look(acme, now) == []

    assert look(acme, now + timedelta(hours=30)) == ["No calls reported for 31 hours"]


@pytest.mark.parametrize(
    ("metric", "comparator", "bound", "told"),
    [
        ("cost", "above", 90, True), ("cost", "above", 120, False), ("cost", "below", 120, True),
        ("cost", "below", 90, False),
    ],
)  # fmt: skip
def test_a_rule_of_ones_own_on_what_counts(acme, account, metric, comparator, bound, told):
    bill(acme, account, 50, 100)
    rule(acme, "custom", metric=metric, comparator=comparator, bound=bound, window=1)

    assert len(look(acme)) == told


def test_a_rule_of_ones_own_wavers_around_its_bound_without_being_told_again(acme, account):
    rule(acme, "custom", metric="cost", comparator="above", bound=100, window=1)
    now = timezone.now()
    for spent in (101, 96, 101, 94):
        bill(acme, account, spent)
        look(acme, now)
        now += timedelta(hours=2)
    assert [what for what, _ in said(acme)] == ["fired"]
    assert alerts(acme)[0].state == State.OPEN

    bill(acme, account, 80)
    look(acme, now)
    look(acme, now + timedelta(minutes=59))
    assert [what for what, _ in said(acme)] == ["fired"]
    look(acme, now + timedelta(hours=1))

    assert [what for what, _ in said(acme)] == ["fired", "recovered"]


def test_a_rule_of_ones_own_on_what_code_measured(acme, alice, send):
    yesterday = (timezone.now() - DAY).isoformat()
    call = {"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 10}, "occurredAt": yesterday}
    for number, status_of_call in enumerate(("ok", "ok", "error")):
        send(call | {"id": f"call-{number}", "status": status_of_call, "customerId": "globex"})
    rule(acme, "custom", metric="errors", comparator="above", bound=20, window=1, dimension="customer", value="globex")

    assert look(acme) == ["custom: 33%, above 20%"]


def test_a_sample_workspace_shows_its_alerts_and_wakes_nobody(acme, alice):
    with organization_scope(acme.pk):
        acme.is_sample = True
        acme.save(update_fields=["is_sample"])
    cross(budget(acme), 80, "82")

    assert look(acme) == ["Research has used 80% of its budget"]
    assert deliveries(acme) == []


def test_what_happened_once_is_let_go_after_a_while_and_nobody_is_told(acme, account, alice):
    bill(acme, account, *office(50)[:-1], 412.2)
    cross(budget(acme), 80, "82")
    now = timezone.now()
    assert len(look(acme, now)) == 2
    before = len(deliveries(acme))

    look(acme, now + timedelta(days=40))

    assert {alert.state for alert in alerts(acme)} == {State.RESOLVED}
    assert len(deliveries(acme)) == before


def test_organizations_are_watched_once_and_looked_at_when_due(acme, elsewhere, alice):
    assert looking.watch_all() == 2
    assert looking.watch_all() == 0
    cross(budget(acme), 80, "82")

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1), tick=False):
        looking.look_due()

    assert len(alerts(acme)) == 1
    with organization_scope(acme.pk):
        watch = AlertWatch.objects.owned_by(acme).get()
        assert (watch.looked_at is not None, watch.failures) == (True, 0)
        assert {each.kind for each in AlertRule.objects.owned_by(acme)} == {"anomaly", "new", "unpriced", "sync_broken"}


def test_the_first_looks_at_many_organizations_are_spread(acme, elsewhere, monkeypatch):
    monkeypatch.setattr(looking, "NEW_IN_A_SECOND", 1)
    looking.watch_all()

    due = []
    for of in (acme, elsewhere):
        with organization_scope(of.pk):
            due.append(AlertWatch.objects.owned_by(of).get().due_at)
    assert abs(due[0] - due[1]) > timedelta(milliseconds=500)


def test_where_nothing_stands_a_look_asks_for_no_alerts_but_that(acme, account, alice):
    """All organizations are looked at for ever, most of them for nothing."""
    bill(acme, account, *office(50))
    look(acme)

    with organization_scope(acme.pk), CaptureQueriesContext(connection) as asked:
        looking.look(acme, now=timezone.now())

    assert alerts(acme) == []
    assert len([query for query in asked if 'FROM "budgets_alert" ' in query["sql"]]) == 1
    assert len(asked) <= 22


def test_one_organizations_trouble_holds_up_nobody_else(acme, elsewhere, alice, monkeypatch):
    looking.watch_all()
    cross(budget(elsewhere), 80, "82")
    whole = looking.look

    def troubled(organization, *, now, since):
        if organization.pk == acme.pk:
            raise ValueError("trouble")
        whole(organization, now=now, since=since)

    monkeypatch.setattr(looking, "look", troubled)
    looking.look_due()

    assert len(alerts(elsewhere)) == 1
    with organization_scope(acme.pk):
        assert AlertWatch.objects.owned_by(acme).get().failures == 1


def test_a_rule_is_made_switched_and_removed_and_counts_as_a_configured_alert(acme, alice, monkeypatch):
    browser = Browser(alice)
    refused = browser.post("/alerts/rules/new/?kind=custom", {"name": "Mine"})
    assert refused.status_code == 422

    told = {
        "name": "Mine",
        "severity": "critical",
        "metric": "cost",
        "window": "7",
        "comparator": "above",
        "bound": "500",
    }
    assert browser.post("/alerts/rules/new/?kind=custom", told).status_code == 302

    page = browser.get("/alerts/rules/").content.decode()
    assert "Spend over the last 7 days above $500.00." in page
    with organization_scope(acme.pk):
        made = AlertRule.objects.owned_by(acme).get(kind="custom")
        assert JournalEntry.objects.filter(organization=acme, event="alert_created").count() == 1
    browser.post(f"/alerts/rules/{made.pk}/", told | {"bound": "700"})
    assert "$700.00" in browser.get("/alerts/rules/").content.decode()
    browser.post(f"/alerts/rules/{made.pk}/switch/")
    with organization_scope(acme.pk):
        made.refresh_from_db()
    assert not made.is_on
    with organization_scope(acme.pk):
        monkeypatch.setattr(ruling, "MOST", AlertRule.objects.owned_by(acme).count())
    full = browser.post("/alerts/rules/new/?kind=custom", told, follow=True)
    assert "Remove one first." in full.content.decode()
    with organization_scope(acme.pk):
        assert AlertRule.objects.owned_by(acme).count() == ruling.MOST
    browser.post(f"/alerts/rules/{made.pk}/remove/")
    browser.get("/alerts/rules/")  # which says that it is gone
    assert "Mine" not in browser.get("/alerts/rules/").content.decode()


def test_the_list_filters_and_pages(acme, alice):
    now = timezone.now()
    with organization_scope(acme.pk):
        Alert.objects.bulk_create(
            Alert(
                organization=acme, kind="custom", key=f"custom:{n}", period="x", severity="info", title=f"Alert {n:03}",
                text="", fired_at=now, seen_at=now, state=State.RESOLVED if n % 2 else State.OPEN,
            )
            for n in range(120)
        )  # fmt: skip
    browser = Browser(alice)

    first = browser.get("/alerts/?view=all").content.decode()
    assert first.count("/alerts/0") == 50
    following = first.split('href="?view=all&amp;before=')[1].split('"')[0]
    second = browser.get(f"/alerts/?view=all&before={following}").content.decode()
    assert second.count("/alerts/0") == 50
    assert "Alert 001" not in browser.get("/alerts/?view=open").content.decode()
    assert "No alert is of this kind" in browser.get("/alerts/?kind=anomaly&view=all").content.decode()


def test_an_organization_whose_sums_cannot_be_brought_up_to_date_comes_later_and_holds_up_nobody(
    acme, elsewhere, alice, late
):
    with organization_scope(acme.pk):
        budgets_looking.look_soon(acme)
    looking.watch_all()
    cross(budget(elsewhere), 80, "82")
    late(acme)

    looking.look_due()
    budgets_looking.look_due()

    assert len(alerts(elsewhere)) == 1
    with organization_scope(acme.pk, up_to_date=False):
        for mark in (AlertWatch.objects.get(), BudgetLook.objects.get()):
            assert (mark.failures, mark.due_at > timezone.now()) == (1, True)


def test_something_new_that_costs_little_a_day_is_told_when_it_has_cost_enough(acme, account):
    bill(acme, account, *office(40))
    made = rule(acme, "new", dimension="model", minimum=10)
    with organization_scope(acme.pk):
        AlertRule.objects.filter(pk=made.pk).update(created_at=timezone.now() - 9 * DAY)
    second = make.connection(acme, name="Second", provider="anthropic")
    bill(acme, second, *[2] * 4, model="claude-opus-5")
    assert look(acme) == []

    with time_machine.travel(timezone.now() + 2 * DAY, tick=False):
        bill(acme, account, *office(42))
        bill(acme, second, *[2] * 6, model="claude-opus-5")
        assert "New model: claude-opus-5" in look(acme)

    assert "In the 36 days before, nothing of yours used it." in alerts(acme)[0].text


def test_what_was_there_before_the_rule_or_runs_once_a_month_is_not_new(acme, account):
    bill(acme, account, *office(60))
    second = make.connection(acme, name="Second", provider="anthropic")
    bill(acme, second, *[50] * 20, model="before-the-rule")
    third = make.connection(acme, name="Third", provider="anthropic")
    made = rule(acme, "new", dimension="model", minimum=10)
    with organization_scope(acme.pk):
        AlertRule.objects.filter(pk=made.pk).update(created_at=timezone.now() - 90 * DAY)
    bill(acme, third, 50, *[0] * 30, 50, model="monthly")

    assert [title for title in look(acme) if "monthly" in title] == []
    with organization_scope(acme.pk):
        Alert.objects.all().delete()
        AlertRule.objects.filter(pk=made.pk).update(created_at=timezone.now())
    assert [title for title in look(acme) if title.startswith("New")] == []


def test_code_that_stays_silent_for_weeks_is_not_said_to_report_again(acme, alice, send):
    rule(acme, "no_data", window=24)
    now = timezone.now()
    for days_ago in range(8):
        at = (now - DAY * days_ago - timedelta(hours=1)).isoformat()
        send({"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 10}, "occurredAt": at})
    look(acme, now + 2 * DAY)

    look(acme, now + 15 * DAY)
    look(acme, now + 15 * DAY + timedelta(hours=2))

    assert [what for what, _ in said(acme)] == ["fired"]


@pytest.mark.parametrize("ended", ["switch", "remove"])
def test_a_rule_that_is_looked_at_no_longer_resolves_its_alerts_and_says_nothing_by_mail(acme, account, alice, ended):
    status(account, Status.BROKEN, "key_refused")
    look(acme)
    before = len(deliveries(acme))
    with organization_scope(acme.pk):
        held = AlertRule.objects.get(kind="sync_broken")
        AlertRule.objects.filter(pk=held.pk).update(is_given=ended == "switch")  # a given one is not removed
    browser = Browser(alice)

    browser.post(f"/alerts/rules/{held.pk}/{ended}/")

    assert [what for what, _ in said(acme)] == ["fired", "resolved"]
    assert len(deliveries(acme)) == before
    if ended == "switch":
        look(acme, timezone.now() + timedelta(hours=2))
        assert [what for what, _ in said(acme)] == ["fired", "resolved"]
        browser.post(f"/alerts/rules/{held.pk}/{ended}/")
        look(acme, timezone.now() + timedelta(hours=2))
        assert [what for what, _ in said(acme)] == ["fired", "resolved", "fired"]


def test_a_rule_of_ones_own_is_not_over_while_nothing_can_be_known(acme, account, monkeypatch):
    rule(acme, "custom", metric="cost", comparator="above", bound=90, window=1)
    bill(acme, account, 100)
    now = timezone.now()
    look(acme, now)

    monkeypatch.setattr(freshness, "fresh_until", lambda accounts: None)  # one was connected and is being read
    look(acme, now + timedelta(minutes=5))
    look(acme, now + timedelta(hours=2))

    assert [what for what, _ in said(acme)] == ["fired"]


def test_a_rule_that_fails_keeps_its_alerts_holds_up_no_other_and_the_list_says_so(acme, account, alice, monkeypatch):
    status(account, Status.BROKEN, "key_refused")
    with organization_scope(acme.pk):
        looking.watch(acme)
    looking.look_due()
    mine = rule(acme, "custom", metric="cost", comparator="above", bound=90, window=1)

    def troubled(seen, of_rule):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    monkeypatch.setattr(looking, "DETECTORS", looking.DETECTORS | {"sync_broken": troubled})
    bill(acme, account, 100)
    for hours in (1, 2, 3):
        with organization_scope(acme.pk):
            AlertWatch.objects.update(due_at=timezone.now())
            looking.look_at(acme.pk, timezone.now() + timedelta(hours=hours))

    assert [(alert.rule_id == mine.pk, alert.state) for alert in alerts(acme)] == [(False, "open"), (True, "open")]
    assert "The last 3 looks for alerts failed in part" in Browser(alice).get("/alerts/").content.decode()


def test_an_account_that_stands_still_is_left_out_and_named_and_hides_nothing_of_the_others(acme, account):
    second = make.connection(acme, name="Second", provider="anthropic")
    bill(acme, second, *[30] * 40, until=9, model="claude-opus-5")
    bill(acme, account, *office(50)[:-1], 412.2)
    day = today() - 2 * DAY

    assert look(acme) == [f"Unusual spend on {day:%A, %-d %B}: $412.20"]

    without = f"It is without accounts whose figures stand still: Anthropic (known up to {day - 7 * DAY:%-d %B})."
    assert without in alerts(acme)[0].text
    rule(acme, "custom", metric="cost", comparator="above", bound=400, window=1)
    rule(acme, "custom", metric="cost", comparator="below", bound=900, window=1)
    assert [title.split(": ")[1] for title in look(acme)[1:]] == ["$412.20, above $400.00"]
    assert alerts(acme)[1].text.endswith(without)


def test_where_all_accounts_stand_still_nothing_is_left_out(acme, account):
    bill(acme, account, *office(50, until=9)[:-1], 412.2, until=9)

    assert len(look(acme)) == 1
    assert "stand still" not in alerts(acme)[0].text


def test_after_a_silence_of_days_each_day_since_the_last_look_is_looked_at_once(acme, account):
    made = rule(acme, "jump", dimension="model", minimum=5)
    days = office(60)
    days[-12] = days[-5] = days[-1] = 500
    bill(acme, account, *days)
    with organization_scope(acme.pk):
        given.ensure(acme, now=timezone.now())
        AlertRule.objects.update(created_at=timezone.now() - 90 * DAY)
    since = timezone.now() - 6 * DAY

    look(acme, since=since)
    look(acme, since=since)

    newest = today() - 2 * DAY
    told = sorted((alert.kind, alert.period) for alert in alerts(acme))
    assert told == [(kind, f"{(newest - days * DAY):%Y-%m-%d}") for kind in ("anomaly", "jump") for days in (4, 0)]
    with organization_scope(acme.pk):
        Alert.objects.all().delete()
        AlertRule.objects.filter(pk=made.pk).update(created_at=newest)
        AlertRule.objects.exclude(pk=made.pk).delete()
    look(acme, since=since)
    assert [alert.period for alert in alerts(acme) if alert.kind == "jump"] == [f"{newest:%Y-%m-%d}"]


@pytest.mark.parametrize("silence", [1, 100])
def test_as_many_days_are_looked_at_as_can_have_become_known(acme, account, silence):
    bill(acme, account, *office(30))
    made = rule(acme, "anomaly")
    made.created_at = timezone.now() - 90 * DAY
    now = timezone.now()

    with organization_scope(acme.pk):
        seen = Look(acme, now, now - silence * DAY).days("counted", made)

    first = {1: now.date() - 5 * DAY, 100: (today() - 15 * DAY).date()}[silence]
    assert (seen[0], seen[-1], len(seen)) == (first, (today() - 2 * DAY).date(), (seen[-1] - seen[0]).days + 1)
