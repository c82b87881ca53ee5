from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F, Q, Sum
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.usage.accounts_of import (
    DAY,
    FULL,
    MINI,
    TOTAL,
    Account,
    at,
    billed,
    from_each_rollup,
    spent,
    tokens,
    used,
)
from tokentra.lib.tenancy import organization_scope
from usage import ingest, rollup, tasks
from usage.audit import Audit
from usage.counting import with_counterpart
from usage.models import DayDimension, DayRollup, HourRollup, LedgerDay, UsageRecord
from usage.rows import Tokens

pytestmark = pytest.mark.django_db

DAYS = [DAY + timedelta(days=n) for n in range(3)]
NOON = at(DAY, 12)

models = st.sampled_from([MINI, FULL, "gpt-7", "ft:gpt-4o-mini-2024-07-18:acme::a1"])
usage_rows = st.builds(
    used,
    models,
    day=st.sampled_from(DAYS),
    hour=st.integers(0, 23),
    project=st.sampled_from(["", "proj_1", "proj_2"]),
    api_key=st.sampled_from(["", "key_1"]),
    service_tier=st.sampled_from(["default", "flex", "warp"]),
    batch=st.booleans(),
    tokens=st.builds(Tokens, st.integers(0, 10**13), output=st.integers(0, 10**6)),
    requests=st.one_of(st.none(), st.integers(0, 10**6)),
)
amounts = st.decimals("-1000", "1000000", places=18).map(str)
bill_rows = st.builds(
    billed,
    amounts,
    st.sampled_from([MINI, "gpt-5", "gpt-image-1", "ft-gpt-4o-mini", ""]),
    day=st.sampled_from(DAYS),
    project=st.sampled_from(["", "proj_1"]),
    line_item=st.sampled_from(["input", "output", "searches"]),
    currency=st.sampled_from(["USD", "EUR"]),
)
readings = st.lists(
    st.one_of(
        st.tuples(st.just("reads_usage"), st.lists(usage_rows, max_size=8), st.integers(12, 180)),
        st.tuples(st.just("reads_bill"), st.lists(bill_rows, max_size=8), st.integers(12, 180)),
    ),
    min_size=1,
    max_size=5,
)


def by_hand(organization_id) -> dict[str, Decimal]:
    """What counts by currency, added up row by row with the rules alone."""
    counted = {day.day: day.counted for day in LedgerDay.objects.filter(organization_id=organization_id)}
    rows = list(UsageRecord.objects.filter(organization_id=organization_id))
    in_use = defaultdict(set)
    for row in rows:
        if row.ledger == "usage" and (row.input or row.output):
            in_use[row.day].add(row.model)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        has_usage = bool(with_counterpart([row.model], in_use[row.day])) if row.model else False
        stands_alone = row.kind == "unit" or not has_usage
        counts = {
            ("usage", "usage"): True,
            ("usage", "bill"): False,
            ("billed", "bill"): True,
            ("billed", "usage"): stands_alone,
        }[row.ledger, counted[row.day]]
        if counts:
            sums[row.currency] += row.amount or 0
    return sums


@settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking would write to the database for minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(readings)
def test_totals_equal_their_rows_to_the_last_digit_whatever_was_read(in_acme, history):
    account = Account(in_acme)
    for what, rows, hours in sorted(history, key=lambda reading: reading[2]):
        getattr(account, what)(*rows, days=3, now=at(DAY) + timedelta(hours=hours), believe_empty=True)

    expected = by_hand(in_acme)
    assert spent(in_acme) == expected["USD"]
    assert spent(in_acme, "EUR") == expected["EUR"]
    assert tokens(in_acme) == (UsageRecord.objects.filter(ledger="usage").aggregate(n=Sum("input"))["n"] or 0)
    assert rollup.mismatches(in_acme, account.connection_id, DAYS) == {}
    ingest.forget_connection(in_acme, account.connection_id)


