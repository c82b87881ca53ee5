"""The Celery app of the workers and of everybody who rings for them: which tasks there are."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tokentra.settings")

from tokentra.ids_only import IdsOnly

app = IdsOnly("tokentra")
app.set_default()  # for every thread of the web server, not only the one that imports this
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["tokentra.machine"], related_name="heartbeat")
