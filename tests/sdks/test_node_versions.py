"""The SDK for Node with earlier clients, and with the oldest and the newest Node: each in a project that is thrown away."""

import json
import os
import platform
import shutil

import pytest

from tests.sdks.node import ran
from tokentra.machine.prepare import NODE_SDK

TESTS = ("faults", "checks", "auto", "openai", "anthropic", "libraries", "bedrock")
CLIENTS = {
    "the versions before": {
        "openai": "6",
        "@anthropic-ai/sdk": "0.137",
        "@anthropic-ai/bedrock-sdk": "0.36",
        "@anthropic-ai/vertex-sdk": "0.22",
        "@aws-sdk/client-bedrock-runtime": "3.899",
        "@google/genai": "2",
        "@mistralai/mistralai": "1",
        "@pinecone-database/pinecone": "8",
        "cohere-ai": "7",
    },
    "the versions before those": {
        "openai": "5",
        "@anthropic-ai/sdk": "0.79",
        "@anthropic-ai/bedrock-sdk": "0.26",
        "@anthropic-ai/vertex-sdk": "0.14",
        "@aws-sdk/client-bedrock-runtime": "3.598",
        "@google/genai": "1",
        "@mistralai/mistralai": "1.10",
        "@pinecone-database/pinecone": "7",
        "cohere-ai": "7",
    },
}


@pytest.mark.long
@pytest.mark.parametrize("name", CLIENTS)
def test_every_client_is_measured_in(name, tmp_path):
    project = tmp_path / "sdk"
    shutil.copytree(
        NODE_SDK, project, ignore=shutil.ignore_patterns("node_modules", "dist", "build", "package-lock.json")
    )
    manifest = json.loads((project / "package.json").read_text())
    manifest["devDependencies"].update(CLIENTS[name])
    (project / "package.json").write_text(json.dumps(manifest))

    assert installed(project)
    assert ran("node", "tests/run.mjs", *TESTS, env=None, seconds=600, where=project).returncode == 0


@pytest.mark.long
@pytest.mark.parametrize("version", ["18", "latest"])
def test_all_of_it_works_on_node(version, tmp_path):
    """The registry has Node itself, a package for each kind of machine."""
    kind = f"node-{platform.system().lower()}-{ {'x86_64': 'x64', 'aarch64': 'arm64'}.get(platform.machine()) }"
    (tmp_path / "package.json").write_text(json.dumps({"dependencies": {"another": f"npm:{kind}@{version}"}}))
    assert installed(tmp_path)
    programs = tmp_path / "node_modules" / "another" / "bin"

    env = {"PATH": f"{programs}:{os.environ['PATH']}"}
    assert ran(programs / "node", "tests/run.mjs", env=env, seconds=600).returncode == 0


def installed(project):
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    return ran("npm", "install", *quiet, env=None, seconds=600, where=project).returncode == 0
