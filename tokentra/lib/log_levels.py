"""How bad what others log is here."""

import logging
from http import HTTPStatus


class BusyIsNoError(logging.Filter):
    """An answer 503 says to come again, which is a warning; Django writes each as an error."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) == HTTPStatus.SERVICE_UNAVAILABLE and not record.exc_info:
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        return True
