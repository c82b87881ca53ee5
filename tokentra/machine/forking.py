"""Supervisor, which loads our code once and forks our programs instead of executing them: they share what is loaded.

What cannot be loaded here is executed, as supervisor always does, and says itself what is wrong.
"""

import atexit
import ctypes
import gc
import os
import runpy
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from supervisor import supervisord
from supervisor.options import ProcessConfig, ServerOptions
from supervisor.process import Subprocess

MODULE = "tokentra.machine.forking"
ROOM = " " * 400  # the last argument: over it a forked program writes its own command line
# What is loaded when the first of them starts: nothing that connects, listens or begins a thread.
NEEDED = {
    "gunicorn": ("tokentra.urls", "gunicorn.app.wsgiapp"),
    "celery": ("celery.bin.celery", "celery.apps.worker", "celery.apps.beat", "kombu.transport.redis"),
}

_loaded: dict[str, bool] = {}


def command(conf: Path) -> tuple[str, ...]:
    return sys.executable, "-m", MODULE, str(conf), ROOM


def main(conf: str) -> None:
    options = Options()
    options.realize(["-c", conf])
    options.first, options.test = True, False
    supervisord.go(options)
    options.close_httpservers()


class Options(ServerOptions):  # type: ignore[misc]  # it comes without types
    def processes_from_section(self, parser: Any, section: str, group_name: str, klass: Any = None) -> Any:
        return super().processes_from_section(parser, section, group_name, Config)

    def execve(self, filename: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
        if _loaded.get(module_of(argv)):
            become(argv, env)
        super().execve(filename, argv, env)


class Config(ProcessConfig):  # type: ignore[misc]  # it comes without types
    def make_process(self, group: Any = None) -> "Loaded":
        process = Loaded(self)
        process.group = group
        return process


class Loaded(Subprocess):  # type: ignore[misc]  # it comes without types
    def get_execv_args(self) -> tuple[str, list[str]]:
        filename, argv = super().get_execv_args()
        load(module_of(argv))
        return filename, argv


def module_of(argv: Sequence[str]) -> str:
    return argv[2] if list(argv[:2]) == [sys.executable, "-m"] else ""


def load(module: str) -> None:
    if module not in NEEDED or module in _loaded or sys.platform != "linux":
        return
    gc.disable()  # it would leave holes in what is shared, and who fills them copies them
    try:
        import django

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tokentra.settings")
        django.setup()
        for name in NEEDED[module]:
            import_module(name)
        _loaded[module] = len(os.listdir("/proc/self/task")) == 1  # of more than one, a child would have only this
    except (Exception, SystemExit):
        _loaded[module] = False
    gc.freeze()
    gc.enable()


def become(argv: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """What `python -m` would do, in a forked child. It never returns to supervisor, whose sockets, closed by number,
    are held on this stack: nothing finalizes them and closes what has their numbers by then."""
    code: object = 1
    try:
        os.environ.clear()
        os.environ.update(env)
        from tokentra import settings

        settings.act_as(env["TOKENTRA_DB_ROLE"])
        for number in signal.valid_signals():
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        show(argv)
        sys.argv = list(argv[2:])
        runpy.run_module(argv[2], run_name="__main__", alter_sys=True)
        code = None
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        leave(code)


def leave(code: object) -> NoReturn:
    try:
        if code is not None and not isinstance(code, int):
            print(code, file=sys.stderr)
        threading._shutdown()  # type: ignore[attr-defined]  # what the interpreter itself does
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code if isinstance(code, int) else int(code is not None))


def show(argv: Sequence[str]) -> None:
    """As this process's command line, where ps and others read it: in the memory that the kernel gave it for that."""
    begin, end = map(int, Path("/proc/self/stat").read_text().rpartition(")")[2].split()[45:47])
    words = b"".join(os.fsencode(word) + b"\0" for word in argv)
    if begin:
        ctypes.memmove(begin, words[: end - begin - 1].ljust(end - begin, b"\0"), end - begin)


if __name__ == "__main__":
    main(sys.argv[1])
