"""The secrets of an embedded installation: made at its first start, read by every later command."""

import base64
import os
import secrets
from pathlib import Path
from typing import Any

from tokentra.machine import places

NAMES = {"SECRET_KEY": "secret_key", "TOKENTRA_ENCRYPTION_KEYS": "encryption_keys"}


def load_or_create() -> dict[str, Any]:
    """What settings take from the file: nothing when the operator has set a SECRET_KEY or an own database."""
    if os.environ.get("SECRET_KEY") or os.environ.get("DATABASE_URL"):
        return {}
    if not places.SECRETS.exists():
        _create(places.SECRETS)
    lines = places.SECRETS.read_text().splitlines()
    found = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    kept = {NAMES[name]: value for name, value in found.items() if name in NAMES and not os.environ.get(name)}
    return {**kept, "secrets_are_generated": True}


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (
        "# Made at the first start. Keep a copy: without it the stored provider keys cannot be read.\n"
        f"SECRET_KEY={secrets.token_urlsafe(48)}\n"
        f"TOKENTRA_ENCRYPTION_KEYS={base64.b64encode(secrets.token_bytes(32)).decode()}\n"
    )
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails when another process was first: then its secrets are the ones
    except FileExistsError:
        pass
    finally:
        draft.unlink()
