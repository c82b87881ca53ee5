"""The keys page in each role, and the pages on which a key is made, replaced, shown once and revoked."""

import re
import shlex
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import AuditLine, Membership, Organization, User
from accounts.permissions import Role
from sdk_keys import ending
from sdk_keys.models import ApiKey
from tests import make
from tests.accounts.test_people_pages import Theme, faults, log_in, page_of
from tests.conftest import Browser
from tests.sdk_keys.conftest import ask, issued, now_of
from tests.sdk_keys.test_api import proved
from tokentra.lib import api_keys
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

LIST = "/settings/sdk/"
WANTED = {"name": "Checkout service", "scopes": ["ingest", "read"], "environment": "live", "lasts": "90"}


def key_on(page: str) -> str:
    return api_keys.found_in(page)


def test_a_key_is_made_and_shown_on_that_answer_alone(acme, alice):
    browser = proved(alice)
    answer = browser.post(f"{LIST}new/", WANTED)
    key = key_on(answer.text)

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert ask(key).status_code == 200
    assert f"Bearer {key}" in answer.text
    for path in (LIST, "/dashboard/", f"{LIST}new/"):
        assert key not in browser.get(path).text
    page = browser.get(LIST).text
    assert f"{key[:12]}…{key[-4:]}" in page
    assert "Checkout service" in page
    with organization_scope(acme.pk):
        made = ApiKey.objects.get()
        line = AuditLine.objects.get(action="key_created")
    assert made.expires_at - made.created_at < timedelta(days=90, seconds=5)
    assert (line.actor_id, line.object_id, key in repr(line.data)) == (alice.pk, str(made.pk), False)


def test_the_page_of_a_new_key_that_is_loaded_again_makes_no_second_one(acme, alice):
    browser = proved(alice)
    [asking] = re.findall(r'name="asking" value="([^"]+)"', browser.get(f"{LIST}new/").text)
    key = key_on(browser.post(f"{LIST}new/", WANTED | {"asking": asking}).text)

    again = browser.post(f"{LIST}new/", WANTED | {"asking": asking}, follow=True)

    assert "“Checkout service” was made already" in again.text
    assert key not in again.text
    with organization_scope(acme.pk):
        assert ApiKey.objects.count() == 1
    [other] = re.findall(r'name="asking" value="([^"]+)"', browser.get(f"{LIST}new/").text)
    assert key_on(browser.post(f"{LIST}new/", WANTED | {"asking": other}).text) != key


def command_of(answer) -> str:
    if "snippet" in answer.context:
        return answer.context["snippet"]
    [curl] = [setup for setup in answer.context["guide"].setups if setup.id == "curl"]
    return curl.code.blocks[0].text


@pytest.mark.parametrize(("scopes", "status"), [(["ingest"], 202), (["read"], 200)])
def test_the_command_beside_a_new_key_works_as_it_stands(scopes, status, acme, alice):
    answer = proved(alice).post(f"{LIST}new/", WANTED | {"scopes": scopes})

    [_, url, *options] = shlex.split(command_of(answer).replace("\\\n", " "))
    told = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(value.split(": ") for flag, value in told if flag == "-H")
    sent = "".join(value for flag, value in told if flag == "-d")
    assert url.startswith("http://testserver/api/")
    client, path = Client(), url.removeprefix("http://testserver")
    kind = headers.pop("Content-Type", "")
    answer = client.post(path, sent, content_type=kind, headers=headers) if sent else client.get(path, headers=headers)
    assert answer.status_code == status
    if sent:
        assert answer.json()["accepted"] == 1


def test_a_key_that_only_manages_has_no_command_to_try(acme, alice):
    assert "Try it" not in proved(alice).post(f"{LIST}new/", WANTED | {"scopes": ["admin"]}).text


def test_e13_the_password_is_asked_for_before_and_the_key_is_made_after_it(acme, alice):
    browser = Browser(alice)
    asked = browser.post(f"{LIST}new/", WANTED)["Location"]
    assert asked.startswith("/reauthenticate/")
    with organization_scope(acme.pk):
        assert not ApiKey.objects.exists()

    answer = browser.post(asked, {"password": make.PASSWORD})

    assert api_keys.is_key(key_on(answer.text))


