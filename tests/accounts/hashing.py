"""Password hashes for tests about how much work is done."""

from django.contrib.auth.hashers import MD5PasswordHasher, PBKDF2PasswordHasher


class TenthOfTheWork(PBKDF2PasswordHasher):
    """The real one, ten times lighter: a missing hash still stands out."""

    iterations = 100_000


class Counted(MD5PasswordHasher):
    times = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).times += 1
        return super().encode(password, salt)
