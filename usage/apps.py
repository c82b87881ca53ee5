"""The app that keeps what was used and what it cost."""

from typing import Any

from django.apps import AppConfig

from accounts.zones import zone_changed


class UsageConfig(AppConfig):
    name = "usage"
    verbose_name = "Usage"

    def ready(self) -> None:
        from accounts import closing  # models are ready only now
        from usage.measuring import catching_up, rezoning

        catching_up.watch()
        closing.counted.connect(told, dispatch_uid="usage")
        zone_changed.connect(rezoning.changed, dispatch_uid="days of another zone")


def told(organization: Any, **_: Any) -> list[tuple[int, str, str]]:
    from usage import closing  # models are ready only now

    return closing.count(organization)