def test_e13_and_before_a_key_is_replaced(acme, alice):
    old = issued(acme, by=alice).key

    assert Browser(alice).post(f"{LIST}{old.pk}/replace/", {"old": "now"})["Location"].startswith("/reauthenticate/")
    assert now_of(old).revoked_at is None


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": " "}, "Give the key a name"),
        ({"scopes": []}, "Choose at least one thing"),
        ({"scopes": ["everything"]}, "Select a valid choice"),
        ({"environment": "staging"}, "Select a valid choice"),
    ],
)
def test_a_wrong_form_is_drawn_again(wrong, sentence, acme, alice):
    answer = proved(alice).post(f"{LIST}new/", WANTED | wrong)

    assert answer.status_code == 422
    assert sentence in answer.text


def test_a_member_is_offered_and_given_no_key_that_manages(acme, bob):
    browser = proved(bob)

    assert "Manage connections" not in browser.get(f"{LIST}new/").text
    assert browser.post(f"{LIST}new/", WANTED | {"scopes": ["admin"]}).status_code == 422


def test_a_member_sees_their_own_keys_and_an_admin_all(acme, alice, bob):
    hers, his = issued(acme, by=alice, name="Hers").key, issued(acme, by=bob, name="His").key

    page = Browser(bob).get(LIST).text
    assert "His" in page
    assert "Hers" not in page
    assert Browser(bob).get(f"{LIST}{hers.pk}/replace/").status_code == 404
    assert Browser(bob).post(f"{LIST}{hers.pk}/revoke/").status_code == 404
    page = Browser(alice).get(LIST).text
    assert "His" in page
    assert "Hers" in page
    assert Browser(alice).post(f"{LIST}{his.pk}/revoke/").status_code == 302
    assert now_of(his).revoked_at


@pytest.mark.parametrize("role", [Role.FINANCE, Role.VIEWER])
def test_other_roles_find_neither_the_page_nor_a_way_to_it(role, acme):
    browser = Browser(make.member(acme, "pat@acme.example", role))

    assert browser.get(LIST).status_code == 403
    assert LIST not in browser.get("/settings/team/").text


def test_a_key_is_replaced_with_a_day_of_grace_or_none(acme, alice, django_capture_on_commit_callbacks):
    browser = proved(alice)
    first = issued(acme, "read", by=alice)

    answer = browser.post(f"{LIST}{first.key.pk}/replace/", {"old": "in_a_day"})
    second = key_on(answer.text)
    assert (ask(first.clear).status_code, ask(second).status_code) == (200, 200)
    assert "Being replaced" in browser.get(LIST).text
    with organization_scope(acme.pk):
        again = ApiKey.objects.get(last_four=second[-4:])
    with django_capture_on_commit_callbacks(execute=True):
        third = key_on(browser.post(f"{LIST}{again.pk}/replace/", {"old": "now"}).text)

    assert (ask(second).json()["error"]["code"], ask(third).status_code) == ("key_revoked", 200)
    assert browser.get(f"{LIST}{again.pk}/replace/")["Location"] == LIST
    assert browser.post(f"{LIST}{again.pk}/replace/", {"old": "now"})["Location"] == LIST


def successor(key: ApiKey, by: User) -> ApiKey:
    with organization_scope(key.organization_id):
        member = Membership.objects.select_related("organization", "user").get(user=by)
        return ending.replace(key, at_once=False, by=member).key


def revoked(key: ApiKey, by: User) -> None:
    with organization_scope(key.organization_id):
        ending.revoke(key, by=by)


def test_a_key_that_nothing_follows_says_that_it_ends_and_what_to_do(acme, alice, bob):
    old = issued(acme, "read", by=bob).key
    second = successor(old, alice)

    for person in (alice, bob):
        page = " ".join(Browser(person).get(LIST).text.split())
        assert "Being replaced" in page
        assert f"by {second.masked}" in page
    revoked(second, alice)

    for person in (alice, bob):
        page = " ".join(Browser(person).get(LIST).text.split())
        assert "Being replaced" not in page
        assert f"Nothing follows it: {second.masked}, which was to replace it, was revoked." in page
        assert f'<a href="{LIST}new/">Make a new one</a> before it ends.' in page


def test_a_key_is_followed_by_what_replaced_its_successor(acme, alice):
    old = issued(acme, "read", by=alice).key
    second = successor(old, alice)
    third = successor(second, alice)
    revoked(second, alice)

    page = Browser(alice).get(LIST).text
    assert "Being replaced" in page
    assert page.count(f"by {third.masked}") == 2  # of the one that ends, and of the one that was revoked
    assert "Nothing follows it" not in page


def test_b24_the_page_says_which_key_was_sent_where_it_is_written_down(acme, alice):
    made = issued(acme, by=alice, name="Nightly job")
    assert "written down" not in Browser(alice).get(LIST).text
    Client().get(f"/api/usage/stats?key={made.clear}")

    page = Browser(alice).get(LIST).text

    assert "“Nightly job”" in page
    assert "written down" in page


