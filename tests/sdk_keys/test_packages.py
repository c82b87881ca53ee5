"""What `/sdk/` hands out: the packages that set-up made, each under an address that never means another content."""

import tarfile
import zipfile
from hashlib import sha256
from io import BytesIO

import pytest
from django.test import Client

from sdk_keys.packages import all_packages


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def listed(client: Client) -> dict[str, dict]:
    return {each["name"]: each for each in client.get("/sdk/").json()["items"]}


def path_of(item: dict) -> str:
    return item["url"].removeprefix("http://testserver")


@pytest.mark.parametrize(("name", "ending"), [("tokentra-sdk", "-py3-none-any.whl"), ("@tokentra/sdk", ".tgz")])
def test_each_package_is_handed_out_to_anybody_and_for_ever(name, ending, client):
    item = listed(client)[name]
    assert item["url"].endswith(f"-{item['version']}{ending}")

    answer = client.get(path_of(item))

    assert answer.status_code == 200
    assert sha256(answer.content).hexdigest() == item["sha256"]
    assert item["size"] == len(answer.content)
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert not answer.cookies
    head = client.head(path_of(item))
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", answer["ETag"])
    assert head["Content-Length"] == str(item["size"])
    known = client.get(path_of(item), headers={"If-None-Match": answer["ETag"]})
    assert (known.status_code, known.content) == (304, b"")


def test_the_packages_are_whole(client):
    found = listed(client)
    wheel, tarball = (BytesIO(client.get(path_of(found[name])).content) for name in ("tokentra-sdk", "@tokentra/sdk"))
    in_wheel = zipfile.ZipFile(wheel).namelist()
    with tarfile.open(fileobj=tarball) as opened:
        in_tarball = opened.getnames()

    assert {"tokentra_sdk/__main__.py", "tokentra_sdk/py.typed"} <= {*in_wheel}
    assert {f"package/dist/{name}" for name in ("index.js", "index.cjs", "index.d.ts", "cli.js")} <= {*in_tarball}
    assert not any("test" in name for name in [*in_wheel, *in_tarball])


@pytest.mark.parametrize(
    "path",
    [
        "/sdk/tokentra-sdk-0.0.1.tgz",
        "/sdk/000000000000/tokentra-sdk-0.1.0.tgz",
        "/sdk/simple/tokentra-sdk/",
        "/sdk/000000000000/../../manage.py",
        "/sdk/000000000000/%2e%2e%2fmanage.py",
        "/sdk/%2e%2e/%2e%2e/manage.py",
        "/sdk/000000000000/%00",
    ],
)
def test_what_is_not_there_is_answered_with_what_is(path, client):
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    for item in listed(client).values():
        assert item["url"] in answer.content.decode()


def test_nobody_changes_a_package(client):
    assert client.post(path_of(listed(client)["@tokentra/sdk"])).status_code == 405


def test_without_packages_it_says_so(client, settings, tmp_path):
    settings.SDK_PACKAGES = tmp_path / "nothing"
    assert all_packages() == {}

    assert listed(client) == {}
    assert "prepared without any" in client.get("/sdk/tokentra-sdk-0.1.0.tgz").content.decode()
