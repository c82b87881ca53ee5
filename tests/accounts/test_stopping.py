"""Letters with the next step end by one click, without a login, for the person of the link and for nobody else."""

from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.signing import Signer
from django.test import Client

from accounts import letters, outbox, stopping
from accounts.delivery import claim, deliver_due, failed
from accounts.mailed import OutboxMail
from accounts.models import User
from tests import make
from tests.accounts.test_mail import Mailbox, server
from tests.conftest import Browser

__all__ = ["server"]

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def wants(user: User) -> bool:
    return User.objects.get(pk=user.pk).wants_guidance_mail


def path_for(user: User) -> str:
    return urlsplit(stopping.url_for(user)).path


def words(answer: object) -> str:
    return " ".join(answer.content.decode().split())


def test_opening_the_link_changes_nothing_because_programs_that_check_mail_open_links(alice):
    answer = Client().get(path_for(alice))

    assert answer.status_code == 200
    assert "Stop these letters" in words(answer)
    assert wants(alice)
    assert Client().head(path_for(alice)).status_code == 200
    assert wants(alice)


def test_a_mail_program_stops_the_letters_with_one_post_and_no_cookie(alice, mallory):
    answer = Client(enforce_csrf_checks=True).post(path_for(alice), ONE_CLICK)

    assert answer.status_code == 200
    assert not wants(alice)
    assert wants(mallory)
    assert Client(enforce_csrf_checks=True).post(path_for(alice), ONE_CLICK).status_code == 200


def test_the_page_says_what_is_switched_off_and_takes_it_back(alice):
    page = Client().post(path_for(alice), follow=True)
    assert "No more letters with the next step" in words(page)
    assert "notices about your account still come" in words(page)

    page = Client().post(f"{path_for(alice)}again/", follow=True)

    assert f"{alice.email} gets them again" in words(page)
    assert wants(alice)


def test_the_link_holds_for_years(alice):
    link = path_for(alice)
    with time_machine.travel("2036-01-01"):
        Client().post(link)

    assert not wants(alice)


def forged(alice: User) -> str:
    return f"{alice.pk.hex}.{'x' * 43}"


def of_another_purpose(alice: User) -> str:
    return Signer(salt="accounts.arrival", sep=".").sign(alice.pk.hex)


def cut_short(alice: User) -> str:
    return path_for(alice).split("/")[2][:-1]


def of_nobody(alice: User) -> str:
    return Signer(salt=stopping.SALT, sep=".").sign("0" * 32)


@pytest.mark.parametrize("token", [forged, of_another_purpose, cut_short, of_nobody, lambda _: "x"])
def test_a_link_that_we_did_not_sign_for_this_stops_nothing(alice, token):
    path = f"/letters/{token(alice)}/"

    assert Client().post(path, ONE_CLICK).status_code == 404
    assert Client().post(f"{path}again/").status_code == 404
    page = Client().get(path)

    assert page.status_code == 404
    assert "This link is not complete" in words(page)
    assert alice.email not in words(page)
    assert wants(alice)


def test_the_settings_have_the_same_switch(alice, acme):
    browser = Browser(alice)
    assert "Stop these letters" in words(browser.get("/settings/profile/"))

    assert browser.post("/settings/profile/letters/")["Location"] == "/settings/profile/"
    assert not wants(alice)
    assert "Send them again" in words(browser.get("/settings/profile/"))
    browser.post("/settings/profile/", {"full_name": "Alice"})
    assert not wants(alice)

    browser.post("/settings/profile/letters/", {"wants": "yes"})
    assert wants(alice)


def test_the_switch_in_the_settings_is_for_who_is_logged_in(alice):
    assert Client().post("/settings/profile/letters/")["Location"].startswith("/login/")
    assert Browser(alice, enforce_csrf_checks=True).post("/settings/profile/letters/").status_code == 403
    assert wants(alice)


@pytest.mark.worker
def test_b9_the_letter_carries_the_headers_of_rfc_8058_and_other_mail_does_not(server: Mailbox, alice, acme):
    letters.guide("no_provider", alice, {"organization": acme, "url": "https://x.example/", "connections": []})
    letters.welcome(alice, acme, held=False, invited=False)

    assert deliver_due() == 2

    guidance, welcome = server.messages
    assert guidance["List-Unsubscribe"].strip() == f"<{stopping.url_for(alice)}>"
    assert guidance["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert stopping.url_for(alice) in guidance.get_body(("plain",)).get_content()
    assert stopping.url_for(alice) in guidance.get_body(("html",)).get_content()
    assert welcome["List-Unsubscribe"] is welcome["List-Unsubscribe-Post"] is None


@pytest.mark.worker
def test_a_letter_that_still_waits_for_the_server_is_stopped_too(server: Mailbox, alice, acme):
    letters.guide("no_provider", alice, {"organization": acme, "url": "https://x.example/", "connections": []})
    outbox.put(alice.email, "Your TokenTra code is 123456", "123456")

    Client().post(path_for(alice), ONE_CLICK)

    assert deliver_due() == 1
    assert server.messages[0]["Subject"] == "Your TokenTra code is 123456"
    stopped = OutboxMail.objects.get(kind="no_provider")
    assert (stopped.state, stopped.problem) == ("withdrawn", "The person has switched these letters off.")


@pytest.mark.worker
def test_a_try_that_fails_just_then_does_not_bring_a_stopped_letter_back(server: Mailbox, alice, acme):
    letters.guide("no_provider", alice, {"organization": acme, "url": "https://x.example/", "connections": []})
    in_hand = claim()

    stopping.stop(alice)
    failed(in_hand, OSError("away"))

    stopped = OutboxMail.objects.get()
    assert (stopped.state, stopped.next_try_at) == ("withdrawn", None)


@pytest.mark.django_db(transaction=True)
def test_in_a_browser_the_link_itself_is_the_one_click(live_server, page, settings):
    settings.SITE_URL = live_server.url
    alice = make.user("alice@acme.example")

    page.goto(stopping.url_for(alice))
    page.get_by_role("heading", name="No more letters with the next step").wait_for()
    assert not wants(alice)

    page.get_by_role("button", name="Undo").click()
    page.get_by_text("gets them again").wait_for()
    assert wants(alice)

    page.go_back()
    page.wait_for_load_state()
    assert wants(alice)
