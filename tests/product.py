"""The whole product as one child process: what `make run` starts, in a directory of its own."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from http.cookiejar import CookieJar
from pathlib import Path
from socket import socket
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, ProxyHandler, Request, build_opener

import psutil

ROOT = Path(__file__).resolve().parent.parent
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
Found = TypeVar("Found")
Installed = Callable[[], Path]  # makes a directory with an installation that was started before

EMAIL, PASSWORD = "owner@acme.example", "correct horse battery"


def wait_for(question: Callable[[], Found], seconds: float, what: str, *, every: float = 0.1) -> Found:
    """Ask until the answer is true; AssertionError with `what` when time is up."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(OSError, http.client.HTTPException, psutil.Error):
            if answer := question():
                return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(every)  # between two looks at a condition


def free_port() -> int:
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Product:
    """One running installation. Its log is a file that `log` reads; `env` adds to a bare environment."""

    def __init__(self, var: Path, env: Mapping[str, str] | None = None) -> None:
        self.var, self.port = var, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        bare = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.env = bare | {"TOKENTRA_VAR": str(var), "PORT": str(self.port), "PYTHONUNBUFFERED": "1"} | dict(env or {})
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Product":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self.var.mkdir(parents=True, exist_ok=True)
        with (self.var / "product.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tokentra.machine.supervise"],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_for(self.is_ready, 90, f"the product is ready; its log ends:\n{self.log[-3000:]}")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.process = None
        return code

    @property
    def log(self) -> str:
        return (self.var / "product.log").read_text(errors="replace")

    def is_ready(self) -> bool:
        assert self.process is None or self.process.poll() is None, f"it ended:\n{self.log[-3000:]}"
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200

    def children(self, *words: str) -> list[psutil.Process]:
        """Processes of this installation whose command line holds all the words."""
        found = []
        for process in psutil.process_iter(["environ", "cmdline"]):
            mine = (process.info["environ"] or {}).get("TOKENTRA_VAR") == str(self.var)
            if mine and all(word in " ".join(process.info["cmdline"] or ()) for word in words):
                found.append(process)
        return found

    def database(self) -> list[psutil.Process]:
        """Its Postgres, which runs in an environment of its own."""
        master = psutil.Process(int((self.var / "postgres" / "postmaster.pid").read_text().split()[0]))
        return [master, *master.children()]

    def kill(self, *words: str) -> list[int]:
        """kill -9; returns the pids, at least one."""
        found = self.children(*words)
        assert found, f"no process with {words}"
        for process in found:
            process.kill()
        return [process.pid for process in found]

    def kill_all(self) -> dict[int, str]:
        """kill -9 to every process of it at once, also to the one that would start the others again."""
        assert self.process is not None
        found = self.children()
        names = {process.pid: " ".join(process.cmdline()) for process in found}
        for process in found:  # nobody does anything any more before the first of them dies
            process.suspend()
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(30)
        self.process = None
        psutil.wait_procs(found, timeout=30)
        return names

    def manage(self, *command: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
        """Run a command beside it; returns what it said. AssertionError when it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.env | dict(env or {}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def bootstrap(self, *, staff: bool = False) -> "Api":
        """An owner with an organization called Acme, signed in."""
        self.manage(
            "bootstrap",
            env={
                "TOKENTRA_BOOTSTRAP_EMAIL": EMAIL,
                "TOKENTRA_BOOTSTRAP_PASSWORD": PASSWORD,
                "TOKENTRA_BOOTSTRAP_ORGANIZATION": "Acme",
            }
            | ({"TOKENTRA_BOOTSTRAP_STAFF": "1"} if staff else {}),
        )
        return Api(self.url).sign_in(EMAIL, PASSWORD)


class Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


class Api:
    """A program that nobody here wrote: cookies, the CSRF header and JSON, by the standard library alone."""

    def __init__(self, url: str) -> None:
        self.url, self.cookies = url, CookieJar()
        self.opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self.cookies), Stay())

    def sign_in(self, email: str, password: str) -> "Api":
        page = self.send("GET", "/login/")[1].decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token, page
        form = urlencode({"login": email, "password": password, "csrfmiddlewaretoken": token.group(1)})
        status, body = self.send("POST", "/login/", form.encode(), {"Referer": f"{self.url}/login/"})
        assert status == 302, body[-2000:]
        return self

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        request = Request(self.url + path, data=body, method=method, headers=dict(headers or {}))
        try:
            with self.opener.open(request, timeout=60) as answer:
                return answer.status, answer.read()
        except HTTPError as refused:
            return refused.code, refused.read()

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One JSON request of the signed-in session; status and decoded body."""
        token = next((cookie.value for cookie in self.cookies if cookie.name.endswith("csrftoken")), "") or ""
        headers = {"X-CSRFToken": token, "Content-Type": "application/json", "Referer": self.url}
        status, raw = self.send(method, path, json.dumps(body).encode() if body is not None else None, headers)
        return status, json.loads(raw) if raw else None

    def get(self, path: str) -> Any:
        status, body = self.call("GET", path)
        assert status == 200, body
        return body
