"""When a key was last used: to the hour, noted once an hour by each process, beside what was asked for."""

import logging
from datetime import datetime

from django.db import Error
from django.db.models import Q

from accounts.http import Credential
from sdk_keys.models import ApiKey
from tokentra.lib.cache import in_process
from tokentra.lib.tenancy import kept_within, organization_scope

log = logging.getLogger(__name__)

AN_HOUR = 3600


def note(credential: Credential, *, now: datetime) -> None:
    """Never raises for a database that does not take it: the request was served, and the next one notes it."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    name, noted = kept_within(credential.organization_id, "key-used", credential.key_id, hour), in_process("process")
    if not noted.add(name, True, AN_HOUR):
        return
    try:
        with organization_scope(credential.organization_id, up_to_date=False):
            mine = ApiKey.objects.filter(organization_id=credential.organization_id, pk=credential.key_id)
            mine.filter(Q(last_used_at=None) | Q(last_used_at__lt=hour)).update(last_used_at=hour)
    except Error:
        noted.delete(name)
        log.warning("the last use of key %s could not be noted", credential.key_id)
