"""Login, passwords, sessions and what abuse of them gets."""

import re
from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.core.cache import cache, caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.mailed import OutboxMail
from accounts.models import AuditLine, User
from tests import make
from tests.accounts.conftest import events_of, home_of
from tests.accounts.hashing import Counted
from tests.accounts.timing import apart
from tests.conftest import Browser
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

OTHER = "another horse battery"


def log_in(email: str, password: str = PASSWORD, *, path: str = "/login/", client: Client | None = None):
    browser = client or Client()
    return browser, browser.post(path, {"login": email, "password": password})


def change_address(browser: Client, email: str) -> None:
    """As a person does it: the password is asked for once more, then the code is sent."""
    form = {"email": email, "action_add": "1"}
    asked = browser.post("/email/", form)["Location"]
    if asked.startswith("/reauthenticate/"):
        asked = browser.post(asked, {"password": PASSWORD})["Location"]
    assert asked == "/confirm-email/"


def link_sent_to(address: str) -> str:
    text = OutboxMail.objects.filter(to=address).latest("created_at").text
    found = re.search(r"http://[^/]+(/password/reset/key/\S+)", text)
    assert found
    return found.group(1)


def test_a_person_logs_in_and_out(alice, acme):
    browser, answer = log_in("Alice@ACME.example")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert browser.get("/settings/profile/").status_code == 200

    assert browser.post("/logout/")["Location"] == "/login/"

    assert browser.get("/settings/profile/")["Location"].startswith("/login/")


def test_a_wrong_form_is_drawn_again_with_422(alice):
    answers = {
        "/login/": {"login": alice.email, "password": "wrong horse"},
        "/signup/": {"email": "no address", "password1": PASSWORD},
        "/password/reset/": {"email": "no address"},
    }

    assert {path: Client().post(path, form).status_code for path, form in answers.items()} == dict.fromkeys(
        answers, 422
    )


# B1


def test_b1_sign_up_shows_a_known_and_a_new_address_the_same_pages(mandatory, alice):
    new, known = Client(), Client()
    answers = [
        client.post("/signup/", {"email": email, "password1": PASSWORD})
        for client, email in ((new, "dana@acme.example"), (known, alice.email))
    ]
    assert [(a.status_code, a["Location"]) for a in answers] == [(302, "/confirm-email/")] * 2

    pages = [client.get("/confirm-email/").content.decode() for client in (new, known)]

    assert plain(pages[0], "dana@acme.example") == plain(pages[1], alice.email)
    wrong = [client.post("/confirm-email/", {"code": "000000"}) for client in (new, known)]
    assert [w.status_code for w in wrong] == [422, 422]
    assert plain(wrong[0].content.decode(), "dana@acme.example") == plain(wrong[1].content.decode(), alice.email)
    assert OutboxMail.objects.get(to=alice.email).subject == "You already have a TokenTra account"
    assert User.objects.filter(email=alice.email).count() == 1


def plain(page: str, address: str) -> str:
    page = page.replace(address, "ADDRESS")
    return re.sub(r'(value|X-CSRFToken)"?[:=]"[A-Za-z0-9]{64}"', "TOKEN", page)


def test_b1_a_reset_shows_a_known_and_an_unknown_address_the_same_page(alice):
    answers = [Client().post("/password/reset/", {"email": email}) for email in (alice.email, "nobody@acme.example")]

    assert [(a.status_code, a["Location"]) for a in answers] == [(302, "/password/reset/done/")] * 2
    subjects = {mail.to: mail.subject for mail in OutboxMail.objects.all()}
    assert subjects == {
        alice.email: "Choose a new TokenTra password",
        "nobody@acme.example": "There is no TokenTra account with this address",
    }


DOORS = {
    "sign-up": lambda email: ("/signup/", {"email": email, "password1": PASSWORD}),
    "reset": lambda email: ("/password/reset/", {"email": email}),
    "login": lambda email: ("/login/", {"login": email, "password": "wrong horse"}),
}


