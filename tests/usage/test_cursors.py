"""A cursor is taken by the question that it was made for, and by nobody but us."""

import base64
import json

import pytest

from usage.cursors import Foreign, opened, sealed

QUESTION = ["customer", "2026-01-01", "-cost"]


def test_it_brings_a_position_back():
    assert opened(QUESTION, sealed(QUESTION, ["1.50", 7, True, "ümlaut\x1f"])) == ["1.50", 7, True, "ümlaut\x1f"]
    assert opened(QUESTION, "") == []


@pytest.mark.parametrize("other", [[], ["customer"], [*QUESTION, "more"], ["agent", "2026-01-01", "-cost"]])
def test_another_question_refuses_it(other):
    with pytest.raises(Foreign):
        opened(other, sealed(QUESTION, ["1.50", "c1"]))


@pytest.mark.parametrize("position", [["1e999999", "c"], ["NaN", "\ud800"], ["1.50", "c2"], [], "text", None, 7])
def test_a_position_that_somebody_wrote_is_refused(position):
    """Numbers and texts that the database cannot hold would end in an error of ours."""
    cursor = sealed(QUESTION, ["1.50", "c1"])
    seal, _ = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))

    for written in (json.dumps(position), position):
        forged = base64.urlsafe_b64encode(json.dumps([seal, written]).encode()).decode().rstrip("=")
        with pytest.raises(Foreign):
            opened(QUESTION, forged)


def test_another_installation_refuses_it(settings):
    cursor = sealed(QUESTION, ["1.50", "c1"])
    settings.SECRET_KEY = "another" * 10

    with pytest.raises(Foreign):
        opened(QUESTION, cursor)
