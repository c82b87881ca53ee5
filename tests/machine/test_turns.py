"""Senders take turns: B39 as a rule. What each case says is who comes and who ends, in this order."""

import pytest

from tokentra.machine.turns import Turns


def begun(turns):
    """Whoever may begin now does."""
    found = []
    while each := turns.next():
        found.append(each[1])
    return found


def coming(turns, names):
    for name in names.split():
        turns.come(name[0], name)


def ended(turns, name):
    turns.end(name[0])
    return begun(turns)


def test_b39_one_sender_never_holds_the_last_place():
    turns = Turns(4)
    coming(turns, "a1 a2 a3 a4 a5")
    assert begun(turns) == ["a1", "a2", "a3"]

    coming(turns, "b1")

    assert begun(turns) == ["b1"]


def test_b39_whoever_comes_after_a_flood_is_next():
    turns = Turns(3)
    coming(turns, " ".join(f"a{n}" for n in range(1, 101)) + " c1 c2 c3")
    assert begun(turns) == ["a1", "c1", "a2"]
    coming(turns, "b1 b2")

    assert ended(turns, "a1") == ["b1"]
    assert ended(turns, "b1") == ["b2"]  # nobody else holds fewer places
    assert ended(turns, "b2") == ["c2"]


def test_senders_who_hold_as_much_take_turns():
    turns = Turns(2)
    coming(turns, "a1 a2 a3 b1 b2 c1")

    order = begun(turns)
    for name in order:  # each ends in its turn
        order += ended(turns, name)

    assert order == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_a_single_place_is_anybodys():
    turns = Turns(1)
    coming(turns, "a1 a2")

    assert begun(turns) == ["a1"]
    assert ended(turns, "a1") == ["a2"]


@pytest.mark.parametrize("places", [1, 2, 5])
def test_everybody_has_their_turn_and_nothing_is_kept_of_them(places):
    turns = Turns(places)
    coming(turns, " ".join(f"{sender}{n}" for n in range(9) for sender in "abcd"))

    order = begun(turns)
    for name in order:
        order += ended(turns, name)

    assert len(order) == len(set(order)) == 36
    assert (turns._waiting, dict(turns._held)) == ({}, {})


def test_there_is_room_while_nobody_waits_and_a_place_is_free():
    turns = Turns(2)
    seen = [turns.has_room]
    for number in range(2):
        turns.come("a", number)
    seen.append(turns.has_room)  # both wait
    turns.next()
    seen.append(turns.has_room)  # one of them waits, since the last place is not theirs
    turns.end("a")
    turns.next()
    seen.append(turns.has_room)  # nobody waits
    turns.come("b", 0)
    turns.next()

    assert [*seen, turns.has_room] == [True, False, False, True, False]
