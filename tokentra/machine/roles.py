"""The database roles and how each logs in. Standard library only: settings import it."""

import hashlib
import hmac
import os
from urllib.parse import quote, urlsplit, urlunsplit

OWNER, APP, WORKER, SWEEP, STAFF = ROLES = ("tt_owner", "tt_app", "tt_worker", "tt_sweep", "tt_staff")
TIMEOUTS = {APP: "30s", WORKER: "120s", SWEEP: "30s", STAFF: "30s"}


def role_password(role: str) -> str:
    """The role's password on an operator's database, where there is no peer authentication."""
    return hmac.new(os.environ["SECRET_KEY"].encode(), f"tokentra role {role}".encode(), hashlib.sha256).hexdigest()


def as_role(database_url: str, role: str) -> str:
    """The operator's address, with the role in place of the operator's login."""
    parts = urlsplit(database_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role)}:{role_password(role)}@{host}"))