def test_a_key_of_somebody_who_left_is_marked(acme, alice, bob):
    issued(acme, by=bob)
    with organization_scope(acme.pk):
        Membership.objects.filter(user=bob).delete()

    assert "bob@acme.example, no member any more" in " ".join(Browser(alice).get(LIST).text.split())


def test_a_sample_workspace_says_that_it_has_none(alice):
    make.organization("Sample", owner=alice, is_sample=True)
    browser = proved(alice)

    assert "This is the sample workspace" in browser.get(LIST).text
    assert browser.get(f"{LIST}new/")["Location"] == LIST
    assert browser.post(f"{LIST}new/", WANTED)["Location"] == LIST


def test_the_pages_stand_on_few_queries(acme, alice, django_assert_max_num_queries):
    for n in range(30):
        issued(acme, by=alice, name=f"Key {n}")
    browser = Browser(alice)
    browser.get(LIST)

    with django_assert_max_num_queries(25):
        assert browser.get(LIST).text.count("Replace key") == 30


# In a browser


def set_up(acme: Organization, alice: User, bob: User) -> None:
    issued(acme, "ingest", by=alice, name="Checkout service")
    issued(acme, "ingest", "read", "admin", by=bob, name="A key with a name that takes all the sixty characters")
    old = issued(acme, "read", by=alice, name="Nightly report", environment="test")
    gone = issued(acme, "read", by=bob, name="Old laptop")
    with organization_scope(acme.pk):
        owner = Membership.objects.select_related("organization", "user").get(user=alice)
        ending.replace(old.key, at_once=False, by=owner)
        ending.revoke(gone.key, by=alice)
        ApiKey.objects.filter(pk=old.key.pk).update(misplaced_at=timezone.now(), last_used_at=timezone.now())


def keys_page(page: Page, email: str) -> None:
    page.goto(LIST)
    log_in(page, email)
    page.wait_for_url(re.compile(LIST))


# How often a form is sent by two clicks, without sending it; then somebody comes back to the page.
TWO_CLICKS = """(button) => {
  let sent = 0;
  const count = (event) => { sent += !event.defaultPrevented; event.preventDefault(); };
  addEventListener("submit", count);
  button.click();
  button.click();
  removeEventListener("submit", count);
  dispatchEvent(new PageTransitionEvent("pageshow"));
  return sent;
}"""


@pytest.mark.parametrize(("theme", "width"), [pytest.param("light", 1440, marks=pytest.mark.long), ("dark", 390)])
def test_the_pages_of_keys_have_no_fault_that_axe_finds(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User, bob: User, width: int, theme: Theme
):
    page = page_of(browser, live_server, width=width, theme=theme)
    found = {}

    keys_page(page, alice.email)
    found["empty"] = faults(page)
    set_up(acme, alice, bob)
    page.goto(LIST)
    page.locator("summary", has_text="Keys that ended").click()
    found["list"] = faults(page)
    page.get_by_role("button", name="Revoke").first.click()
    found["revoke"] = faults(page)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Replace key").first.click()
    found["replace"] = faults(page)
    page.goto(f"{LIST}new/")
    found["new"] = faults(page)
    page.get_by_label("Name").fill(" ")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_text("Give the key a name")).to_be_visible()
    found["new, wrong"] = faults(page)
    page.get_by_label("Name").fill("Checkout service")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("heading", name="Your new key")).to_be_visible()
    found["made"] = faults(page)
    page.context.close()

    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_somebody_makes_a_key_copies_it_and_revokes_it(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User
):
    page = page_of(browser, live_server)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    keys_page(page, alice.email)
    page.get_by_role("link", name="Make a key").click()
    page.get_by_label("Name").fill("Checkout service")
    page.get_by_label("Read usage, costs and connections").check()
    assert page.get_by_role("button", name="Make the key").evaluate(TWO_CLICKS) == 1
    page.get_by_role("button", name="Make the key").click()
    page.get_by_role("button", name="Copy key").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    key = page.evaluate("navigator.clipboard.readText()")

    answer = page.request.get("/api/usage/stats", headers={"Authorization": f"Bearer {key}"})
    assert answer.status == 200
    page.get_by_role("link", name="Done").click()
    page.get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("“Checkout service” was revoked")).to_be_visible()
    assert page.request.get("/api/usage/stats", headers={"Authorization": f"Bearer {key}"}).status == 401
    page.context.close()
