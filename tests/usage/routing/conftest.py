"""The people, the afternoon and the way of sending of the pages of measured spend."""

from tests.usage.spenders.conftest import _noon, alices, mallorys, send

__all__ = ["_noon", "alices", "mallorys", "send"]
