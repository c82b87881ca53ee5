"""Make the database roles and check that the database keeps what it confirms. Safe to run at each start."""

import os
from pathlib import Path

import psycopg
from psycopg import errors, sql

from tokentra.machine import places
from tokentra.machine.refusal import Refusal
from tokentra.machine.roles import APP, OWNER, ROLES, SWEEP, TIMEOUTS, WORKER, as_role, role_password

Connection = psycopg.Connection[tuple[object, ...]]
HARMLESS = "NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB"
EMPTY_SCOPE = {
    "app.org_id": "",
    "app.user_id": "",
}  # absence is then one error, on fresh and on used connections alike
UNSAID = {"log_min_error_statement": "panic"}  # a statement that fails may carry what people sent
KNOWN_DATABASE = b"SELECT 1 FROM pg_database WHERE datname = %s"
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


def prepare_embedded(data: Path) -> None:
    socket_dir = str(places.socket_dir(data))
    with psycopg.connect(host=socket_dir, user="postgres", dbname="postgres", autocommit=True) as superuser:
        refuse_unless_durable(superuser)
        known = _existing(superuser)
        for role in ROLES:
            verb = "ALTER" if role in known else "CREATE"
            _run(superuser, f"{verb} ROLE {role} LOGIN {HARMLESS}")
            for name, value in EMPTY_SCOPE.items():
                _run(superuser, f"ALTER ROLE {role} SET {name} = '{value}'")
        _common(superuser)
        if os.environ.get("TOKENTRA_TESTING"):
            _run(superuser, f"ALTER ROLE {OWNER} CREATEDB")
        elif not superuser.execute("SELECT 1 FROM pg_database WHERE datname = %s", [places.DATABASE]).fetchone():
            _run(superuser, f"CREATE DATABASE {places.DATABASE} OWNER {OWNER}")


def prepare_external(database_url: str) -> None:
    """Make the roles on an operator's database, or say what its administrator has to run."""
    try:
        operator = psycopg.connect(database_url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise Refusal(f"the database of DATABASE_URL cannot be reached: {_first_line(error)}") from None
    with operator:
        refuse_unless_durable(operator)
        try:
            _make_external(operator)
        except errors.InsufficientPrivilege as error:
            if not _all_can_log_in(database_url):
                raise Refusal(_what_to_run(operator, error)) from None
        _refuse_powerful_roles(operator)
    if not _all_can_log_in(database_url):
        raise Refusal("the roles of DATABASE_URL exist but cannot log in; allow them in the server's pg_hba.conf")


def statements(operator: Connection) -> list[str]:
    """What makes the roles. Passwords appear as SCRAM verifiers, which nobody can log in with."""
    known = _existing(operator)
    made = []
    for role in ROLES:
        verifier = operator.pgconn.encrypt_password(role_password(role).encode(), role.encode(), b"scram-sha-256")
        verb = "ALTER" if role in known else "CREATE"
        made.append(f"{verb} ROLE {role} LOGIN PASSWORD '{verifier.decode()}'")
    database = sql.Identifier(operator.info.dbname).as_string(operator)
    made += [f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {', '.join(ROLES)}"]
    made += [
        f"GRANT CREATE ON DATABASE {database} TO {OWNER}",
        f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER}",
    ]
    return made


def refuse_unless_durable(connection: Connection) -> None:
    """An answer is given after commit, so a commit must mean that it is kept (C1)."""
    if os.environ.get("TOKENTRA_TESTING"):
        return
    for setting in DURABLE:
        row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
        if row and row[0] == "off":
            raise Refusal(f"the database has {setting} off, so that it may lose what it confirmed; switch it on")


def _make_external(operator: Connection) -> None:
    for statement in statements(operator):
        _run(operator, statement)
    _common(operator)
    for role in ROLES:
        for name, value in (EMPTY_SCOPE | UNSAID).items():
            try:
                _run(operator, f"ALTER ROLE {role} SET {name} = '{value}'")
            except errors.InsufficientPrivilege:
                continue  # only a superuser may; connections set their scope as well, and operators are told of the log


def _common(connection: Connection) -> None:
    _run(connection, f"GRANT {APP} TO {WORKER}")
    _run(connection, f"GRANT {SWEEP} TO {WORKER} WITH INHERIT FALSE, SET TRUE")
    for role, limit in TIMEOUTS.items():
        _run(connection, f"ALTER ROLE {role} SET statement_timeout = '{limit}'")


def _refuse_powerful_roles(connection: Connection) -> None:
    found = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls)", [list(ROLES)]
    ).fetchall()
    if found:
        names = ", ".join(str(row[0]) for row in found)
        raise Refusal(f"{names} may see every organization; take SUPERUSER and BYPASSRLS from that role")


def _all_can_log_in(database_url: str) -> bool:
    try:
        for role in ROLES:
            psycopg.connect(as_role(database_url, role), connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True


def _existing(connection: Connection) -> set[object]:
    rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(ROLES)])
    return {row[0] for row in rows}


def _what_to_run(operator: Connection, error: errors.InsufficientPrivilege) -> str:
    extra = [f"GRANT {APP} TO {WORKER}", f"GRANT {SWEEP} TO {WORKER} WITH INHERIT FALSE, SET TRUE"]
    extra += [f"ALTER ROLE {role} SET statement_timeout = '{limit}'" for role, limit in TIMEOUTS.items()]
    extra += [f"ALTER ROLE {role} SET {name} = ''" for role in ROLES for name in EMPTY_SCOPE]
    lines = "".join(f"\n  {statement};" for statement in [*statements(operator), *extra])
    return (
        f"the login of DATABASE_URL may not make the roles it needs ({_first_line(error)}). "
        f"Have the database's administrator run this once, in that database:{lines}"
    )


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().splitlines()[0]


def _run(connection: Connection, statement: str) -> None:
    connection.execute(statement.encode())
