"""Told to the apps above: that an organization has another time zone."""

from django.dispatch import Signal

zone_changed = Signal()
"""Sent inside the organization's scope, after it was stored: `organization`, and the zone that was its `former`."""
