"""A key came where it is written down on the way: its organization is told, once an hour for each key."""

from datetime import timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.http import calling
from sdk_keys import attempts, resolving
from sdk_keys.models import ApiKey
from tokentra.lib.tenancy import organization_scope

TOLD_FOR = timedelta(hours=1)
NOTED_FOR = timedelta(days=30)  # how long the keys page says so


def tell(key: str, *, where: str, request: HttpRequest) -> None:
    """Note it on the key and in the audit log, with the address it came from; nobody's key is nobody's business."""
    credential = resolving.remembered(key).credential
    if credential is None:
        return
    now = timezone.now()
    came = attempts.Came("key_in_spans") if where == "spans" else attempts.Came("key_misplaced", said=where)
    attempts.write(credential, [came], way="spans" if where == "spans" else "events", now=now)
    with calling(request), organization_scope(credential.organization_id):
        mine = ApiKey.objects.filter(organization_id=credential.organization_id, pk=credential.key_id)
        if mine.filter(Q(misplaced_at=None) | Q(misplaced_at__lt=now - TOLD_FOR)).update(misplaced_at=now):
            found = mine.select_related("organization").get()
            told = {"name": found.name, "key": found.masked, "where": where}
            audit.note("key_misplaced", found.organization, None, about=found, **told)
