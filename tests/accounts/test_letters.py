"""Each letter: one text, drawn plainly and as HTML, without anything that is loaded from elsewhere."""

import logging
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings

from accounts import letters, stopping
from accounts.mailed import OutboxMail
from tests import make
from tests.test_canaries import Kept

WHEN = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)
NAMES = sorted(
    path.stem for path in Path(settings.ROOT, "templates/emails").glob("*.txt") if not path.stem.startswith("_")
)
GUIDANCE = ("no_provider", "no_data")
BROKEN = SimpleNamespace(
    connection=SimpleNamespace(name="Acme at OpenAI"),
    connector=SimpleNamespace(label="OpenAI"),
    said=SimpleNamespace(title="Key rejected", text="OpenAI rejected the key for more than an hour."),
)
MISSING = SimpleNamespace(name="acme.example", token="tokentra-domain=abc", has_lapsed=False, days_left=6)


def values(alice, acme) -> dict[str, object]:
    person = {"user": alice, "email": alice.email, "code": "123456", "inviter": alice, "maker": alice, "left": 9}
    links = {
        name: f"https://t.example/{name}/"
        for name in (
            "login_url",
            "password_reset_url",
            "signup_url",
            "url",
            "link",
            "list_url",
            "settings_url",
            "alerts_url",
        )
    }
    security = {"timestamp": WHEN, "ip": "203.0.113.9", "user_agent": "Firefox", "provider": {"name": "GitHub"}}
    changed = {"from_email": "old@acme.example", "to_email": alice.email, "deleted_email": "old@acme.example"}
    offer = SimpleNamespace(get_role_display=lambda: "Admin", expires_at=WHEN)
    more = {"organization": acme, "connections": [BROKEN], "ends_at": WHEN, "invitation": offer, "domain": MISSING}
    said = {"headline": "Research has used up its budget", "text": "$107.00 of $100.00.", "url": links["link"]}
    told = SimpleNamespace(**said, numbers=[("Spent", "$107.00")])
    alert = {"message": told, "messages": [told], "channel": SimpleNamespace(name="Costs"), "why": "nobody listens"}
    return person | links | security | changed | more | alert | {"contact_url": "https://t.example/talk/"}


def written(name: str, alice, acme, **changes: object) -> OutboxMail:
    stop_url = stopping.url_for(alice) if name in GUIDANCE else ""
    return letters.write(name, alice.email, values(alice, acme) | changes, stop_url=stop_url)


class Drawn(HTMLParser):
    """What a mail program would make of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: dict[str, str] = {}
        self.words = ""
        self.href = ""
        self.feed(html.partition("</head>")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.href = dict(attrs).get("href") or ""
        for name, value in attrs:
            assert name not in {"src", "background", "srcset"}, value
            assert "url(" not in (value or "")

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.href and data.strip():
            self.links[data.strip()] = self.href

    def handle_endtag(self, tag: str) -> None:
        self.href = ""


def bare(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", NAMES)
def test_every_letter_says_the_same_in_both_forms(name, alice, acme):
    mail = written(name, alice, acme)
    drawn = Drawn(mail.html)

    assert mail.kind == name
    assert mail.subject
    assert len(mail.subject) < 90
    assert "{" not in mail.subject + mail.text
    assert not re.search(r"\n{3,}|[ \t]\n|None", mail.text), "gaps, or a value that was not there"
    for part in mail.text.split("\n\n"):
        for line in part.split("\n"):
            link = re.fullmatch(r"https?://\S+", line)
            assert line == "--" or (line in drawn.links.values() if link else line.rstrip(":") in bare(drawn.words)), (
                line
            )
    assert set(drawn.links.values()) == set(re.findall(r"^https?://\S+$", mail.text, re.M))


@pytest.mark.parametrize("name", NAMES)
def test_no_letter_loads_anything_from_elsewhere_and_each_knows_the_dark(name, alice, acme):
    html = written(name, alice, acme).html

    assert not {"img", "link", "script", "iframe", "form"} & set(Drawn(html).tags)
    assert "@import" not in html
    assert "url(" not in html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "prefers-color-scheme: dark" in html


@pytest.mark.parametrize("name", ["no_provider", "no_data", "trial_ending", "welcome"])
def test_a_letter_about_the_next_step_has_one_button(name, alice, acme):
    html = written(name, alice, acme).html

    assert html.count('class="button"') <= 1
    assert len(Drawn(html).links) == (2 if name in GUIDANCE else 1)


@pytest.mark.parametrize("name", GUIDANCE)
def test_letters_that_nobody_asked_for_say_why_they_came_and_how_they_end(name, alice, acme):
    mail = written(name, alice, acme)
    body, foot = mail.text.split("\n\n--\n\n")

    assert stopping.url_for(alice) not in body
    assert "You get this because you can connect providers for Acme on TokenTra." in foot
    assert Drawn(mail.html).links["No more letters with the next step"] == stopping.url_for(alice)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(GUIDANCE)))
def test_other_letters_cannot_be_switched_off_and_do_not_offer_it(name, alice, acme):
    mail = written(name, alice, acme)

    assert mail.stop_url == ""
    assert "/letters/" not in mail.text + mail.html


def test_no_data_without_a_connection_says_what_else_can_be_done(alice, acme):
    mail = written("no_data", alice, acme, connections=[])

    assert "No provider is connected to Acme" in mail.text
    assert "This is how it stands" not in mail.text
    assert "Connect a provider" in Drawn(mail.html).links


def test_without_anybody_to_talk_to_the_end_of_a_trial_leads_home(alice, acme):
    mail = written("trial_ending", alice, acme, contact_url="")

    assert "ask the people who run this installation" in mail.text
    assert list(Drawn(mail.html).links) == ["Open TokenTra"]


@pytest.mark.parametrize("name", ["no_provider", "no_data", "trial_ending", "welcome", "invitation"])
def test_b9_a_name_of_an_organization_writes_neither_headers_nor_html(name, alice, acme):
    acme.name = "Acme\r\nBcc: everybody@acme.example <b>&</b>"

    mail = written(name, alice, acme)

    assert "\n" not in mail.subject
    assert "\r" not in mail.subject
    assert "<b>" not in mail.html
    assert "b" not in Drawn(mail.html).tags


@pytest.mark.django_db(transaction=True)
def test_b68_what_is_written_to_somebody_is_in_no_log(settings):
    settings.MAIL_IS_CONFIGURED = True
    alice = make.user("alice@acme.example")
    acme = make.organization("Acme", owner=alice)
    kept = Kept()
    logging.getLogger().addHandler(kept)
    try:
        written("no_provider", alice, acme)
    finally:
        logging.getLogger().removeHandler(kept)

    assert not any(stopping.url_for(alice) in line or alice.email in line for line in kept.lines)
