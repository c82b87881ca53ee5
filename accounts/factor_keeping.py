"""Second factors at rest and at the door: sealed secrets, names of passkeys, browsers that are remembered."""

import base64
import json
from collections import Counter
from ipaddress import ip_address
from uuid import UUID

from allauth.mfa import app_settings
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.internal.flows import trust
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from accounts.sessions import note_everywhere
from tokentra.lib import crypto
from tokentra.lib.crypto import Place, Sealed

# a person belongs to no organization, and the library hands over a text without whose it is
PLACE = Place(UUID(int=0), UUID(int=0), "second factor")
SEALED = ("secret", "seed")  # where an authenticator's row holds one
WORDS = {
    "incorrect_code": "This is not the code that is shown now, or it was used already.",
    "unverified_email": "Verify your address first, so that nobody can lock its owner out.",
    "cannot_generate_recovery_codes": "Set up an authenticator app or a passkey first.",
}


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Seals what the library would keep in the clear."""

    error_messages = DefaultMFAAdapter.error_messages | WORDS

    def encrypt(self, text: str) -> str:
        return packed(crypto.seal(text, PLACE))

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.unseal(unpacked(encrypted_text), PLACE)

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return f"Passkey {count + 1}"


class SecondFactorStage(AuthenticateStage):  # type: ignore[misc]  # allauth has no types
    """Asks for the second factor, also a browser that was remembered before its person forgot them all."""

    def _should_handle(self, request: HttpRequest) -> bool:
        user = self.login.user
        remembered = trust.decode_trust_cookie(request)
        if isinstance(user, User) and user.browsers_forgotten_at:
            since = user.browsers_forgotten_at.timestamp()
            if any(each.at <= since for each in remembered):
                del request.COOKIES[app_settings.TRUST_COOKIE_NAME]
        return bool(super()._should_handle(request))


def forget_browsers(user: User) -> None:
    user.browsers_forgotten_at = timezone.now()
    user.save(update_fields=["browsers_forgotten_at"])


def drop_second_step(user: User) -> int:
    """For somebody who lost all of it, by the people who run the installation; answers how many there were."""
    count: int = Authenticator.objects.filter(user=user).delete()[0]
    forget_browsers(user)
    note_everywhere("second_factor_removed", user, kind="all", by="command")
    return count


def passkeys_work(request: HttpRequest) -> bool:
    """Browsers have passkeys for a name on https, and for localhost; for no address of numbers."""
    host = request.get_host().rpartition(":")[0] or request.get_host()
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return request.is_secure() or host == "localhost" or host.endswith(".localhost")
    return False


def packed(sealed: Sealed) -> str:
    parts = (sealed.wrapped_key, sealed.ciphertext)
    return json.dumps([sealed.master_id, sealed.sealed_under, *(base64.b64encode(part).decode() for part in parts)])


def unpacked(text: str) -> Sealed:
    master, under, wrapped, ciphertext = json.loads(text)
    return Sealed(master, base64.b64decode(wrapped), under, base64.b64decode(ciphertext))


def rewrap_all() -> int:
    """Wrap what an older master key wraps by the newest one; returns how many secrets moved."""
    return sum(rewrap(pk) for pk in Authenticator.objects.exclude(type="webauthn").values_list("pk", flat=True))


@transaction.atomic
def rewrap(pk: int) -> int:
    kept = Authenticator.objects.select_for_update().filter(pk=pk).first()
    behind = [name for name in SEALED if kept and name in kept.data and is_behind(kept.data[name])]
    for name in behind:
        kept.data[name] = packed(crypto.rewrap(unpacked(kept.data[name]), PLACE))
    if behind:
        kept.save(update_fields=["data"])
    return len(behind)


def is_behind(text: str) -> bool:
    return unpacked(text).master_id != crypto.current_master()


def references() -> Counter[str]:
    """How many second factors each master key wraps."""
    kept = Authenticator.objects.exclude(type="webauthn").values_list("data", flat=True)
    return Counter(unpacked(data[name]).master_id for data in kept for name in SEALED if name in data)