@pytest.mark.parametrize("door", DOORS)
def test_b1_known_and_unknown_addresses_take_equally_long(mandatory, alice, settings, door: str):
    settings.PASSWORD_HASHERS = ["tests.accounts.hashing.TenthOfTheWork"]
    alice.set_password(PASSWORD)
    alice.save()

    assert apart(lambda client, email: client.post(*DOORS[door](email)), alice.email) < 1


@pytest.mark.parametrize("door", DOORS)
def test_b1_known_and_unknown_addresses_hash_and_ask_the_database_equally_often(mandatory, alice, settings, door: str):
    settings.PASSWORD_HASHERS = ["tests.accounts.hashing.Counted"]
    alice.set_password(PASSWORD)
    alice.save()

    def work(email: str) -> tuple[int, int]:
        cache.clear()
        Counted.times = 0
        path, form = DOORS[door](email)
        with CaptureQueriesContext(connection) as queries:
            Client().post(path, form)
        return Counted.times, len(queries)

    (known_hashes, known_queries), (hashes, queries) = work(alice.email), work("new@acme.example")

    assert known_hashes == hashes
    assert abs(known_queries - queries) <= 1


# B2


def test_b2_guessing_at_one_account_ends_in_429_and_leaves_sessions_alone(alice, acme):
    at_work = Browser(alice)
    answers = [log_in(alice.email, "wrong horse")[1] for _ in range(6)]

    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 300
    assert answers[-1]["RateLimit-Remaining"] == "0"
    assert "Too many wrong attempts" in answers[-1].content.decode()
    assert log_in(alice.email)[1].status_code == 429
    assert at_work.get("/settings/profile/").status_code == 200


