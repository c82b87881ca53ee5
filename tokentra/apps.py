"""The project as an app: tags load, tasks find their broker, the database is prepared before migrations."""

from django.apps import AppConfig
from django.db.models.signals import pre_migrate


class TokentraConfig(AppConfig):
    name = "tokentra"

    def ready(self) -> None:
        import tokentra.celery  # noqa: F401  # shared tasks ring our broker from here on
        from tokentra.lib.grants import prepare_schema

        pre_migrate.connect(prepare_schema, dispatch_uid="prepare_schema")
