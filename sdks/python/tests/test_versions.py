"""Libraries of earlier versions, and the oldest Python: each in an environment of its own that is thrown away."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TOOLS = HERE.parents[2] / ".tools" / "bin"
LIBRARIES = ("openai", "anthropic[bedrock,vertex]", "boto3", "google-genai", "mistralai", "cohere", "pinecone")
TESTS = (
    "test_families.py",
    "test_checks.py",
    "test_faults.py",
    "test_context.py",
    "test_ending.py",
    "test_sender.py",
    "test_frameworks.py",
)
ENVIRONMENTS = {
    "the oldest Python, and the newest libraries for it": ("3.9", LIBRARIES),
    "Python 3.10": ("3.10", LIBRARIES),
    "Python 3.12": ("3.12", LIBRARIES),
    "the versions before": (
        "3.11",
        (
            "openai<3",
            "anthropic[bedrock,vertex]<2",
            "boto3<1.42",
            "google-genai<3",
            "mistralai<3",
            "cohere<7",
            "pinecone<10",
        ),
    ),
    "the versions before those": (
        "3.11",
        (
            "openai<2",
            "anthropic[bedrock,vertex]<1",
            "boto3<1.36",
            "google-genai<2",
            "mistralai<2",
            "cohere<6",
            "pinecone<9",
        ),
    ),
    "a newer Python": ("3.13", LIBRARIES),
}


@pytest.mark.long
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_all_of_it_works_with(name, tmp_path):
    python, libraries = ENVIRONMENTS[name]
    uv = shutil.which("uv", path=f"{TOOLS}:{os.environ['PATH']}")
    found = interpreter_of(python)
    if uv is None or found is None:
        pytest.skip(f"Python {python} is not on this machine")

    made = ran(uv, "venv", "--quiet", "--python", found, tmp_path / "venv", where=HERE)
    assert made.returncode == 0, made.stdout
    interpreter = tmp_path / "venv" / "bin" / "python"
    wanted = (*libraries, "pytest", "flask", "starlette[full]", "django", "pydantic")
    installed = ran(uv, "pip", "install", "--quiet", "--python", interpreter, *wanted, where=HERE)
    assert installed.returncode == 0, installed.stdout

    tests = ran(interpreter, "-m", "pytest", "-q", "-W", "ignore", "-p", "no:cacheprovider", *TESTS, where=HERE)
    assert tests.returncode == 0, tests.stdout[-20_000:]


def interpreter_of(python):
    """The first that runs: a name on the path may stand for one that is not chosen."""
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [shutil.which(f"python{python}"), *versions.glob(f"{python}.*/bin/python")]
    return next((each for each in candidates if each and ran(each, "--version", where=HERE).returncode == 0), None)


def ran(*command, where):
    return subprocess.run(
        [str(each) for each in command],
        cwd=where,
        env={name: value for name, value in os.environ.items() if not name.startswith(("TOKENTRA_", "PYTEST_"))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