def test_b2_one_address_guessing_at_many_accounts_ends_in_429(db):
    answers = [log_in(f"person{number}@acme.example", "wrong horse")[1] for number in range(11)]

    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 60


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/signup/", lambda n: {"email": f"p{n}@acme.example", "password1": PASSWORD}),
        ("/password/reset/", lambda n: {"email": f"p{n}@acme.example"}),
    ],
)
def test_b2_floods_of_sign_ups_and_resets_end_in_429(db, settings, path, form):
    settings.ACCOUNT_RATE_LIMITS = {"signup": "3/m/ip", "reset_password": "3/m/ip"}

    answers = [Client().post(path, form(number)) for number in range(4)]

    assert [answer.status_code for answer in answers] == [302, 302, 302, 429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 60


# B3


def test_b3_a_session_planted_before_login_is_not_the_one_after(alice, acme):
    browser = Client()
    browser.get("/login/")
    session = browser.session
    session["planted"] = True
    session.save()
    planted = session.session_key

    log_in(alice.email, client=browser)

    assert browser.session.session_key != planted
    after_login = browser.session.session_key
    browser.post("/logout/")
    assert browser.session.session_key != after_login


def test_b3_a_changed_password_ends_every_other_session(alice, acme):
    here, _ = log_in(alice.email)
    there, _ = log_in(alice.email)
    before = here.session.session_key

    form = {"oldpassword": PASSWORD, "password1": OTHER, "password2": OTHER}
    answer = here.post("/settings/security/", form)

    assert (answer.status_code, answer["Location"]) == (302, "/settings/security/")
    assert here.session.session_key != before
    assert here.get("/settings/profile/").status_code == 200
    assert there.get("/settings/profile/").status_code == 302
    with organization_scope(acme.pk):
        assert AuditLine.objects.owned_by(acme).filter(action="password_changed").count() == 1
    assert OutboxMail.objects.filter(to=alice.email, subject__contains="was changed").exists()


def test_b3_a_changed_address_ends_every_other_session(alice, acme, code_sent_to):
    here, _ = log_in(alice.email)
    there, _ = log_in(alice.email)
    before = here.session.session_key

    change_address(here, "alice@ames.example")
    assert User.objects.get(pk=alice.pk).email == "alice@acme.example"
    here.post("/confirm-email/", {"code": code_sent_to("alice@ames.example")})

    assert User.objects.get(pk=alice.pk).email == "alice@ames.example"
    assert list(EmailAddress.objects.filter(user=alice).values_list("email", "verified")) == [
        ("alice@ames.example", True)
    ]
    assert here.session.session_key != before
    assert here.get("/settings/profile/").status_code == 200
    assert there.get("/settings/profile/").status_code == 302
    assert OutboxMail.objects.filter(to="alice@acme.example", subject__contains="was changed").exists()


def test_b3_somebody_who_was_removed_sees_nothing_at_the_next_request(acme, bob):
    browser, _ = log_in(bob.email)
    assert browser.get("/dashboard/").status_code == 200

    with organization_scope(acme.pk):
        bob.memberships.all().delete()

    assert browser.get("/settings/organization/")["Location"] == "/organizations/none/"
    assert browser.get("/organizations/none/").status_code == 200


def test_sessions_are_listed_and_one_can_be_ended(alice, acme, bob):
    here, _ = log_in(alice.email)
    there = Client(headers={"User-Agent": "Firefox on a train"})
    log_in(alice.email, client=there)
    page = here.get("/settings/security/").content.decode()
    assert "Firefox on a train" in page
    assert "This session" in page
    found = re.findall(r"/settings/security/sessions/(\d+)/end/", page)
    assert len(found) == 1

    assert log_in(bob.email)[0].post(f"/settings/security/sessions/{found[0]}/end/").status_code == 404
    assert here.post(f"/settings/security/sessions/{found[0]}/end/").status_code == 302

    assert there.get("/settings/profile/").status_code == 302
    assert here.get("/settings/profile/").status_code == 200


def test_a_session_in_steady_use_is_noted_once_in_five_minutes_and_a_new_place_at_once(alice, acme):
    browser = log_in(alice.email, client=Client(headers={"User-Agent": "Firefox on a train"}))[0]
    browser.get("/settings/profile/")
    noted = UserSession.objects.get(user=alice).last_seen_at

    browser.get("/settings/profile/")
    assert UserSession.objects.get(user=alice).last_seen_at == noted

    browser.get("/settings/profile/", headers={"User-Agent": "Firefox at home"})
    moved = UserSession.objects.get(user=alice)
    assert (moved.user_agent, moved.last_seen_at > noted) == ("Firefox at home", True)

    caches["process"].clear()  # as after five minutes
    browser.get("/settings/profile/", headers={"User-Agent": "Firefox at home"})
    assert UserSession.objects.get(user=alice).last_seen_at > moved.last_seen_at


def test_e13_a_session_lasts_14_idle_days_and_30_in_all(alice, acme):
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        used, _ = log_in(alice.email, client=Client())
        idle, _ = log_in(alice.email, client=Client())
        for days in (10, 20, 29):
            clock.move_to(start + timedelta(days=days))
            assert used.get("/settings/profile/").status_code == 200
        assert idle.get("/settings/profile/").status_code == 302
        clock.move_to(start + timedelta(days=31))
        assert used.get("/settings/profile/").status_code == 302


def test_e13_a_changed_address_asks_for_the_password_again_after_ten_minutes(alice, acme):
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        browser, _ = log_in(alice.email)
        change_address(browser, "alice@ames.example")
        form = {"email": "alice@ames2.example", "action_add": "1"}

        clock.move_to(start + timedelta(minutes=9))
        assert browser.post("/email/", form)["Location"] == "/confirm-email/"
        clock.move_to(start + timedelta(minutes=11))
        assert browser.post("/email/", form)["Location"].startswith("/reauthenticate/")


# B6


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "///evil.example",
    ],
)
def test_b6_next_leads_to_own_paths_only(alice, acme, target: str):
    answer = log_in(alice.email, path=f"/login/?next={target}")[1]

    assert answer["Location"] == "/"


def test_b6_next_leads_to_the_page_that_was_wanted(alice, acme):
    assert log_in(alice.email, path="/login/?next=/settings/profile/")[1]["Location"] == "/settings/profile/"


# E12


