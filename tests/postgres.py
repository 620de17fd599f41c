"""A PostgreSQL server of the tests' own: on a socket in a new folder, without a port, ended with the tests."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

from tests.memory import in_memory

_DEBIAN = Path("/usr/lib/postgresql")
# What a test wrote need not survive the machine; what the product asks of a connection stays as it is.
_QUICK = {"fsync": "off", "full_page_writes": "off", "listen_addresses": "''", "max_connections": "60"}
_SMALL = {"max_wal_size": "64MB", "min_wal_size": "32MB"}


@dataclass(frozen=True)
class Cluster:
    """A running server; `socket` is the folder that clients connect through."""

    socket: Path
    _numbers: Iterator[int] = field(default_factory=count)

    def database(self, template: str = "template1") -> str:
        """Make a new database, a copy of another one, and return its address."""
        name = f"alliance_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.address(name)

    def address(self, name: str) -> str:
        """Return the address of a database of this server."""
        return f"postgresql://postgres@/{name}?host={self.socket}"

    def dump(self, address: str) -> bytes:
        """Return a backup of a database, as text."""
        command = [_program("pg_dump"), "--dbname", address]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd="/").stdout

    def drop(self, address: str) -> None:
        """Remove a database of this server, even while somebody is still connected."""
        self.run(f"DROP DATABASE {name_in(address)} WITH (FORCE)")

    def run(self, statement: str) -> None:
        """Run a statement as the server's owner."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def name_in(address: str) -> str:
    """Return the name of the database that an address names."""
    return address.partition("?")[0].rpartition("/")[2]


@contextmanager
def running(**settings: str) -> Iterator[Cluster]:
    """Make and start a server with more settings than the usual ones."""
    with tempfile.TemporaryDirectory(prefix="fhir-alliance-pg-", dir=in_memory()) as name:
        folder = Path(name)
        data = folder / "data"
        owner = _owner()
        if owner is not None:
            shutil.chown(folder, owner)
        options = " ".join(f"-c {key}={value}" for key, value in {**_QUICK, **_SMALL, **settings}.items())
        as_owner = ["runuser", "-u", owner, "--"] if owner else []
        quiet = ("--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8")
        _call([*as_owner, _program("initdb"), "--pgdata", str(data), *quiet])
        ctl = [*as_owner, _program("pg_ctl"), "--pgdata", str(data), "--wait", "--silent"]
        _call([*ctl, "--log", str(folder / "log"), "--options", f"-k {folder} {options}", "start"])
        try:
            yield Cluster(folder)
        finally:
            _call([*ctl, "--mode", "immediate", "stop"])


def _owner() -> str | None:
    """Return whom the server runs as: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _program(name: str) -> str:
    folders = sorted(_DEBIAN.glob("*/bin"), reverse=True)
    found = shutil.which(name) or next((str(each / name) for each in folders if (each / name).exists()), None)
    if found is None:
        raise FileNotFoundError(f"{name}: install PostgreSQL's server, on Debian: apt-get install postgresql")
    return found


def _call(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd="/")
