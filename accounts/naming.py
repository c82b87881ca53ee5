"""Names: how they are kept, and what an organization is called before anybody says so."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.text import slugify

LONGEST = 100
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
LOOKALIKES = {"LATIN", "CYRILLIC", "GREEK", "CHEROKEE", "ARMENIAN"}

# mailboxes that say nothing about an employer
FREE_MAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "msn.com",
        "yahoo.com",
        "ymail.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "aol.com",
        "proton.me",
        "protonmail.com",
        "pm.me",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "web.de",
        "t-online.de",
        "mail.com",
        "mail.ru",
        "yandex.com",
        "yandex.ru",
        "qq.com",
        "163.com",
        "126.com",
        "zoho.com",
        "fastmail.com",
        "hey.com",
        "tutanota.com",
        "orange.fr",
        "free.fr",
        "laposte.net",
        "libero.it",
    ]
)
SECOND_LEVELS = frozenset(["co", "com", "org", "net", "ac", "gov", "edu", "or", "ne", "go", "gob"])


def clean_name(text: str, *, longest: int = LONGEST) -> str:
    """One line in one Unicode form (NFKC), spaces folded.

    Raises ValidationError for line breaks, invisible characters, letters that pass for those of another
    alphabet, and text that is too long.
    """
    if any(unicodedata.category(letter) in INVISIBLE for letter in text):
        raise ValidationError("Write the name on one line, without invisible characters.", code="invalid_name")
    name = " ".join(unicodedata.normalize("NFKC", text[: longest * 8]).split())
    if len(name) > longest or len(text) > longest * 8:
        raise ValidationError(f"Use at most {longest} characters.", code="name_too_long")
    for word in re.findall(r"\w+", name):
        if len(alphabets(word) & LOOKALIKES) > 1:
            raise ValidationError(f"“{word}” mixes letters of two alphabets. Write it in one.", code="mixed_alphabets")
    return name


def alphabets(word: str) -> set[str]:
    return {unicodedata.name(letter, "?").split(" ")[0] for letter in word if letter.isalpha()}


def fold(address: str) -> str:
    """An address in the form in which addresses are compared and kept."""
    return unicodedata.normalize("NFKC", address).strip().casefold()


def keeps_its_domain(address: str) -> bool:
    """Whether no letter of its domain becomes another one on the way, as ß becomes ss: that may be somebody else's."""
    domain = unicodedata.normalize("NFKC", address.rpartition("@")[2]).strip().lower()
    try:
        return domain.isascii() or domain.encode("idna").decode("idna") == domain
    except UnicodeError:
        return False


def organization_name(email: str, full_name: str = "") -> str:
    """What an organization is called until somebody renames it: its mail domain, else the person."""
    local, _, domain = fold(email).rpartition("@")
    if domain not in FREE_MAIL and (label := company_label(domain)):
        return titled(label)[:LONGEST]
    return (full_name or titled(local.split("+")[0]))[:LONGEST] or "My organization"


def company_label(domain: str) -> str:
    """`acme-labs` of `mail.acme-labs.co.uk`."""
    labels = [label for label in domain.split(".") if label]
    if len(labels) < 2:
        return ""
    at = -3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVELS else -2
    return labels[at]


def titled(text: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in re.split(r"[^\w]+|_", text) if word)


def slug_for(name: str) -> str:
    return slugify(name)[:50].strip("-") or "organization"
