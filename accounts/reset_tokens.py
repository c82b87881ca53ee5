"""Tokens of password reset links: 256 bits, for one hour, one person, one address and one use."""

from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from django.utils.crypto import salted_hmac
from django.utils.http import int_to_base36

from accounts.models import User


class ResetTokens(EmailAwarePasswordResetTokenGenerator):  # type: ignore[misc]  # allauth has no types
    """Nothing is stored: the token signs the password hash, last login and addresses, so it works once.

    A link that an owner handed over opens no organization that its person has joined since.

    Django keeps every second digit of its signature, which leaves 128 bits; here all of them stay.
    """

    key_salt = "accounts.reset_tokens"

    def _make_token_with_timestamp(self, user: User, timestamp: int, secret: str) -> str:
        value = f"{self._make_hash_value(user, timestamp)}{user.joined_at}"
        signature = salted_hmac(self.key_salt, value, secret=secret, algorithm=self.algorithm).hexdigest()
        return f"{int_to_base36(timestamp)}-{signature}"
