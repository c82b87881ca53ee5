"""Write what supervisor reads."""

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from tokentra.machine import places
from tokentra.machine.programs import Program

HEAD = """[supervisord]
nodaemon=true
silent=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={var}/supervisord.pid
{user}
[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

# startsecs=0: a program that ends at once is tried again each second and never given up.
PROGRAM = """
[program:{name}]
command={command}
directory={directory}
priority={priority}
autostart={autostart}
autorestart=true
startsecs=0
startretries=1000000
stopsignal={signal}
stopwaitsecs={seconds}
killasgroup={whole_group}
redirect_stderr=true
stdout_logfile=/dev/fd/1
stdout_logfile_maxbytes=0
{environment}"""


def write(path: Path, services: Iterable[Program], own: Iterable[Program], *, socket: Path) -> None:
    """Services start at once; our own programs when they are told, after the database is ready."""
    text = HEAD.format(var=_plain(places.VAR), socket=_plain(socket), user="user=root\n" if os.geteuid() == 0 else "")
    text += "".join(_section(program, autostart=True) for program in services)
    text += "".join(_section(program, autostart=False) for program in own)
    path.write_text(text)


def _section(program: Program, *, autostart: bool) -> str:
    return PROGRAM.format(
        name=program.name,
        command=_plain(shlex.join(program.command)),
        directory=_plain(places.ROOT),
        priority=program.priority,
        autostart=str(autostart).lower(),
        signal=program.stop_signal,
        seconds=program.stop_seconds,
        whole_group=str(program.stop_signal != "INT").lower(),
        environment=f"environment={_environment(program)}\n" if program.environment else "",
    )


def _environment(program: Program) -> str:
    return ",".join(f'{name}="{_plain(value)}"' for name, value in program.environment)


def _plain(text: object) -> str:
    return str(text).replace("%", "%%")
