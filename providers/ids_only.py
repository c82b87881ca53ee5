"""A task that carries ids: whatever looks like a key is refused before it reaches the broker (reliability E14)."""

from typing import Any

from celery.contrib.django.task import DjangoTask

from tokentra.lib.masking import mask


class SecretInTask(ValueError):
    """Somebody gave a task something that looks like a secret."""


class IdsOnly(DjangoTask):  # type: ignore[misc]  # celery has no types
    """Base of tasks whose arguments are written down in the broker."""

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        written = repr((args, kwargs))
        if mask(written) != written:
            raise SecretInTask(f"{self.name} was given something that looks like a secret")
        return super().apply_async(args, kwargs, **options)
