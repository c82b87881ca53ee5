"""The demonstration's door: signs its visitor in, on this machine only, with the token of this start."""

import secrets

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest

from accounts import sessions
from accounts.models import User

EMAIL = "demo@tokentra.example"
LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}


def opens_for(request: HttpRequest, token: str) -> bool:
    """Whether a demonstration runs, this is its token, and the browser is on this machine."""
    expected: str = settings.DEMO_TOKEN
    is_ours = bool(expected) and secrets.compare_digest(token.encode(), expected.encode())
    host = request.get_host().rsplit(":", 1)[0] if not request.get_host().endswith("]") else request.get_host()
    return is_ours and host in LOOPBACK and request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1", ""}


def enter(request: HttpRequest) -> bool:
    """Sign the demonstration's person in; False while `manage.py seed_demo` has not made them."""
    user = User.objects.filter(email=EMAIL, is_active=True).first()
    if user is None:
        return False
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    sessions.began(request)
    return True
