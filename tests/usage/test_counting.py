from datetime import UTC, date, datetime

import pytest

from usage.counting import Counted, State, decide, is_revision, with_counterpart

DAY = date(2026, 11, 10)


def read(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("bill_read_at", "counted", "state"),
    [
        (None, Counted.USAGE, State.OPEN),
        (read(10, 23), Counted.USAGE, State.OPEN),
        (read(11, 23, 59), Counted.USAGE, State.OPEN),
        (read(12), Counted.BILL, State.PROVISIONAL),
        (read(13, 23, 59), Counted.BILL, State.PROVISIONAL),
        (read(14), Counted.BILL, State.SETTLED),
    ],
)
def test_the_bill_counts_a_day_after_its_day_and_is_settled_after_three(bill_read_at, counted, state):
    decision = decide(DAY, bill_read_at=bill_read_at)

    assert (decision.counted, decision.state) == (counted, state)


@pytest.mark.parametrize(("read_before_at", "is_one"), [(read(10, 23, 59), False), (read(11), True)])
def test_a_change_is_a_revision_when_the_day_was_over_at_the_last_reading(read_before_at, is_one):
    assert is_revision(DAY, read_before_at=read_before_at) is is_one


@pytest.mark.parametrize(
    ("billed", "used", "is_paired"),
    [
        ("gpt-5-mini-2025-08-07", "gpt-5-mini-2025-08-07", True),
        ("gpt-5-mini", "gpt-5-mini-2025-08-07", True),
        ("gpt-5-mini-2025-08-07", "gpt-5-mini", True),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001", True),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06", False),
        ("gpt-5", "gpt-5-mini-2025-08-07", False),
        ("ft-gpt-4o-mini-2024-07-18", "ft:gpt-4o-mini-2024-07-18:acme::a1", True),
        ("ft-gpt-4o-mini", "ft:gpt-4o-mini-2024-07-18:acme::a1", True),
        ("gpt-4o-mini-2024-07-18", "ft:gpt-4o-mini-2024-07-18:acme::a1", False),
        ("ft-gpt-4o-mini-2024-07-18", "gpt-4o-mini-2024-07-18", False),
        ("gpt-image-1", "", False),
    ],
)
def test_bills_and_usage_spell_models_differently(billed, used, is_paired):
    assert with_counterpart([billed], [used]) == ({billed} if is_paired else set())
