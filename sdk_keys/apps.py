"""TokenTra's own API keys: making and ending them, and telling whose request a key comes with."""

from typing import Any

from django.apps import AppConfig


class SdkKeysConfig(AppConfig):
    name = "sdk_keys"
    verbose_name = "API keys"

    def ready(self) -> None:
        from django.db.models.signals import post_delete

        from accounts import closing  # models are ready only now
        from accounts.gates import key_misplaced
        from accounts.signup import signed_up_by_json
        from sdk_keys.models import ApiKey

        closing.closing.connect(ended, dispatch_uid="API keys")
        closing.counted.connect(told, dispatch_uid="API keys")
        signed_up_by_json.connect(signed_up, dispatch_uid="first key")
        key_misplaced.connect(misplaced, dispatch_uid="misplaced key")
        post_delete.connect(gone, sender=ApiKey, dispatch_uid="deleted key")


def ended(organization: Any, **_: Any) -> None:
    from sdk_keys import closing  # models are ready only now

    closing.end_all(organization)


def told(organization: Any, **_: Any) -> list[tuple[int, str, str]]:
    from sdk_keys import closing  # models are ready only now

    return closing.count(organization)


def signed_up(user: Any, **_: Any) -> str | None:
    from sdk_keys import first_keys  # models are ready only now

    return first_keys.for_new_person(user)


def misplaced(key: str, where: str, request: Any, **_: Any) -> None:
    from sdk_keys import misplacing  # models are ready only now

    misplacing.tell(key, where=where, request=request)


def gone(instance: Any, **_: Any) -> None:
    """Deleted with its organization; of one that was revoked before, every process was told then."""
    from sdk_keys import resolving  # models are ready only now

    if instance.revoked_at is None:
        resolving.forget(instance)