def test_a_form_sent_after_the_session_ended_is_said_to_be_unsaved_where_one_logs_in(alice, acme):
    browser, words = Browser(alice), "Your session had ended, so what you sent was not saved."
    del browser.cookies["sessionid"]

    asked = browser.get("/settings/organization/", follow=True)
    sent = browser.post("/settings/organization/", {"name": "Acme Two"}, follow=True)

    assert [words in each.text for each in (asked, sent)] == [False, True]
    assert sent.redirect_chain == [("/login/?next=/settings/organization/", 302)]
    assert words not in browser.get("/login/").text, "once"


def test_e12_a_reset_link_works_once(alice, acme):
    there, _ = log_in(alice.email)
    Client().post("/password/reset/", {"email": alice.email})
    link = link_sent_to(alice.email)
    assert len(link.split("-")[-1].strip("/")) == 64

    browser = Client()
    form = browser.get(link)["Location"]
    assert browser.get(form).status_code == 200
    done = browser.post(form, {"password1": OTHER, "password2": OTHER})

    assert done["Location"] == "/password/reset/key/done/"
    assert log_in(alice.email, OTHER)[1].status_code == 302
    assert there.get("/settings/profile/").status_code == 302
    assert "This link has expired" in Client().get(link).content.decode()


def test_e12_a_reset_link_works_for_one_hour(alice):
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        Client().post("/password/reset/", {"email": alice.email})
        link = link_sent_to(alice.email)
        clock.move_to(start + timedelta(minutes=61))

        assert "This link has expired" in Client().get(link).content.decode()


def test_e12_a_reset_link_is_of_one_person(alice, mallory):
    Client().post("/password/reset/", {"email": mallory.email})
    stolen = link_sent_to(mallory.email)
    Client().post("/password/reset/", {"email": alice.email})
    hers = link_sent_to(alice.email)

    uid = hers.split("/")[4].split("-")[0]
    mixed = f"/password/reset/key/{uid}-{stolen.split('/')[4].partition('-')[2]}/"

    assert "This link has expired" in Client().get(mixed).content.decode()


# what mail is checked against


def test_b65_a_forged_host_is_refused(alice):
    answer = Client().post("/password/reset/", {"email": alice.email}, HTTP_HOST="evil.example")

    assert answer.status_code == 400
    assert not OutboxMail.objects.exists()


def test_links_in_mail_name_the_public_site(alice, settings):
    settings.SITE_URL = "https://tokentra.acme.example"
    settings.ALLOWED_HOSTS = ["testserver", "localhost"]

    Client().post("/password/reset/", {"email": alice.email}, HTTP_HOST="localhost")

    assert "https://tokentra.acme.example/password/reset/key/" in OutboxMail.objects.get().text


def test_b65_a_form_without_its_token_is_refused(alice):
    assert (
        Client(enforce_csrf_checks=True).post("/login/", {"login": alice.email, "password": PASSWORD}).status_code
        == 403
    )


def test_b65_forwarded_addresses_are_believed_behind_trusted_proxies_only(db, settings):
    for trusted, believed in ((0, "203.0.113.9"), (1, "198.51.100.7")):
        settings.TRUSTED_PROXIES = settings.ALLAUTH_TRUSTED_PROXY_COUNT = trusted
        email = f"person{trusted}@acme.example"
        Client().post(
            "/signup/",
            {"email": email, "password1": PASSWORD},
            REMOTE_ADDR="203.0.113.9",
            headers={"X-Forwarded-For": "6.6.6.6, 198.51.100.7"},
        )
        home = home_of(email)
        with organization_scope(home.pk):
            assert AuditLine.objects.owned_by(home).get().ip == believed


@pytest.mark.usefixtures("without_guidance")
def test_the_journal_knows_an_address_was_proved_once(alice, acme, code_sent_to):
    browser, _ = log_in(alice.email)
    for address in ("alice@ames.example", "alice@ames2.example"):
        cache.clear()
        change_address(browser, address)
        browser.post("/confirm-email/", {"code": code_sent_to(address)})

    assert events_of(acme) == ["email_verified"]


def test_a_person_who_is_switched_off_is_turned_away(acme):
    carol = make.member(acme, "carol@acme.example", "viewer")
    carol.is_active = False
    carol.save()

    assert log_in(carol.email)[1]["Location"] == "/inactive/"
    assert Client().get("/inactive/").status_code == 200
