"""The Celery app of the scheduler, which rings by name and therefore loads neither Django nor any task."""

import logging.config

from tokentra import settings
from tokentra.ids_only import IdsOnly
from tokentra.schedule import beat_schedule

logging.config.dictConfig(settings.LOGGING)

app = IdsOnly("tokentra", fixups=[])
app.config_from_object(settings, namespace="CELERY")
app.conf.beat_schedule = beat_schedule()
