"""The app that keeps what was used and what it cost."""

from django.apps import AppConfig

from accounts.zones import zone_changed


class UsageConfig(AppConfig):
    name = "usage"
    verbose_name = "Usage"

    def ready(self) -> None:
        from usage.measuring import catching_up, rezoning

        catching_up.watch()
        zone_changed.connect(rezoning.changed, dispatch_uid="days of another zone")
