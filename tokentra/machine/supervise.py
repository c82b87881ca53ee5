"""Start everything, say where it is, watch over it, and end it in order."""

import errno
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import xmlrpc.client
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from types import FrameType

from tokentra.machine import (
    borrowed_postgres,
    browser,
    first_steps,
    forking,
    places,
    postgres,
    private_dirs,
    programs,
    redis,
    run_identity,
    supervisor_conf,
)
from tokentra.machine.control import Control, wake
from tokentra.machine.refusal import Refusal
from tokentra.machine.watchdog import Watchdog

RUN = places.VAR / "run.id"
CONF = places.VAR / "supervisord.conf"
SOCKET = places.socket_dir(places.VAR) / "supervisor.sock"
READY_SECONDS = 120
STOP_SECONDS = 60
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
UNREACHABLE = (OSError, http.client.HTTPException, xmlrpc.client.Error)


class Ended(Exception):
    """Somebody asked us to end."""


def main() -> int:
    for number in ENDING:
        signal.signal(number, _end)
    try:
        host, port = _address()
        with run_identity.claimed(RUN):
            _refuse_taken_port(host, port)
            _run(host, port)
    except Refusal as refusal:
        say(f"TokenTra does not start: {refusal}.")
        return 1
    except Ended:
        say("TokenTra has ended")
    return 0


def _run(host: str, port: int) -> None:
    here = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104  # compared, not bound
    os.environ.setdefault("TOKENTRA_SITE_URL", f"http://{here}:{port}")
    if os.environ.get("DEMO", "0") not in ("", "0"):
        os.environ["TOKENTRA_DEMO_TOKEN"] = secrets.token_urlsafe(24)
    os.environ.setdefault("PYTHONWARNINGS", "ignore:You're running the worker")  # as root; Celery's, each time
    say("TokenTra is starting")
    while True:
        with _supervisor(f"{host}:{port}") as supervisor:
            control = Control(SOCKET)
            try:
                _bring_up(control, supervisor, here, port)
                _watch(supervisor, Watchdog(control, programs.worker_names(), say))
            except UNREACHABLE:
                supervisor.kill()
        say("the supervisor ended unexpectedly; everything is started again")
        run_identity.clear(os.environ[run_identity.VARIABLE])


def _bring_up(control: Control, supervisor: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    """Web alone first: on a small machine it would share the processors with four others that load."""
    control.start("web")
    _wait_until_ready(supervisor, host, port)
    say(f"TokenTra is ready: {os.environ['TOKENTRA_SITE_URL'].rstrip('/')}/")
    for name in (*programs.worker_names(), "beat"):
        control.start(name)
    if token := os.environ.get("TOKENTRA_DEMO_TOKEN"):
        command = [sys.executable, str(places.ROOT / "manage.py"), "seed_demo"]
        if subprocess.run(command, check=False).returncode == 0:
            link = f"http://{host}:{port}/demo/{token}/"
            say(f"The sample organization, signed in: {link}")
            browser.show(link)


def _watch(supervisor: "subprocess.Popen[bytes]", watchdog: Watchdog) -> None:
    """Until the supervisor is gone."""
    while supervisor.poll() is None:
        watchdog.wake()
        with suppress(subprocess.TimeoutExpired):
            supervisor.wait(1)


@contextmanager
def _supervisor(address: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs supervisor with its services up and the database prepared; ends it on leaving, scheduler first."""
    supervisor = _start_services(address)
    try:
        first_steps.take(first_steps.STAMP)
        yield supervisor
    finally:
        _stop(supervisor)


def _start_services(address: str) -> "subprocess.Popen[bytes]":
    private_dirs.make_for_sockets(places.VAR, None)
    services = programs.services()
    names = {service.name for service in services}
    if "redis" in names:
        redis.prepare(places.REDIS_DATA)
    with borrowed_postgres.handed_over(places.POSTGRES_DATA, say):
        if "postgres" in names and postgres.prepare(places.POSTGRES_DATA):
            say("a new database was made")
        supervisor_conf.write(CONF, services, programs.own(address), socket=SOCKET)
        supervisor = subprocess.Popen(
            forking.command(CONF),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=places.ROOT,
            env=os.environ | programs.GIVES_BACK,
            start_new_session=True,
        )
        threading.Thread(target=_pass_on, args=[supervisor], daemon=True).start()
        try:
            wake(SOCKET)
            if "postgres" in names:
                postgres.wait(places.POSTGRES_DATA)
            if "redis" in names:
                redis.wait(places.REDIS_DATA)
        except BaseException:
            _stop(supervisor)
            raise
    return supervisor


def _stop(supervisor: "subprocess.Popen[bytes]") -> None:
    """Scheduler, web, workers, Redis, Postgres; workers finish their task while the web answers its last."""
    with suppress(*UNREACHABLE):
        control = Control(SOCKET)
        control.stop("beat")
        for name in programs.worker_names():
            control.stop(name, wait=False)
    supervisor.terminate()
    try:
        supervisor.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()
    for data in (places.VAR, places.REDIS_DATA, places.POSTGRES_DATA):
        private_dirs.remove_for_sockets(data)


def _pass_on(supervisor: "subprocess.Popen[bytes]") -> None:
    """Through a pipe of ours: supervisor opens /dev/fd/1 by name, which not every kind of stdout allows."""
    for line in supervisor.stdout or ():
        if line.strip():
            with suppress(OSError):
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()


def _wait_until_ready(supervisor: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if supervisor.poll() is not None:
            raise ConnectionResetError
        connection = http.client.HTTPConnection(host, port, timeout=5)
        with suppress(OSError, http.client.HTTPException), closing(connection):
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.05)
    raise Refusal(f"the web server did not answer within {READY_SECONDS} seconds; its lines above say why")


def _address() -> tuple[str, int]:
    host, _, port = (os.environ.get("TOKENTRA_BIND") or "127.0.0.1").partition(":")
    port = port or os.environ.get("PORT") or "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise Refusal(f"PORT must be a number between 1 and 65535, not {port}")
    return host, int(port)


def _refuse_taken_port(host: str, port: int) -> None:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Refusal(f"it cannot listen on {host}:{port} ({error.strerror})") from None
            other = f"make run PORT={port + 1}"
            raise Refusal(f"port {port} is in use; end the program that has it, or choose another: {other}") from None


def _end(number: int, frame: FrameType | None) -> None:
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    raise Ended


def say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
