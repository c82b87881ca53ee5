"""Work that nobody looks at goes in turns while a page is made, and only then."""

import subprocess
import sys
import threading

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from tests.product import ROOT, wait_for
from tokentra.lib import pages_first
from tokentra.middleware import PagesFirst

PAGE = "from tokentra.lib import pages_first as own; own._place = lambda: {place!r}\n"
PAGE += "with own.being_made(): print('made', flush=True); input()"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Of this test alone; no more than one has its turn, and waits for it as long as a test may take."""
    place = tmp_path / "pages"
    monkeypatch.setattr(pages_first, "_place", lambda: str(place))
    monkeypatch.setattr(pages_first, "_turns", threading.BoundedSemaphore(1))
    monkeypatch.setattr(pages_first, "LONGEST", 30.0)
    return place


def second_comes(within: float) -> bool:
    """While a first one is at work."""
    begun = threading.Event()

    def second() -> None:
        with pages_first.giving_way():
            begun.set()

    thread = threading.Thread(target=second)
    with pages_first.giving_way():
        thread.start()
        came = begun.wait(within)
    thread.join()
    assert begun.is_set()
    return came


def test_while_no_page_is_made_all_go_at_once():
    assert second_comes(30)


def test_while_a_page_is_made_one_goes_after_the_other():
    with pages_first.being_made():
        assert not second_comes(0.2)
    assert second_comes(30)


def test_nobody_waits_longer_than_a_moment(monkeypatch):
    monkeypatch.setattr(pages_first, "LONGEST", 0.01)
    with pages_first.being_made():
        assert second_comes(30)
        assert pages_first._turns.acquire(blocking=False)  # who had none gives none back


def test_a_turn_ends_with_its_work_however_that_ends():
    with pages_first.being_made():
        with pytest.raises(ZeroDivisionError), pages_first.giving_way():
            raise ZeroDivisionError
        assert pages_first._turns.acquire(blocking=False)


def test_a_page_ends_with_its_last_reader():
    with pages_first.being_made():
        with pages_first.being_made():
            assert pages_first.is_one_made()
        assert pages_first.is_one_made()
    assert not pages_first.is_one_made()


def test_a_page_of_another_process_ends_with_that(place):
    with subprocess.Popen(
        [sys.executable, "-c", PAGE.format(place=str(place))],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout
        assert other.stdout.readline() == "made\n"
        assert pages_first.is_one_made()
        other.kill()
        wait_for(lambda: not pages_first.is_one_made(), 30, "the page is over")


@pytest.mark.parametrize("why", ["no directory", "a link of somebody's"])
def test_where_no_file_can_be_had_pages_are_made_and_nobody_waits(why, place, tmp_path, monkeypatch):
    if why == "no directory":
        monkeypatch.setattr(pages_first, "_place", lambda: str(tmp_path / "none" / "pages"))
    else:
        place.symlink_to(tmp_path / "theirs")
    with pages_first.being_made():
        assert second_comes(30)
    assert not (tmp_path / "theirs").exists()


@pytest.mark.parametrize(("method", "is_made"), [("GET", True), ("POST", False)])
def test_what_is_read_is_a_page(method, is_made):
    said = []

    def view(request):
        said.append(pages_first.is_one_made())
        return HttpResponse()

    PagesFirst(view)(RequestFactory().generic(method, "/dashboard/"))

    assert (said, pages_first.is_one_made()) == ([is_made], False)
