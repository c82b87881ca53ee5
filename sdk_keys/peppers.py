"""Which master keys the digests of living keys rest on: a digest moves to the newest one when its key is used."""

from collections import Counter

from django.db.models import Count, Q
from django.utils import timezone

from sdk_keys.models import KeyDigest
from tokentra.lib.tenancy import as_sweep


def references() -> Counter[str]:
    """How many keys that work would be unknown without each master key."""
    with as_sweep():
        living = KeyDigest.objects.filter(Q(key__expires_at=None) | Q(key__expires_at__gt=timezone.now()))
        counts = living.filter(key__revoked_at=None).values_list("master_id").annotate(count=Count("organization_id"))
        return Counter(dict(counts.order_by()))
