"""The door of an invitation, as each person finds it (reliability B7)."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
import time_machine
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts import invitations, stopping
from accounts.invitations import invite
from accounts.invited import Invitation
from accounts.mailed import OutboxMail
from accounts.models import JournalEntry, Membership, Organization, User
from accounts.permissions import Role
from tests import make
from tests.accounts.conftest import home_of
from tests.accounts.test_invitations import JUNE, offer_of, token_in
from tests.conftest import Browser
from tests.make import PASSWORD
from tests.product import wait_for
from tests.waits import sessions_that_wait
from tokentra.lib.tenancy import organization_scope, user_scope


@pytest.fixture
def link(acme, alice) -> str:
    return f"/invitations/{token_in(invite(acme, [JUNE], Role.VIEWER, by=alice)[0].link)}/"


@pytest.fixture
def june(db) -> User:
    return make.user(JUNE, full_name="June Jones")


def roles_in(organization: Organization) -> dict[str, str]:
    with organization_scope(organization.pk):
        return {m.user.email: m.role for m in organization.memberships.select_related("user")}


def text_of(answer) -> str:
    return answer.content.decode()


def test_a_stranger_sees_who_asks_them_into_what_and_uses_nothing_up(acme, alice, link, client: Client):
    for _ in range(2):
        page = client.get(link, follow=True)

    assert (page.status_code, page.request["PATH_INFO"]) == (200, "/invitations/")
    assert "Join Acme" in text_of(page)
    assert "Alice Ames" in text_of(page)
    assert JUNE in text_of(page)
    assert client.post(link).status_code == 200
    assert offer_of(link).status(timezone.now()) == "pending"


def test_e12_the_token_leaves_the_address_and_is_in_no_page_session_or_referrer(link, client: Client):
    answer = client.get(link)
    page = client.get(answer["Location"])

    assert answer["Referrer-Policy"] == "no-referrer"
    assert token_in(link) not in answer["Location"] + text_of(page) + str(dict(client.session))
    assert "no-cache" in page["Cache-Control"]


def test_e12_an_invitation_lasts_14_days(link, client: Client):
    end = offer_of(link).expires_at
    for at, status in ((end - timedelta(seconds=1), 200), (end, 410)):
        with time_machine.travel(at, tick=False):
            assert client.get(link, follow=True).status_code == status
    assert timedelta(days=13, hours=23) < end - timezone.now() <= timedelta(days=14)


def test_e12_what_is_for_one_purpose_opens_nothing_of_another(link, alice, client: Client):
    token, uid = token_in(link), user_pk_to_url_str(alice)
    reset = default_token_generator.make_token(alice)
    stop = stopping.url_for(alice).rstrip("/").rsplit("/", 1)[1]

    for other in (token, stop):
        assert "This link has expired" in text_of(client.get(f"/password/reset/key/{uid}-{other}/"))
    for other in (reset, stop):
        assert client.get(f"/invitations/{other}/").status_code in {404, 410}
    for other in (token, reset):
        assert client.get(f"/letters/{other}/").status_code == 404


def test_the_invited_person_joins_in_one_click_and_acts_there(acme, link, june):
    make.organization("Own", owner=june)
    browser = Browser(june)
    assert "Accept and join" in text_of(browser.get(link, follow=True))

    assert browser.post("/invitations/")["Location"] == "/"

    assert roles_in(acme)[JUNE] == "viewer"
    assert "Your role: Viewer" in text_of(browser.get("/settings/profile/"))


def test_a_program_accepts_by_the_link_itself(acme, link, june):
    assert Browser(june).post(link).status_code == 302

    assert JUNE in roles_in(acme)


def test_b7_another_person_is_refused_and_the_invitation_waits(acme, link, mallory, elsewhere):
    browser = Browser(mallory)

    for answer in (browser.get(link, follow=True), browser.post(link), browser.post("/invitations/")):
        assert answer.status_code == 403
        assert "This invitation is for j…@…" in text_of(answer)
        assert JUNE not in text_of(answer)
    assert mallory.email not in roles_in(acme)
    assert offer_of(link).status(timezone.now()) == "pending"


def test_b7_another_person_logs_out_and_goes_on_as_the_right_one(acme, link, mallory, june):
    browser = Browser(mallory)
    browser.get(link)

    page = browser.post("/invitations/switch/", follow=True)
    assert "Join Acme" in text_of(page)
    assert "_auth_user_id" not in browser.session
    browser.force_login(june, backend="django.contrib.auth.backends.ModelBackend")
    browser.post(link)

    assert JUNE in roles_in(acme)


def test_b7_an_unverified_address_is_verified_first(mandatory, acme, link, june, code_sent_to):
    EmailAddress.objects.filter(user=june).update(verified=False)
    browser = Browser(june)

    assert browser.get(link, follow=True).status_code == 403
    assert browser.post(link).status_code == 403
    assert "Verify your address first" in text_of(browser.get("/invitations/"))
    assert offer_of(link).status(timezone.now()) == "pending"
    browser.post("/email/code/")
    done = browser.post("/confirm-email/", {"code": code_sent_to(JUNE)})

    assert done["Location"] == "/invitations/"
    assert browser.post("/invitations/").status_code == 302
    assert JUNE in roles_in(acme)


def test_where_nobody_verifies_the_link_is_enough(acme, link, june):
    EmailAddress.objects.filter(user=june).update(verified=False)

    assert Browser(june).post(link).status_code == 302


def expire(acme: Organization) -> None:
    with organization_scope(acme.pk):
        Invitation.objects.update(expires_at=timezone.now())


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (lambda acme, offer, alice: expire(acme), "This invitation has expired"),
        (lambda acme, offer, alice: invitations.revoke(offer, by=alice), "This invitation was taken back"),
        (lambda acme, offer, alice: invitations.send_again(offer, by=alice), "This link works no longer"),
        (lambda acme, offer, alice: acme.delete(), "This link works no longer"),
    ],
    ids=["expired", "revoked", "sent again", "organization gone"],
)
def test_b7_a_link_that_is_over_says_so_to_everybody(acme, alice, link, june, end, sentence: str):
    held = Client()
    held.get(link)
    with organization_scope(acme.pk):
        end(acme, offer_of_in_scope(link), alice)

    for browser in (Client(), Browser(june)):
        for answer in (browser.get(link), browser.post(link)):
            assert answer.status_code == 410
            assert sentence in text_of(answer)
    assert held.get("/invitations/").status_code == 410
    assert held.post("/invitations/").status_code == 410


@pytest.mark.parametrize(
    "end",
    [
        lambda acme, offer, alice: expire(acme),
        lambda acme, offer, alice: invitations.revoke(offer, by=alice),
        lambda acme, offer, alice: EmailAddress.objects.filter(email=JUNE).update(verified=False),
        lambda acme, offer, alice: acme.delete(),
    ],
    ids=["expired", "revoked", "unverified", "organization gone"],
)
def test_b7_its_number_alone_opens_only_an_invitation_that_waits_for_this_person(acme, alice, link, june, end):
    with organization_scope(acme.pk):
        offer = offer_of_in_scope(link)
        end(acme, offer, alice)

    assert Browser(june).post(f"/invitations/{offer.pk}/accept/").status_code == 404
    with user_scope(june.pk):
        assert not Membership.objects.filter(user=june).exists()


def test_b7_its_number_opens_it_to_nobody_else_and_once(acme, link, june, mallory, elsewhere):
    address = f"/invitations/{offer_of(link).pk}/accept/"

    assert Browser(mallory).post(address).status_code == 404
    assert Browser(june).post(address).status_code == 302
    assert Browser(june).post(address).status_code == 404
    assert set(roles_in(acme)) == {"alice@acme.example", JUNE}


def offer_of_in_scope(link: str) -> Invitation:
    return Invitation.objects.with_mail().get(token_digest=invitations.digest_of(token_in(link)))


def test_b7_a_replay_is_refused(acme, link, june):
    browser = Browser(june)
    browser.post(link)

    for answer in (browser.get(link), browser.post(link), Client().get(link)):
        assert answer.status_code == 410
        assert "accepted already" in text_of(answer)


def test_b7_the_link_decides_whatever_else_a_request_or_session_says(acme, elsewhere, mallory, link, june):
    other = invite(elsewhere, [JUNE], Role.ADMIN, by=mallory)[0].link
    browser = Browser(june)
    browser.get(f"/invitations/{token_in(other)}/")

    browser.post(link, {"token": token_in(other), "role": "owner", "organization": str(elsewhere.pk)})

    assert roles_in(acme)[JUNE] == "viewer"
    assert JUNE not in roles_in(elsewhere)


@pytest.mark.parametrize("token", ["x", "tt_invite_" + "A" * 43, "%00", "ü" * 100])
def test_a_link_that_never_was_is_answered_like_one_that_is_over(db, token: str):
    answer = Client().get(f"/invitations/{token}/")

    assert answer.status_code == 410
    assert "This link works no longer" in text_of(answer)


def test_nothing_held_is_no_page(db):
    assert Client().get("/invitations/").status_code == 404


def test_guessing_is_slowed_down(db):
    answers = [Client().get("/invitations/guess/") for _ in range(61)]

    assert [answer.status_code for answer in answers] == [410] * 60 + [429]
    assert int(answers[-1]["Retry-After"]) > 0


@pytest.mark.django_db(transaction=True)
def test_b7_two_acceptances_at_once_make_one_member(acme, link, june):
    start, statuses = Barrier(2), []

    def accept() -> None:
        browser = Browser(june)
        start.wait()
        statuses.append(browser.post(link).status_code)
        connections.close_all()

    threads = [Thread(target=accept) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [302, 410]
    assert roles_in(acme)[JUNE] == "viewer"


# signing up through it


def lines_of(organization: Organization, email: str) -> dict[str, dict]:
    with organization_scope(organization.pk):
        entries = JournalEntry.objects.owned_by(organization).filter(user__email=email)
        return {entry.event: entry.data for entry in entries.order_by("at", "id")}


def organizations_of(email: str) -> list[tuple[str, bool]]:
    user = User.objects.get(email=email)
    with user_scope(user.pk):
        return [(m.organization.name, m.is_invitee) for m in Membership.objects.of(user)]


FIRST_VISIT = {"Accept": "text/html", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140"}


def test_an_invited_stranger_signs_up_into_the_organization_and_gets_none_of_their_own(acme, link, client: Client):
    client.get("/signup/?utm_source=news", headers=FIRST_VISIT)
    client.get(link)
    page = text_of(client.get("/signup/"))
    assert "Create your account to join Acme" in page
    assert JUNE in page

    answer = client.post("/signup/", {"email": "somebody@else.example", "password1": PASSWORD})

    assert answer["Location"] == "/"
    assert organizations_of(JUNE) == [("Acme", True)]
    assert roles_in(acme)[JUNE] == "viewer"
    lines = lines_of(acme, JUNE)
    assert {"signup_started", "signup_method_selected", "signup_completed", "team_invite_accepted"} == set(lines)
    assert lines["signup_completed"] == {
        "method": "email", "invited": True, "utm_source": "news", "landing_path": "/signup/",
    }  # fmt: skip
    assert "You are a member of Acme now" in OutboxMail.objects.get(to=JUNE, subject="Welcome to TokenTra").text
    assert client.get(link).status_code == 410


def test_b7_where_addresses_are_proved_an_invited_stranger_joins_with_the_code(
    mandatory, acme, link, client, code_sent_to
):
    client.get(link)
    assert client.post("/signup/", {"password1": PASSWORD})["Location"] == "/confirm-email/"
    assert JUNE not in roles_in(acme)
    assert offer_of(link).status(timezone.now()) == "pending"

    done = client.post("/confirm-email/", {"code": code_sent_to(JUNE)})

    assert done["Location"] == "/"
    assert organizations_of(JUNE) == [("Acme", True)]
    assert {"signup_completed", "email_verified", "team_invite_accepted"} <= set(lines_of(acme, JUNE))


def test_a_code_entered_in_another_browser_joins_all_the_same(mandatory, acme, link, client, code_sent_to):
    client.get(link)
    client.post("/signup/", {"password1": PASSWORD})
    cache.clear()  # a code is sent at most every ten seconds
    other = Client()

    other.post("/login/", {"login": JUNE, "password": PASSWORD})
    other.post("/confirm-email/", {"code": code_sent_to(JUNE)})

    assert organizations_of(JUNE) == [("Acme", True)]


def test_an_invitation_that_ends_before_the_code_leaves_the_person_with_an_organization(
    mandatory, acme, link, client, code_sent_to
):
    client.get(link)
    client.post("/signup/", {"password1": PASSWORD})
    expire(acme)

    client.post("/confirm-email/", {"code": code_sent_to(JUNE)})

    assert organizations_of(JUNE) == [("Client", False)]
    lines = lines_of(home_of(JUNE), JUNE)
    assert "invited" not in lines["signup_completed"]


def test_a_sign_up_through_an_invitation_can_be_begun_again(mandatory, acme, link, client):
    client.get(link)
    client.post("/signup/", {"password1": PASSWORD})

    assert client.post("/signup/restart/").status_code == 302

    assert not User.objects.filter(email=JUNE).exists()
    assert offer_of(link).status(timezone.now()) == "pending"


def test_a_known_address_is_answered_like_a_new_one(mandatory, acme, link, june):
    stranger = Client()
    stranger.get(link)

    answer = stranger.post("/signup/", {"password1": PASSWORD})

    assert answer["Location"] == "/confirm-email/"
    assert JUNE not in roles_in(acme)
    assert OutboxMail.objects.filter(to=JUNE, subject="You already have a TokenTra account").exists()


def test_a_known_person_logs_in_and_goes_on(acme, link, june, client: Client):
    client.get(link)
    assert "Log in to join Acme" in text_of(client.get("/login/"))

    assert client.post("/login/", {"login": JUNE, "password": PASSWORD})["Location"] == "/invitations/"

    client.post("/invitations/")
    assert JUNE in roles_in(acme)


def test_somebody_may_sign_up_without_the_invitation(acme, link, client: Client):
    client.get(link)
    assert client.post("/invitations/forget/")["Location"] == "/signup/"

    client.post("/signup/", {"email": "dana@other.example", "password1": PASSWORD})

    assert organizations_of("dana@other.example") == [("Other", False)]
    assert offer_of(link).status(timezone.now()) == "pending"


@pytest.mark.django_db(transaction=True)
def test_an_invitation_taken_back_while_somebody_signs_up_makes_no_account(acme, alice, link):
    client = Client()
    client.get(link)
    answers = []

    def sign_up() -> None:
        answers.append(client.post("/signup/", {"password1": PASSWORD}))
        connections.close_all()

    with organization_scope(acme.pk):
        invitations.revoke(offer_of_in_scope(link), by=alice)
        waiting = Thread(target=sign_up)
        waiting.start()
        wait_for(lambda: sessions_that_wait() == 1, 20, "the sign-up waits for the invitation")
    waiting.join()

    assert answers[0]["Location"] == "/invitations/"
    assert not User.objects.filter(email=JUNE).exists()
    assert client.get("/invitations/").status_code == 410


@pytest.mark.django_db(transaction=True)
def test_an_invitation_taken_back_while_the_code_is_checked_leaves_the_person_with_an_organization(
    mandatory, acme, alice, link, code_sent_to
):
    client = Client()
    client.get(link)
    client.post("/signup/", {"password1": PASSWORD})
    answers = []

    def enter_code() -> None:
        answers.append(client.post("/confirm-email/", {"code": code_sent_to(JUNE)}))
        connections.close_all()

    with organization_scope(acme.pk):
        invitations.revoke(offer_of_in_scope(link), by=alice)
        waiting = Thread(target=enter_code)
        waiting.start()
        wait_for(lambda: sessions_that_wait() == 1, 20, "the code waits for the invitation")
    waiting.join()

    assert answers[0]["Location"] == "/"
    assert organizations_of(JUNE) == [("Client", False)]
