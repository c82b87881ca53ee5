"""Tokens of password reset links: 256 bits, for one hour, one person, one address and one use."""

from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.crypto import salted_hmac
from django.utils.http import int_to_base36


class ResetTokens(EmailAwarePasswordResetTokenGenerator):  # type: ignore[misc]  # allauth has no types
    """Nothing is stored: the token signs the password hash, last login and addresses, so it works once.

    Django keeps every second digit of its signature, which leaves 128 bits; here all of them stay.
    """

    key_salt = "accounts.reset_tokens"

    def _make_token_with_timestamp(self, user: AbstractBaseUser, timestamp: int, secret: str) -> str:
        value = self._make_hash_value(user, timestamp)
        signature = salted_hmac(self.key_salt, value, secret=secret, algorithm=self.algorithm).hexdigest()
        return f"{int_to_base36(timestamp)}-{signature}"
