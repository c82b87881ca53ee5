"""Sign-up: everything or nothing, in both modes of verification."""

from threading import Thread

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client

from accounts.mailed import OutboxMail
from accounts.models import AuditLine, JournalEntry, Membership, Organization, User, Visit
from tests import make
from tests.accounts.conftest import events_of, home_of
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

NEW = {"email": "dana@acme-labs.example", "password1": PASSWORD}
BROWSER = {"Accept": "text/html", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140"}


@pytest.mark.usefixtures("without_guidance")
def test_a_person_signs_up_verifies_and_is_logged_in(mandatory, client: Client, db, code_sent_to):
    assert client.get("/signup/").status_code == 200
    answer = client.post("/signup/", NEW)
    assert (answer.status_code, answer["Location"]) == (302, "/confirm-email/")
    assert "_auth_user_id" not in client.session
    assert client.get("/confirm-email/").status_code == 200

    assert client.post("/confirm-email/", {"code": "000000"}).status_code == 422
    done = client.post("/confirm-email/", {"code": code_sent_to(NEW["email"])})

    assert (done.status_code, done["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(User.objects.get(email=NEW["email"]).pk)
    home = home_of(NEW["email"])
    assert home.name == "Acme Labs"
    assert events_of(home) == [
        "signup_started",
        "signup_method_selected",
        "signup_completed",
        "email_verified",
    ]


@pytest.mark.parametrize("is_known", [False, True])
def test_a_code_that_is_over_is_said_to_be_and_the_login_sends_another(
    mandatory, client: Client, db, code_sent_to, is_known: bool
):
    """A known address and a new one are told the same."""
    if is_known:
        make.user(NEW["email"])
    client.post("/signup/", NEW)
    session = client.session
    session["account_email_verification_code"]["at"] -= 16 * 60
    session.save()

    page = client.post("/confirm-email/", {"code": "123456"}, follow=True)

    assert page.request["PATH_INFO"] == "/login/"
    assert "This code has expired. Log in to get a new one." in page.content.decode()
    if not is_known:
        cache.clear()  # a code is sent at most every ten seconds
        client.post("/login/", {"login": NEW["email"], "password": PASSWORD})
        assert client.post("/confirm-email/", {"code": code_sent_to(NEW["email"])})["Location"] == "/"


def test_the_third_wrong_code_ends_it_in_words(mandatory, client: Client, db):
    client.post("/signup/", NEW)
    for _ in range(2):
        assert client.post("/confirm-email/", {"code": "000000"}).status_code == 422

    page = client.post("/confirm-email/", {"code": "000000"}, follow=True)

    assert page.request["PATH_INFO"] == "/login/"
    assert "That was wrong too often, so this code works no longer. Log in to get a new one." in page.content.decode()


def test_a_new_code_is_said_to_be_one(mandatory, client: Client, db):
    client.post("/signup/", NEW)
    cache.clear()

    page = client.post("/confirm-email/", {"action": "resend"}, follow=True)

    assert "There is a new code. The one before works no longer." in page.content.decode()


def test_without_a_mail_server_a_person_is_let_in_and_reminded(client: Client, db, code_sent_to):
    answer = client.post("/signup/", NEW)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert NEW["email"] in client.get("/settings/profile/").content.decode()
    assert "Not verified" in client.get("/settings/profile/").content.decode()

    assert client.post("/email/code/")["Location"] == "/confirm-email/"
    assert client.post("/confirm-email/", {"code": code_sent_to(NEW["email"])}).status_code == 302

    assert "Not verified" not in client.get("/settings/profile/").content.decode()
    assert events_of(home_of(NEW["email"]))[-1] == "email_verified"


def test_a_sign_up_brings_an_owner_a_trial_an_audit_line_and_a_letter(client: Client, db):
    client.post("/signup/", NEW, REMOTE_ADDR="203.0.113.9", headers={"User-Agent": "Firefox"})

    home = home_of(NEW["email"])
    with organization_scope(home.pk):
        owner = Membership.objects.get(organization=home)
        line = AuditLine.objects.owned_by(home).get()
    assert owner.role == "owner"
    assert (home.trial_ends_at - home.created_at).days in {13, 14}
    assert (line.action, line.ip, line.user_agent) == ("signed_up", "203.0.113.9", "Firefox")
    assert OutboxMail.objects.filter(to=NEW["email"], subject="Welcome to TokenTra").count() == 1


def test_the_welcome_letter_waits_for_the_code(mandatory, client: Client, db, code_sent_to):
    client.post("/signup/", NEW)
    assert OutboxMail.objects.get(subject="Welcome to TokenTra").next_try_at is None

    client.post("/confirm-email/", {"code": code_sent_to(NEW["email"])})

    assert OutboxMail.objects.get(subject="Welcome to TokenTra").next_try_at is not None


TABLES = ["organization", "membership", "journalentry", "auditline", "outboxmail"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", [f"accounts_{name}" for name in TABLES] + ["account_emailaddress", "django_session"])
def test_a_sign_up_that_fails_anywhere_leaves_nothing(mandatory, table: str):
    with connections["owner"].cursor() as owner:
        owner.execute(f"REVOKE INSERT ON {table} FROM tt_app")
        try:
            answer = Client(raise_request_exception=False).post("/signup/", NEW)
        finally:
            owner.execute(f"GRANT INSERT ON {table} TO tt_app")

    assert answer.status_code == 500
    for model in (User, OutboxMail, Organization):
        assert not model.objects.using("owner").exists()


def test_two_organizations_of_one_name_get_two_short_names(db):
    for address in ("dana@acme.example", "erin@acme.com"):
        assert Client().post("/signup/", {"email": address, "password1": PASSWORD}).status_code == 302

    first, second = home_of("dana@acme.example"), home_of("erin@acme.com")

    assert (first.name, second.name) == ("Acme", "Acme")
    assert first.slug == "acme"
    assert second.slug.startswith("acme-")


def test_first_touch_is_kept_from_the_first_visit(client: Client, db):
    campaign = "/login/?utm_source=news&utm_medium=mail&utm_campaign=fall&utm_term=cost&utm_content=b&other=x"
    client.get(campaign, headers=BROWSER | {"Referer": "https://blog.example/post?token=secret"})
    client.get("/signup/?utm_source=later", headers=BROWSER)

    client.post("/signup/", NEW, headers=BROWSER)

    visit = Visit.objects.get()
    assert visit.user
    assert visit.user.email == NEW["email"]
    assert (visit.landing_path, visit.referrer, visit.method) == (
        "/login/",
        "https://blog.example/post",
        "email",
    )
    assert visit.signup_started_at is not None
    touch = (visit.utm_source, visit.utm_medium, visit.utm_campaign, visit.utm_term, visit.utm_content)
    assert touch == ("news", "mail", "fall", "cost", "b")
    home = home_of(NEW["email"])
    with organization_scope(home.pk):
        said = JournalEntry.objects.owned_by(home).get(event="signup_completed").data
    assert (said["utm_source"], said["referrer"], said["method"]) == (
        "news",
        "https://blog.example/post",
        "email",
    )


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/login/", BROWSER),
        ("/login/", BROWSER | {"Referer": "http://testserver/signup/"}),
        ("/healthz?utm_source=x", BROWSER),
        ("/api/openapi.json?utm_source=x", BROWSER),
        ("/signup/?utm_source=x", {"Accept": "*/*", "User-Agent": "Mozilla/5.0"}),
        ("/signup/?utm_source=x", BROWSER | {"User-Agent": "Googlebot/2.1"}),
        ("/signup/?utm_source=x", BROWSER | {"HX-Request": "true"}),
    ],
)
def test_a_visit_that_tells_nothing_writes_nothing(client: Client, db, path: str, headers: dict[str, str]):
    client.get(path, headers=headers)

    assert not Visit.objects.exists()


def test_a_forged_visitor_cookie_names_nobody(client: Client, db):
    client.cookies["tt_visit"] = "0192a9b6-0000-7000-8000-000000000000:forged"

    assert client.get("/signup/", headers=BROWSER).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_wrong_address_can_be_taken_back(mandatory, client: Client):
    client.post("/signup/", {"email": "danna@acme.example", "password1": PASSWORD})

    answer = client.post("/signup/restart/")

    assert answer["Location"] == "/signup/"
    assert not User.objects.filter(email="danna@acme.example").exists()
    assert not Organization.objects.using("owner").exists()
    assert client.post("/signup/", NEW)["Location"] == "/confirm-email/"


@pytest.mark.django_db(transaction=True)
def test_an_address_that_signs_up_twice_at_once_gets_one_account(settings):
    settings.ACCOUNT_RATE_LIMITS = False
    statuses = []

    def sign_up() -> None:
        statuses.append(Client(raise_request_exception=False).post("/signup/", NEW).status_code)
        connections["default"].close()

    together = [Thread(target=sign_up) for _ in range(4)]
    for one in together:
        one.start()
    for one in together:
        one.join(60)

    assert sorted(statuses) == [302, 422, 422, 422]
    assert User.objects.count() == 1
    assert Organization.objects.using("owner").count() == 1