def filled(organization_id) -> Account:
    account = Account(organization_id)
    rows = [used(day=day, hour=hour, project=f"proj_{hour % 3}") for day in DAYS for hour in range(0, 24, 5)]
    account.reads_usage(*rows, days=3, now=at(DAY, days=3))
    account.reads_bill(billed("1.11"), billed("2.22", ""), days=3, now=at(DAY, days=3))
    return account


def everything() -> list[list[Any]]:
    return [
        list(model.objects.order_by(*[f.name for f in model._meta.concrete_fields if f.name != "pk"]).values())
        for model in (HourRollup, DayDimension, DayRollup)
    ]


def test_making_rollups_anew_gives_what_writing_gave(in_acme):
    account = filled(in_acme)
    before = everything()

    rollup.rebuild(in_acme, account.connection_id, DAYS)

    assert everything() == before
    assert all(before)


def test_every_rollup_gives_the_same_sums(in_acme):
    account = filled(in_acme)
    account.reads_usage(used("gpt-7", day=DAYS[2]), used(FULL, day=DAYS[2], hour=1), start=DAYS[2], now=at(DAY, days=4))

    sums = from_each_rollup(
        in_acme,
        all=TOTAL,
        requests=Sum("requests"),
        unpriced=Sum("unpriced_tokens", filter=Q(counted=True)),
        billed=Sum("amount", filter=Q(ledger="billed")),
    )

    assert sums == {"all": 12_000_000, "requests": 12, "unpriced": 1_000_000, "billed": Decimal("3.33")}


@pytest.mark.parametrize("model", [HourRollup, DayDimension, DayRollup])
@pytest.mark.parametrize(
    "harm",
    [
        lambda rows: rows.update(amount=F("amount") + Decimal("1e-18")),
        lambda rows: rows.update(counted=False),
        lambda rows: rows.update(input=F("input") + 1),
        lambda rows: rows.delete(),
    ],
    ids=["one digit", "not counted", "one token", "gone"],
)
def test_c6_the_audit_finds_and_mends_any_difference(in_acme, model, harm):
    account = filled(in_acme)
    before = everything()
    of_day = {"hour__lt": at(DAY, days=1)} if model is HourRollup else {"day": DAY}
    harm(model.objects.filter(counted=True, **of_day))

    found = list(Audit(in_acme, fix=True).run())

    assert {(wrong.connection_id, wrong.day) for wrong in found} == {(account.connection_id, DAY)}
    assert everything() == before
    assert list(Audit(in_acme).run()) == []


def test_the_audit_finds_rollups_without_any_rows(in_acme):
    account = filled(in_acme)
    UsageRecord.objects.filter(day=DAY).delete()
    LedgerDay.objects.filter(day=DAY).delete()

    assert [wrong.day for wrong in Audit(in_acme, fix=True).run()] == [DAY]
    assert not DayRollup.objects.filter(connection_id=account.connection_id, day=DAY).exists()


def test_the_audit_looks_at_as_many_days_as_asked(in_acme):
    filled(in_acme)
    audit = Audit(in_acme)

    assert list(audit.run(sample=2)) == []
    assert audit.days == 2


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_the_audit_command_ends_with_1_until_it_is_told_to_mend(acme, capsys):
    with organization_scope(acme.pk):
        filled(acme.pk)
        DayRollup.objects.filter(day=DAY).update(amount=0)

    with pytest.raises(SystemExit) as ended:
        call_command("audit_rollups", org=acme.slug)
    call_command("audit_rollups", org=acme.slug, fix=True)
    call_command("audit_rollups")

    assert ended.value.code == 1
    assert f"{DAY}: 5 in usage_dayrollup" in capsys.readouterr().out


@pytest.mark.worker
def test_the_audit_command_knows_its_organizations(acme):
    with pytest.raises(CommandError, match="no organization nobody"):
        call_command("audit_rollups", org="nobody")


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_the_nightly_audit_reports_what_differs(acme, caplog):
    with organization_scope(acme.pk):
        filled(acme.pk)
        DayRollup.objects.all().update(amount=0)

    tasks.audit_organization(str(acme.pk))

    assert [record.levelname for record in caplog.records] == ["ERROR"] * 3
