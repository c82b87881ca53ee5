"""The containers run what the supervisor runs."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tokentra.machine import postgres, programs

ROOT = Path(__file__).resolve().parents[2]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OWN = {program.name: program for program in programs.own("0.0.0.0:8000")}


def _command(program: programs.Program) -> list[str]:
    return ["python" if word == sys.executable else word for word in program.command]


@pytest.mark.parametrize("name", OWN)
def test_each_program_has_its_container_with_the_same_command_and_role(name: str) -> None:
    service = SERVICES[name]

    assert service["command"] == _command(OWN[name])
    assert service["environment"]["TOKENTRA_DB_ROLE"] == dict(OWN[name].environment)["TOKENTRA_DB_ROLE"]
    assert service["stop_grace_period"] == "25s"
    assert service["healthcheck"]["test"]


def test_the_image_runs_the_web_program_and_not_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
    command = re.search(r"^CMD (\[.*\])$", lines, re.MULTILINE)

    assert command
    assert json.loads(command[1]) == _command(OWN["web"])
    assert lines.index("USER tokentra") < lines.index("CMD [")


def test_the_image_gives_memory_back_as_the_supervisors_programs_do() -> None:
    lines = (ROOT / "Dockerfile").read_text()

    assert all(f"{name}={value}" in lines for name, value in programs.GIVES_BACK.items())


def test_only_the_setup_has_the_administrators_login() -> None:
    with_login = {
        name for name, service in SERVICES.items() if "@" in service.get("environment", {}).get("DATABASE_URL", "")
    }

    assert with_login == {"setup"}


def test_its_postgres_writes_down_as_little_as_the_embedded_one() -> None:
    assert SERVICES["postgres"]["command"] == ["postgres", *(f"-c{setting}" for setting in postgres.QUIET)]


def test_everything_is_there_and_checked() -> None:
    assert set(SERVICES) == {"postgres", "redis", "setup", "mail", *OWN}
    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} == {"setup"}


def test_the_image_packs_what_it_hands_out_by_the_commands_of_set_up() -> None:
    lines = (ROOT / "Dockerfile").read_text()
    packing = (ROOT / "tokentra" / "machine" / "prepare.py").read_text()

    for command in ("npm run sdk --silent", "-m hatchling build -t wheel -d"):
        assert command in lines
        assert ", ".join(f'"{word}"' for word in command.removeprefix("npm ").split()) in packing
