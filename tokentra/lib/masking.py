"""Masks what looks like a secret, in log lines, errors and whatever is about to be stored."""

import logging
import re

MASK = "[masked]"

# Kinds that can be told by their beginning. Keys without one (Mistral's 32 characters, Cohere's 40) look
# like any hash, so nothing but their header or field name gives them away.
_BY_PREFIX = (
    r"sk-(?:admin|proj|svcacct|service|None)-[\w*.…-]{6,}",
    r"sk-ant-[a-z]+\d*-[\w*.…-]{6,}",
    r"sk-or-v1-[0-9a-fA-F*.…]{6,}",
    r"sk-[A-Za-z0-9*]{20,}",
    r"AIza[\w-]{30,}",
    r"ya29\.[\w.-]{10,}",
    r"(?<![A-Za-z0-9])A[KS]IA[A-Z2-7]{16}(?![A-Za-z0-9])",
    r"ABSK[A-Za-z0-9+/=]{20,}",
    r"tt_(?:live|test)_[0-9A-Za-z]{12,}",
    r"tt_(?:invite|ask|scim)_[\w-]{12,}",
    r"eyJ[\w-]{10,}+(?:\.[\w-]{10,}+\.[\w-]{6,}|[\w.-]*+…)",  # whole, or cut
)
_SECRET = re.compile(r"(?<![A-Za-z0-9_])(?:" + "|".join(_BY_PREFIX) + ")")
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
# Names that tell a secret, alone or at the end of another: OPENAI_API_KEY, openaiApiKey.
_BEGINS = r"(?:(?<![A-Za-z0-9])|(?<=[a-z])(?=[A-Z]))"
_AUTHORIZATION_NAME = rf"{_BEGINS}((?ai:(?:proxy-)?authorization))"
_NAME = (
    rf"{_BEGINS}((?ai:(?:x-)?(?:goog-)?api[-_]?key|x-amz-security-token|cookie|access_token|password"
    r"|(?:client[-_]?)?secret(?:[-_]?(?:access[-_]?)?key)?))"
)
_IS = r"(\\?[\"']?\s*(?:[:=,]|=>)\s*(?:[bB](?=[\"']))?\\?[\"']?)"
_VALUE = r"[^\s\"'\\,;})\]]+"
_PART = rf'[\w-]+=(?:\\?"[^"\\]*+\\?"|{_VALUE})'  # of a digest or a signature
_SCHEMES = "bearer|basic|token|digest|negotiate|ntlm|hawk|oauth|key|apikey|ssws|aws4-hmac-sha256|sharedaccesssignature"
_AUTHORIZATION = re.compile(
    rf"{_AUTHORIZATION_NAME}{_IS}((?ai:{_SCHEMES})\s+)?+"
    rf"(?!\[masked\])(?:[A-Za-z][\w-]*+[ \t]++(?={_PART}))?+(?:{_PART}|{_VALUE})(?:\s*,\s*{_PART}|; ?{_PART}|;[\w-]+)*+"
)
_HEADER = re.compile(rf"{_NAME}{_IS}((?ai:bearer)\s+)?+(?!\[masked\]){_VALUE}(?:; ?{_VALUE}={_VALUE})*")
_MARKS = re.compile(rf"(?:{_AUTHORIZATION_NAME}|{_NAME})\Z")
_PERSONAL = r"(?:name|mail|phone|user|actor|person|address)"
_PERSONAL_FIELD = re.compile(rf'(?i)("[\w .-]*{_PERSONAL}[\w .-]*"\s*:\s*")(?!\[masked\])(?:[^"\\]|\\.)*')
_ADDRESS = re.compile(r"[\w.+%-]+@[\w.-]+")
_LINE = re.compile(r"\n(?! {4})")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
_BEARER = re.compile(r"\b((?ai:bearer))\s+(?!\[masked\])[\w.~+/=-]{12,}")

# Whatever is masked holds one of these: the first as they are, the others in capitals or not.
SIGNS = ("sk-", "tt_", "AKIA", "ASIA", "AIza", "ya29.", "ABSK", "eyJ", "PRIVATE KEY")
SIGNS_IN_ANY_CASE = (
    *("bearer", "authorization", "api-key", "api_key", "apikey", "x-amz-security-token", "cookie"),
    *("access_token", "password", "secret"),
)


def may_hold_secret(text: str) -> bool:
    """Told fast where it does not."""
    if any(map(text.__contains__, SIGNS)):
        return True
    lowered = text.lower()
    return any(map(lowered.__contains__, SIGNS_IN_ANY_CASE))


def marks_secret(name: str) -> bool:
    """Whether what stands under this name is a secret, whatever it looks like."""
    return _MARKS.search(name) is not None


def mask(text: str) -> str:
    """The text with every secret-shaped part replaced; masking twice changes nothing more."""
    if not may_hold_secret(text):
        return text
    text = _PEM.sub(MASK, text)
    for named in (_AUTHORIZATION, _HEADER):
        text = named.sub(lambda found: f"{found[1]}{found[2]}{found[3] or ''}{MASK}", text)
    text = _BEARER.sub(lambda found: f"{found[1]} {MASK}", text)
    return _SECRET.sub(MASK, text)


def mask_personal(text: str) -> str:
    """The text without mail addresses and without what JSON holds under names of people's things."""
    return _ADDRESS.sub(MASK, _PERSONAL_FIELD.sub(lambda found: f"{found[1]}{MASK}", text))


def is_personal(name: str) -> bool:
    """Whether a field of this name may hold what tells who somebody is."""
    return re.search(f"(?i){_PERSONAL}", name) is not None


def one_entry(text: str) -> str:
    """A text whose further lines are indented, so that none passes for another entry, and that moves no cursor."""
    return _LINE.sub("\n    ", _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text))


class MaskSecrets(logging.Filter):
    """Goes on every handler: the line, its traceback and its stack are masked before they are written, as one entry."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            line = record.getMessage()
        except Exception:  # a line that cannot be written must not end the work that it tells of
            line = f"{record.msg!r} with {len(record.args or ())} arguments that cannot be written"
        record.msg, record.args = one_entry(mask(line)), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = one_entry(mask(record.exc_text))
        if record.stack_info:
            record.stack_info = one_entry(mask(record.stack_info))
        return True
