"""Staff: what they may read, how it is written down, and who finds no door."""

import pytest
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from accounts import audit, journal
from accounts.journal import Event
from accounts.mailed import OutboxMail
from accounts.models import StaffAccess, User
from accounts.staff import StaffReadAdmin
from tests import make
from tests.conftest import Browser
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

PAGES = [
    "user",
    "organization",
    "membership",
    "invitation",
    "journalentry",
    "milestone",
    "auditline",
    "visit",
    "outboxmail",
    "staffaccess",
]


@pytest.fixture
def sam(transactional_db) -> User:
    person = make.user("sam@operator.example")
    person.is_staff = True
    person.save()
    return person


@pytest.fixture
def told(transactional_db):
    """An organization in which something happened."""
    alice = make.user("alice@acme.example", full_name="Alice Ames")
    acme = make.organization("Acme", owner=alice)
    with organization_scope(acme.pk):
        journal.record(Event.SIGNUP_COMPLETED, alice, acme)
        audit.note("organization_changed", acme, alice)
    OutboxMail.objects.create(to=alice.email, subject="Your TokenTra code is 123456", text="123456")
    return acme


def test_strangers_are_sent_to_our_login_page(db):
    answer = Client().get("/admin/")
    assert answer.status_code == 302
    assert answer["Location"].startswith(("/login/", "/admin/login/"))
    assert Client().get("/admin/login/?next=/admin/")["Location"].startswith("/login/?next=/admin/")


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/accounts/user/", "/admin/login/", "/admin/accounts/organization/add/"]
)
def test_people_who_are_not_staff_find_nothing(alice, acme, path: str):
    assert Browser(alice).get(path).status_code == 404


@pytest.mark.parametrize("name", PAGES)
def test_d1_staff_read_across_organizations_and_each_look_is_written_down(sam, told, name: str):
    browser = Browser(sam)

    assert browser.get(f"/admin/accounts/{name}/").status_code == 200

    look = StaffAccess.objects.get()
    assert (look.user, look.model.lower(), look.path) == (sam, f"accounts.{name}", f"/admin/accounts/{name}/")


@pytest.mark.parametrize("name", ["organization", "journalentry", "auditline", "membership"])
def test_staff_open_one_row(sam, told, name: str):
    from django.apps import apps

    row = apps.get_model("accounts", name).objects.using("staff").first()
    answer = Browser(sam).get(f"/admin/accounts/{name}/{row.pk}/change/")

    assert answer.status_code == 200
    assert StaffAccess.objects.filter(path__endswith="/change/").exists()


@pytest.mark.parametrize("name", PAGES)
def test_staff_change_nothing_here(sam, told, name: str):
    browser = Browser(sam)

    assert browser.get(f"/admin/accounts/{name}/add/").status_code == 403
    assert browser.post(f"/admin/accounts/{name}/", {"action": "delete_selected"}).status_code != 500
    assert User.objects.count() == 2


def test_staff_find_the_code_of_an_installation_without_mail(sam, told):
    mail = OutboxMail.objects.get()
    browser = Browser(sam)

    assert "Your TokenTra code is 123456" in browser.get("/admin/accounts/outboxmail/").content.decode()
    assert browser.get(f"/admin/accounts/outboxmail/{mail.pk}/change/").status_code == 200


def test_no_page_of_staff_shows_a_password_hash(sam, told):
    page = Browser(sam).get(f"/admin/accounts/user/{sam.pk}/change/").content.decode()

    assert sam.password not in page
    assert "md5$" not in page


def test_the_admin_holds_only_what_its_own_doors_lead_to(alice):
    """allauth registers session keys, tokens and addresses, which any superuser could read and change."""
    others = [model._meta.label for model, door in admin.site._registry.items() if not isinstance(door, StaffReadAdmin)]

    assert others == []


def test_b13_nobody_on_the_staff_reads_the_key_of_a_session(alice, acme):
    Client().post("/login/", {"login": alice.email, "password": PASSWORD})
    session = UserSession.objects.get(user=alice)
    superuser = Browser(make.user("root@tokentra.example", staff=True))

    assert superuser.get(f"/admin/usersessions/usersession/{session.pk}/change/").status_code == 404


def test_staff_read_each_letter_as_it_looks_in_a_frame_that_runs_nothing(sam):
    html = '<p>Hello</p><script>alert(1)</script><a href="https://evil.example">x</a>" onload="alert(2)'
    mail = OutboxMail.objects.create(
        kind="welcome", to="a@acme.example", subject="Hello", text="Hello\n\nThere <b>", html=html
    )

    page = Browser(sam).get(f"/admin/accounts/outboxmail/{mail.pk}/change/").content.decode()

    frame = page.partition("<iframe ")[2].partition("></iframe>")[0]
    assert frame.startswith('sandbox title="The letter as HTML" srcdoc="')
    assert escape(html) in frame
    assert "<script>alert" not in page
    assert '<div style="white-space:pre-wrap">Hello\n\nThere &lt;b&gt;</div>' in page
    assert ' onload="' not in frame.partition('srcdoc="')[2].partition('"')[2]


def test_staff_find_letters_by_their_state_and_kind(sam):
    for kind, changes in {
        "welcome": {},
        "no_provider": {"next_try_at": timezone.now(), "tries": 3, "problem": "The mail server did not answer."},
        "no_data": {"delivered_at": timezone.now()},
        "invitation": {"problem": "No mail server is set (EMAIL_URL)."},
    }.items():
        OutboxMail.objects.create(kind=kind, to="a@acme.example", subject=f"About {kind}", text="Text", **changes)
    browser = Browser(sam)

    for query, kind in {
        "state=held": "welcome",
        "state=waiting": "no_provider",
        "state=sent": "no_data",
        "state=not_sent": "invitation",
        "kind=no_data": "no_data",
    }.items():
        page = browser.get(f"/admin/accounts/outboxmail/?{query}").content.decode()
        found = [each for each in ("welcome", "no_provider", "no_data", "invitation") if f"About {each}" in page]
        assert found == [kind], query
    page = browser.get("/admin/accounts/outboxmail/?state=waiting").content.decode()
    assert "Waiting for its next try" in page
    assert "The mail server did not answer." in page
