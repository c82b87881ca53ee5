"""The doorbell: tells a worker to look for marks. Nothing depends on its being heard."""

import logging
from functools import partial
from typing import Any
from uuid import UUID

from django.db.transaction import on_commit
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def ring_on_commit(task: Any, *ids: UUID) -> None:
    """Ring for this task once the transaction is committed."""
    on_commit(partial(ring, task, *ids), robust=True)


def ring(task: Any, *ids: UUID) -> None:
    """Ring now. Without Redis nobody hears it, and the sweep finds the mark later."""
    try:
        task.apply_async(tuple(map(str, ids)), retry=False)
    except OperationalError as away:
        log.warning("the doorbell of %s did not ring: %s", task.name, type(away).__name__)
