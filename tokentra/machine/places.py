"""Where an installation keeps its data and its sockets. Standard library only: settings import it."""

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
VAR = Path(os.environ.get("TOKENTRA_VAR") or ROOT / "var").absolute()
POSTGRES_DATA = VAR / "postgres"
REDIS_DATA = VAR / "redis"
SECRETS = VAR / "secrets.env"
DATABASE = "tokentra"


def socket_dir(data: Path) -> Path:
    """A short directory for one service's sockets, whose paths may have no more than 107 bytes."""
    return Path(tempfile.gettempdir()) / f"tt-{hashlib.sha256(str(data).encode()).hexdigest()[:10]}"


def redis_socket() -> Path:
    return socket_dir(REDIS_DATA) / "redis.sock"


def embedded_database_url(role: str) -> str:
    return f"postgresql://{role}@{quote(str(socket_dir(POSTGRES_DATA)), safe='')}/{DATABASE}"


def redis_url() -> str:
    """For redis-py and Django's cache."""
    return f"unix://{redis_socket()}"


def celery_url() -> str:
    return f"redis+socket://{redis_socket()}?virtual_host=0"
