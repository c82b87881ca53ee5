"""Do everything that is due without workers and without Redis."""

from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand
from kombu.exceptions import OperationalError

from providers.finishing import read_all_due
from tokentra.schedule import RINGS
from usage import filling

AFTERWARDS = ("providers.tasks.sync_due", "usage.tasks.fill_samples")


class Command(BaseCommand):
    help = "Run what is scheduled every few seconds or minutes once in this process and read everything that is due."

    def handle(self, *args: Any, **options: Any) -> None:
        current_app.loader.import_default_modules()
        for _, task, every in RINGS:
            is_nightly = not isinstance(every, float)
            if is_nightly or task in AFTERWARDS:
                continue
            try:
                current_app.tasks[task].run()
            except OperationalError:
                self.stderr.write(f"{task} needs Redis and waits for it.")
        while filling.fill_due():
            continue
        windows = sum(done.windows for _, done in read_all_due())
        self.stdout.write(f"Everything that was due is done; {windows} windows were read.")
