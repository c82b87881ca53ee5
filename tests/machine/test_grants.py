"""The roles on an operator's own database: made when its login may, else the operator is told what to run."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.machine.clusters import Cluster, cluster
from tokentra.machine import grants
from tokentra.machine.refusal import Refusal
from tokentra.machine.roles import ROLES, as_role, role_password


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory() as directory, cluster(Path(directory) / "operator") as made:
        yield made


@pytest.fixture
def fresh(server: Cluster) -> Iterator[Cluster]:
    yield server
    server.forget("operator", "weak")


def test_a_login_that_may_make_roles_makes_them(fresh: Cluster) -> None:
    url = fresh.make_login("operator", "CREATEROLE")

    grants.prepare_external(url)
    grants.prepare_external(url)

    for role in ROLES:
        with psycopg.connect(as_role(url, role)) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (role,)
    with psycopg.connect(as_role(url, "tt_owner")) as owner:
        owner.execute("CREATE SCHEMA partitions")
        owner.execute("CREATE TABLE public.kept ()")


def test_d1_no_role_is_powerful(fresh: Cluster) -> None:
    grants.prepare_external(fresh.make_login("operator", "CREATEROLE"))
    with fresh.superuser() as superuser:
        superuser.execute("ALTER ROLE tt_app BYPASSRLS")

    with pytest.raises(Refusal, match="tt_app may see every organization"):
        grants.prepare_external(fresh.url("operator", "operator", "operator"))


def test_each_role_has_its_time_limit(fresh: Cluster) -> None:
    url = fresh.make_login("operator", "CREATEROLE")
    grants.prepare_external(url)

    limits = {}
    for role in ("tt_app", "tt_worker", "tt_owner"):
        with psycopg.connect(as_role(url, role)) as connection:
            limits[role] = connection.execute("SHOW statement_timeout").fetchone()

    assert limits == {"tt_app": ("30s",), "tt_worker": ("2min",), "tt_owner": ("0",)}


@pytest.mark.parametrize(("right", "written"), [("SUPERUSER", "panic"), ("CREATEROLE", "error")])
def test_no_failed_statement_of_ours_is_written_down_where_the_login_may_say_so(
    fresh: Cluster, right: str, written: str
) -> None:
    url = fresh.make_login("operator", right)
    grants.prepare_external(url)

    with psycopg.connect(as_role(url, "tt_app")) as connection:
        assert connection.execute("SHOW log_min_error_statement").fetchone() == (written,)


def test_a_weak_login_is_told_what_to_run_and_that_is_enough(fresh: Cluster) -> None:
    url = fresh.make_login("weak")

    with pytest.raises(Refusal, match="may not make the roles it needs") as refused:
        grants.prepare_external(url)
    statements = str(refused.value).partition("\n")[2]
    with fresh.superuser("weak") as superuser:
        superuser.execute(statements.encode())
    grants.prepare_external(url)

    with psycopg.connect(as_role(url, "tt_app")) as connection:
        assert connection.execute("SHOW app.org_id").fetchone() == ("",)


def test_what_it_tells_to_run_carries_no_password(fresh: Cluster) -> None:
    url = fresh.make_login("weak")

    with pytest.raises(Refusal) as refused:
        grants.prepare_external(url)

    assert not [role for role in ROLES if role_password(role) in str(refused.value)]
    assert "operator" not in str(refused.value)


def test_a_database_that_is_away_is_named_without_its_password() -> None:
    with pytest.raises(Refusal, match="cannot be reached") as refused:
        grants.prepare_external("postgresql://someone:sesame@127.0.0.1:1/tokentra")

    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_c1_a_database_that_may_lose_what_it_confirmed_is_refused(
    monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.delenv("TOKENTRA_TESTING")
    with (
        tempfile.TemporaryDirectory() as directory,
        cluster(Path(directory) / "careless", f"{setting}=off") as careless,
        careless.superuser() as connection,
        pytest.raises(Refusal, match=f"the database has {setting} off"),
    ):
        grants.refuse_unless_durable(connection)
