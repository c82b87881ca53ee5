"""What we write to people: each letter is one text, drawn plainly and as HTML."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from accounts import outbox, stopping
from accounts.invited import Invitation
from accounts.mailed import OutboxMail
from accounts.models import Organization, User

FOOT = "--"  # a paragraph of its own; what stands below it is small print


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, or one of what stands alone: a link, with a label on the line above or without one, and a code."""

    text: str

    @property
    def is_code(self) -> bool:
        return self.text.isdigit()

    @property
    def link(self) -> str:
        last = self.text.rpartition("\n")[2]
        is_link = last.startswith(("https://", "http://")) and len(last.split()) == 1
        return last if is_link and self.text.count("\n") < 2 else ""

    @property
    def label(self) -> str:
        """What the link does; "" for one that is shown as it is."""
        return self.text.rpartition("\n")[0].rstrip(":")


def write(name: str, to: str, context: dict[str, Any], *, stop_url: str = "", **more: Any) -> OutboxMail:
    """Put a letter into the outbox, with `more` columns. The first line of `emails/<name>.txt` is its subject."""
    values = context | {"site_url": settings.SITE_URL, "support_url": settings.SUPPORT_URL, "stop_url": stop_url}
    subject, _, text = render_to_string(f"emails/{name}.txt", values).strip().partition("\n")
    body, _, foot = text.strip().partition(f"\n\n{FOOT}\n\n")
    drawn = values | {"subject": subject, "paragraphs": paragraphs(body), "foot": paragraphs(foot)}
    html = render_to_string("emails/letter.html", drawn)
    return outbox.put(to, subject, text.strip(), html, kind=name, stop_url=stop_url, **more)


def paragraphs(text: str) -> list[Paragraph]:
    return [Paragraph(part.strip()) for part in text.split("\n\n") if part.strip()]


def guide(name: str, user: User, context: dict[str, Any], **more: Any) -> OutboxMail:
    """Write to somebody about their next step. The caller knows that they want such letters."""
    return write(name, user.email, context | {"user": user}, stop_url=stopping.url_for(user), **more)


def welcome(user: User, organization: Organization, *, held: bool, invited: bool) -> None:
    write("welcome", user.email, {"user": user, "organization": organization, "invited": invited}, held=held)


def invitation(offer: Invitation, link: str, *, by: User) -> OutboxMail:
    values = {"invitation": offer, "organization": offer.organization, "inviter": offer.invited_by, "link": link}
    return write("invitation", offer.email, values, asked_by=by, good_until=offer.expires_at)
