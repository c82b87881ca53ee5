"""The check before a call, as a program asks for it."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F, Sum
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditLine
from budgets import calls, checking, knowing, rooms, sweeping
from budgets.models import Budget, PromptLimit
from budgets.reserved import Reservation, Room
from tests import make
from tests.budgets.conftest import named
from tests.sdk_keys.conftest import issued
from tests.usage.measuring.conftest import NOON
from tests.usage.measuring.test_alike import GREATER, LESSER
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import name_within, organization_scope
from usage.measured import Event, Waiting

pytestmark = pytest.mark.django_db
CALL = {"provider": "openai", "model": "gpt-4o-mini", "customerId": "globex"}


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    knowing.forget()


@pytest.fixture
def ask(acme):
    key = issued(acme, "ingest", "read").clear

    def ask(**said):
        return asked(key, CALL | said)

    return ask


def asked(key, body):
    content = body if isinstance(body, str) else json.dumps(body)
    headers = {"Authorization": f"Bearer {key}"}
    return Client().post("/api/usage/check", content, content_type="application/json", headers=headers)


def blocking(of, amount="10", **wanted):
    return make.budget(
        of, amount, name="Globex", mode="block", ledger="measured", scope={"customer": ["globex"]}, **wanted
    )


def room(of):
    with organization_scope(of.pk):
        return Room.objects.owned_by(of).get()


def older(of, *, rooms=timedelta(0), reservations=timedelta(0)):
    """As if that time had passed."""
    with organization_scope(of.pk):
        Room.objects.owned_by(of).update(read_at=F("read_at") - rooms)
        Reservation.objects.owned_by(of).update(expires_at=F("expires_at") - reservations)


def test_a_call_that_no_budget_is_about_is_allowed(acme, ask):
    blocking(acme)

    answer = ask(customerId="initech", estimatedCost="99").json()

    assert (answer["verdict"], answer["budgets"], answer["estimate"], answer["estimatedCost"]) == (
        "allow",
        [],
        "given",
        "99.00",
    )
    assert "reservationId" not in answer
    assert answer["ttlSeconds"] == 5


def test_what_a_call_may_cost_is_reserved_until_its_event_comes(acme, ask, spend):
    blocking(acme)

    first = ask(estimatedCost="4").json()
    assert (first["verdict"], first["ttlSeconds"], first["budgets"][0]["reserved"]) == ("allow", 600, "4.00")
    assert ask(estimatedCost="6.01").status_code == 402

    spend("1.5", NOON, customerId="globex", id=first["reservationId"])
    older(acme, rooms=timedelta(seconds=4))
    second = ask(estimatedCost="6.01").json()

    assert second["budgets"][0] | {"id": 0} == {
        "id": 0, "name": "Globex", "value": "", "mode": "block", "state": "ok", "periodStart": "2026-11-01T00:00:00Z",
        "periodEnd": "2026-12-01T00:00:00Z", "reachedAt": None, "delayMs": 0, "unit": "usd", "limit": "10.00",
        "spent": "1.50", "reserved": "6.01", "overEstimates": "0.00",
    }  # fmt: skip


def test_b55_a_call_that_cost_more_than_its_estimate_is_settled_in_full_and_shown(acme, ask, spend):
    blocking(acme)
    ask(estimatedCost="4", id="call 1")

    spend("12.5", NOON, customerId="globex", id="call 1")
    older(acme, rooms=timedelta(seconds=6))
    refused = ask(estimatedCost="0.01")

    (budget,) = refused.json()["error"]["budgets"]
    assert refused.status_code == 402
    assert (budget["spent"], budget["reserved"], budget["overEstimates"]) == ("12.50", "0.00", "8.50")


def test_an_id_is_the_same_however_its_letters_are_written(acme, ask, spend):
    blocking(acme)
    call = uuid7()
    assert ask(estimatedCost="4", id=str(call).upper()).json()["reservationId"] == str(call).upper()

    spend("1.5", NOON, customerId="globex", id=str(call).upper())
    older(acme, rooms=timedelta(seconds=4))

    assert ask(estimatedCost="6.01").json()["budgets"][0]["reserved"] == "6.01"


@pytest.mark.parametrize("cost", ["1e-20000", "1e-400000", "0e-20000", "-0", "4.0000000000000000001"])
def test_what_a_call_may_cost_is_kept_in_as_many_places_as_costs_are(cost, acme, ask):
    blocking(acme)

    answer = ask(estimatedCost=cost)

    assert answer.status_code == 200
    assert answer.json()["estimatedCost"] == ("4.00" if cost.startswith("4") else "0.00")


def test_the_same_id_reserves_once(acme, ask):
    blocking(acme)

    answers = [ask(estimatedCost="6", id="call 1").json() for _ in range(3)]

    assert {each["reservationId"] for each in answers} == {"call 1"}
    assert {each["budgets"][0]["reserved"] for each in answers} == {"6.00"}
    assert room(acme).reserved == 6


def test_the_same_id_reserves_what_it_needs_more_or_is_refused(acme, ask):
    blocking(acme)
    ask(estimatedCost="0.01", id="call 1")

    assert ask(estimatedCost="10.01", id="call 1").status_code == 402
    assert room(acme).reserved == Decimal("0.01")
    answer = ask(estimatedCost="10", id="call 1").json()

    assert (answer["budgets"][0]["reserved"], room(acme).reserved) == ("10.00", 10)
    with organization_scope(acme.pk):
        assert Reservation.objects.owned_by(acme).get().amount == 10
    assert ask(estimatedCost="4", id="call 1").status_code == 200
    assert room(acme).reserved == 10


def test_an_event_that_is_stored_while_it_is_read_counts(acme, ask, spend, monkeypatch):
    """As other processes store it: after the reading began, before it asks which reservations are settled."""
    blocking(acme)
    ask(estimatedCost="4", id="call 1")
    real = rooms.last_answer

    def stored_first(statements, params):
        if statements == rooms.STORED:
            spend("4", NOON, customerId="globex", id="call 1")
        return real(statements, params)

    monkeypatch.setattr(rooms, "last_answer", stored_first)
    older(acme, rooms=timedelta(seconds=6))
    ask(estimatedCost="0")

    assert (room(acme).spent, room(acme).reserved) == (4, 0)


def test_a_check_that_reads_nothing_adds_up_nothing(acme, ask, spend):
    blocking(acme)
    ask(estimatedCost="1")
    spend("1", customerId="globex")
    knowing.forget()

    ask(estimatedCost="1")

    with organization_scope(acme.pk, up_to_date=False):
        assert Waiting.objects.filter(organization=acme).count() == 1


def test_what_a_check_lets_expire_is_audited(acme, ask):
    blocking(acme)
    ask(estimatedCost="6")
    older(acme, rooms=timedelta(seconds=4), reservations=timedelta(minutes=11))

    ask(estimatedCost="1")

    with organization_scope(acme.pk):
        line = AuditLine.objects.get(organization=acme, action="reservations_expired")
    assert line.data == {"count": 1}


@pytest.mark.worker
def test_rooms_of_periods_that_ended_go_once_nothing_is_reserved_in_them(acme, ask):
    make.budget(acme, "10", mode="block", ledger="measured", each="user")
    for user, day in (("gone", 1), ("held", 1), ("now", 0)):
        ask(estimatedCost="1" if user == "held" else "0", userId=user)
        with organization_scope(acme.pk):
            if user != "held":
                Reservation.objects.owned_by(acme).filter(room__value=user).delete()
            if day:
                Room.objects.owned_by(acme).filter(value=user).update(first_day="2026-09-01")

    sweeping.tidy()

    with organization_scope(acme.pk):
        assert sorted(Room.objects.owned_by(acme).values_list("value", flat=True)) == ["held", "now"]


@pytest.mark.worker
def test_b54_what_nobody_settles_expires_and_is_swept_and_audited(acme, ask):
    blocking(acme)
    ask(estimatedCost="6")
    ask(estimatedCost="3")
    older(acme, reservations=timedelta(minutes=9, seconds=50))
    assert sweeping.sweep_due() is False
    assert room(acme).reserved == 9

    older(acme, reservations=timedelta(seconds=11))
    sweeping.sweep_due()

    assert (room(acme).reserved, room(acme).expired) == (0, 2)
    with organization_scope(acme.pk):
        lines = list(
            AuditLine.objects.filter(organization=acme, action="reservations_expired").values_list("data", flat=True)
        )
    assert lines == [{"count": 2}]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["check", "check", "event", "older", "expire"]), st.integers(0, 40), st.integers(0, 9)
        ),
        max_size=25,
    )
)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_what_is_spent_and_reserved_never_passes_the_limit(acme, alices, spend, steps):
    """Of calls that cost no more than they said. What a room says is reserved is the sum of its reservations."""
    knowing.forget()
    with organization_scope(acme.pk):
        Budget.objects.owned_by(acme).delete()
        spent = Decimal(Event.objects.owned_by(acme).aggregate(sum=Sum("amount"))["sum"] or 0)
    budget = blocking(acme, str(spent + 100))
    waiting: list[tuple[str, int]] = []
    for step, amount, which in steps:
        if step == "check":
            call = calls.read(json.dumps(CALL | {"estimatedCost": str(amount)}).encode())
            if name := checking.check(acme.pk, call, key_id=budget.pk, now=NOON).reservation:
                waiting.append((name, amount))
        elif step == "event" and waiting:
            name, most = waiting.pop(which % len(waiting))
            spend(str(min(amount, most)), NOON, customerId="globex", id=name)
        elif step == "older":
            older(acme, rooms=timedelta(seconds=which))
        elif step == "expire":
            older(acme, reservations=timedelta(minutes=11))
            waiting.clear()
        with organization_scope(acme.pk):
            for each in Room.objects.owned_by(acme):
                assert each.spent + each.reserved <= budget.amount
                assert each.reserved == sum(held.amount for held in each.reservations.all())
            total = Decimal(Event.objects.owned_by(acme).aggregate(sum=Sum("amount"))["sum"] or 0)
            assert total <= budget.amount


def test_a_check_frees_what_has_expired_before_it_refuses(acme, ask):
    blocking(acme)
    ask(estimatedCost="10")
    older(acme, rooms=timedelta(seconds=1.5), reservations=timedelta(minutes=11))

    assert ask(estimatedCost="10").status_code == 200


def test_402_says_which_budget_since_when_until_when_and_whom_to_ask(acme, alice, ask, spend):
    budget = blocking(acme)
    spend("12", customerId="globex")

    refused = ask(estimatedCost="1")

    error = refused.json()["error"]
    since = error["budgets"][0]["reachedAt"]
    assert (refused.status_code, error["code"], error["verdict"]) == (402, "budget_reached", "block")
    assert error["message"] == (
        f"The budget “Globex” is used up since {since}: $12.00 of $10.00. It begins anew at 2026-12-01T00:00:00Z. "
        f"Ask {error['ask']} for more: {error['askUrl']}"
    )
    assert error["ask"] == (alice.full_name or "an owner")
    assert error["askUrl"].endswith(f"/budgets/{budget.pk}/ask/")


def test_402_asks_for_more_of_the_value_that_is_used_up_also_before_its_first_call(acme, alices, ask):
    make.budget(acme, "10", ledger="measured", each="customer", mode="block")

    error = ask(estimatedCost="11", customerId="globex & co").json()["error"]

    assert error["askUrl"].endswith("/ask/?value=globex+%26+co")
    assert alices.get(error["askUrl"]).status_code == 200


def test_a_call_that_does_not_fit_and_calls_under_way_are_told_apart(acme, ask):
    blocking(acme)

    assert "has less left than this call may cost" in ask(estimatedCost="10.01").json()["error"]["message"]
    ask(estimatedCost="10")
    assert "reserved to its limit by calls that are under way" in ask().json()["error"]["message"]


def test_a_call_is_reserved_in_all_of_its_budgets_or_in_none(acme, ask):
    blocking(acme, "10")
    make.budget(acme, "5", name="Whole", mode="block")

    assert ask(estimatedCost="6").status_code == 402
    with organization_scope(acme.pk):
        assert not Reservation.objects.owned_by(acme).exists()
    assert ask(estimatedCost="5").status_code == 200
    with organization_scope(acme.pk):
        assert [each.amount for each in Reservation.objects.owned_by(acme)] == [5, 5]


def test_tokens_are_priced_and_a_budget_in_tokens_reserves_them(acme, ask):
    blocking(acme, "2000", unit="tokens")

    answer = ask(tokens={"input": 900, "output": 500}).json()

    assert (answer["estimate"], answer["estimatedCost"], answer["budgets"][0]["reserved"]) == (
        "priced",
        "0.000435",
        "1400",
    )
    assert ask(tokens={"input": 900}).status_code == 402


def test_a_call_that_nobody_can_price_goes_by_the_standing_alone_and_says_so(acme, ask, spend):
    blocking(acme)

    answer = ask(model="nobody-knows", tokens={"input": 9}).json()

    assert (answer["verdict"], answer["estimate"], answer["estimatedCost"]) == ("warn", "unknown", None)
    spend("10", customerId="globex")
    older(acme, rooms=timedelta(seconds=6))
    assert ask(model="nobody-knows").status_code == 402


def test_throttle_states_a_delay_that_grows_and_refuses_nothing(acme, ask, spend):
    make.budget(acme, "10", mode="throttle")
    spend("10")
    assert ask(estimatedCost="0").json()["delayMs"] == 1_000

    spend("0.55")
    older(acme, rooms=timedelta(seconds=6))
    answer = ask(estimatedCost="0").json()
    assert (answer["verdict"], answer["delayMs"], answer["budgets"][0]["delayMs"]) == ("warn", 6_000, 6_000)

    spend("90")
    older(acme, rooms=timedelta(seconds=6))
    assert ask(estimatedCost="0").json()["delayMs"] == 30_000


def test_a_budget_that_notifies_warns_and_reserves_nothing(acme, ask, spend):
    make.budget(acme, "10")
    spend("7.9")
    assert ask(estimatedCost="9").json()["verdict"] == "allow"

    spend("3")
    knowing.forget()
    answer = ask(estimatedCost="9").json()

    assert (answer["verdict"], answer["budgets"][0]["state"], "reservationId" in answer) == ("warn", "reached", False)


def test_what_is_known_is_read_anew_before_it_is_too_old_and_nobody_else_waits_for_it(acme, ask, spend):
    make.budget(acme, "10")
    ask(estimatedCost="9")
    before = knowing.known_of(acme.pk, NOON)
    spend("3")
    before.at -= knowing.RENEWED_AT + 1

    with knowing.turn(name_within(acme.pk, "check")).taken():
        assert knowing.known_of(acme.pk, NOON) is before
    after = knowing.known_of(acme.pk, timezone.now())

    assert after is not before
    assert (list(before.spent.values()), list(after.spent.values())) == ([0], [3])


def test_a_budget_of_each_value_is_held_for_each_alone(acme, ask):
    make.budget(acme, "10", mode="block", ledger="measured", each="user")

    assert ask(estimatedCost="10", userId="june").status_code == 200
    assert ask(estimatedCost="10", userId="june").status_code == 402
    assert ask(estimatedCost="10", userId="july").status_code == 200
    assert ask(estimatedCost="11").json()["budgets"] == []


@pytest.mark.parametrize(
    ("first", "second"),
    [(LESSER, GREATER), (GREATER, LESSER), ("a\x1fb", "a\ufffdb")],
    ids=["lesser", "greater", "cut"],
)
def test_a_name_that_is_added_up_with_another_has_no_room_of_its_own(first, second, acme, ask, spend):
    """Two that were made to have one hash."""
    make.budget(acme, "10", mode="block", ledger="measured", each="customer")
    for name in (first, second):
        spend("4", NOON, customerId=name)
        assert ask(customerId=name, estimatedCost="1").status_code == 200
    older(acme, rooms=timedelta(seconds=6), reservations=timedelta(hours=1))

    assert [ask(customerId=name, estimatedCost="3").status_code for name in (first, second)] == [402, 402]


def test_whoever_is_refused_is_led_to_ask_for_that_value(acme, ask):
    budget = make.budget(acme, "10", mode="block", ledger="measured", each="user")

    error = ask(estimatedCost="11", userId="june & co").json()["error"]

    assert error["askUrl"].endswith(f"/budgets/{budget.pk}/ask/?value=june+%26+co")


def test_the_sentence_of_a_refusal_calls_a_value_by_its_name(acme, ask):
    make.budget(acme, "10", mode="block", ledger="measured", each="user")
    named(acme, "user", "u-4711", "June Miller")

    error = ask(estimatedCost="11", userId="u-4711").json()["error"]

    assert "The budget “Monthly budget” of June Miller has less left" in error["message"]
    assert error["budgets"][0]["value"] == "u-4711"


def test_a_prompt_over_the_organizations_limit_is_refused(acme, alice, ask):
    with organization_scope(acme.pk):
        PromptLimit.objects.create(organization=acme, tokens=1_000, changed_by=alice, changed_at=NOON)

    assert ask(tokens={"input": 900, "cacheRead": 100, "output": 5_000}).status_code == 200
    refused = ask(tokens={"input": 1_001})
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "prompt_too_long")
    assert "1,000 tokens" in refused.json()["error"]["message"]


def test_a_key_of_another_organization_neither_sees_nor_reserves(acme, elsewhere, ask):
    blocking(acme)
    other = issued(elsewhere).clear

    answer = asked(other, CALL | {"estimatedCost": "10", "id": "call 1"}).json()

    assert (answer["verdict"], answer["budgets"]) == ("allow", [])
    assert ask(estimatedCost="10", id="call 1").json()["budgets"][0]["reserved"] == "10.00"


def test_amounts_are_told_to_keys_that_may_read(acme, spend):
    blocking(acme)
    spend("12", customerId="globex")

    refused = asked(issued(acme, "ingest").clear, CALL).content.decode()

    assert asked(issued(acme, "read").clear, CALL).status_code == 403
    assert "is used up since" in refused
    assert not any(word in refused for word in ("12.00", "spent", '"limit"', "$"))


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ("{", 400, None),
        ("[]", 422, "body"),
        ({"model": "gpt-5"}, 422, "provider"),
        (CALL | {"organization": "elsewhere"}, 422, "organization"),
        (CALL | {"estimatedCost": "-1"}, 422, "estimatedCost"),
        (CALL | {"estimatedCost": "NaN"}, 422, "estimatedCost"),
        (CALL | {"estimatedCost": "1e400000"}, 422, "estimatedCost"),
        (CALL | {"tokens": {"input": -1}}, 422, "tokens.input"),
        (CALL | {"customerId": "\0"}, 422, None),
        (CALL | {"userId": "x" * 70_000}, 413, None),
    ],
)  # fmt: skip
def test_a_wrong_body_is_refused_with_its_field(acme, body, status, field):
    answer = asked(issued(acme).clear, body)

    assert answer.status_code == status, answer.content
    assert field is None or list(answer.json()["error"]["fields"]) == [field]


def test_calls_are_counted_before_the_bill_comes(acme, ask, spend):
    """A connection covers the provider's day: what counts is its bill, which says nothing yet."""
    connection = make.connection(acme)
    make.spend(acme, connection, "1", days_ago=0)
    make.budget(acme, "10", mode="block")

    spend("9")
    assert ask(estimatedCost="2").status_code == 402
    assert ask(estimatedCost="1").status_code == 200
    assert Decimal(ask(estimatedCost="0").json()["error"]["budgets"][0]["spent"]) == 9


def test_a_changed_budget_holds_for_the_next_check(acme, ask):
    budget = blocking(acme)
    assert ask(estimatedCost="11").status_code == 402
    with organization_scope(acme.pk):
        Budget.objects.owned_by(acme).filter(pk=budget.pk).update(amount=12)
    knowing.forget()

    assert ask(estimatedCost="11").status_code == 200
