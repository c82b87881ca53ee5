"""What we write to people: each letter is one text, drawn plainly and as HTML."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from accounts import outbox
from accounts.invited import Invitation
from accounts.models import Organization, OutboxMail, User


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, or one of the two things that stand alone: a link and a code."""

    text: str

    @property
    def is_link(self) -> bool:
        return self.text.startswith(("https://", "http://")) and len(self.text.split()) == 1

    @property
    def is_code(self) -> bool:
        return self.text.isdigit()


def write(name: str, to: str, context: dict[str, Any], *, held: bool = False) -> OutboxMail:
    """Put a letter into the outbox. The first line of `emails/<name>.txt` is its subject."""
    values = context | {"site_url": settings.SITE_URL, "support_url": settings.SUPPORT_URL}
    subject, _, text = render_to_string(f"emails/{name}.txt", values).strip().partition("\n")
    paragraphs = [Paragraph(part.strip()) for part in text.split("\n\n") if part.strip()]
    html = render_to_string("emails/letter.html", values | {"subject": subject, "paragraphs": paragraphs})
    return outbox.put(to, subject, text.strip(), html, held=held)


def welcome(user: User, organization: Organization, *, held: bool, invited: bool) -> None:
    write("welcome", user.email, {"user": user, "organization": organization, "invited": invited}, held=held)


def invitation(offer: Invitation, link: str) -> OutboxMail:
    values = {"invitation": offer, "organization": offer.organization, "inviter": offer.invited_by, "link": link}
    return write("invitation", offer.email, values)
