"""Versioned FHIR resources in one SQLite file, found by an index of search terms that is written with them."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from uuid import uuid4

import orjson

from smart_app.sandbox.fhir.includes import Include
from smart_app.sandbox.fhir.outcomes import Conflict, Gone, NotFound, PreconditionFailed
from smart_app.sandbox.fhir.query import Params, read_query
from smart_app.sandbox.fhir.sql import CURRENT, SCHEMA, Statement, search_statement
from smart_app.sandbox.fhir.terms import Resource, terms_of
from smart_app.sandbox.fhir.versions import expected_version, stamped


@dataclass(frozen=True, kw_only=True)
class SearchPage:
    """One page of a search: `next` are the parameters of the following page, `used` and `ignored` those of this one.

    `includes` say what else was asked for with these resources.
    """

    resources: list[Resource]
    total: int
    next: list[tuple[str, str]] | None
    used: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]
    includes: tuple[Include, ...]


class ResourceStore:
    """All versions of all resources; safe to share between threads, one statement at a time.

    References that begin with `fhir_base` are found like relative ones.
    """

    def __init__(self, database: Path | str, *, fhir_base: str = "") -> None:
        self._lock = RLock()
        self.closed = False
        self._depth = 0
        self._written: list[Resource] = []
        self.on_written: Callable[[Resource], None] = lambda _: None
        self._fhir_base = fhir_base
        self._connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {SCHEMA}")

    @property
    def empty(self) -> bool:
        """Return whether nothing was ever stored."""
        return self._last_key() == 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everything written inside, or nothing when an exception leaves it; nested calls join the outermost."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            done = False
            try:
                yield
                done = True
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("COMMIT" if done else "ROLLBACK")
                    self._tell(done=done)

    def load(self, resources: Iterable[Resource]) -> None:
        """Store many resources that bring their ids, all or none, without checking them."""
        stored = [
            stamped(resource, version=1, at=resource.get("meta", {}).get("lastUpdated")) for resource in resources
        ]
        with self.transaction():
            self._insert(stored, version=1)

    def create(self, resource: Resource, *, new_id: str | None = None) -> Resource:
        """Store a new resource under a new id (or the one given) and return it as stored; raise Conflict if taken."""
        created = stamped({**resource, "id": new_id or str(uuid4())}, version=1)
        with self.transaction():
            self._insert([created], version=1)
        return created

    def read(self, resource_type: str, resource_id: str, *, version: str | None = None) -> Resource:
        """Return one version, without a name the current one; raise NotFound."""
        return self._version(resource_type, resource_id, version)[1]

    def update(self, resource: Resource, *, if_match: str | None = None) -> tuple[Resource, bool]:
        """Store the next version, or the first one; return it and whether it is the first.

        Raises PreconditionFailed when `if_match` (an ETag) is not the current version's, Malformed when it is no ETag.
        """
        expected = expected_version(if_match)
        with self.transaction():
            try:
                key, current = self._version(resource["resourceType"], resource["id"], None)
            except NotFound:
                if expected is not None:
                    raise PreconditionFailed(
                        "this resource does not exist yet; leave If-Match out to create it"
                    ) from None
                return self.create(resource, new_id=resource["id"]), True
            version = int(current["meta"]["versionId"])
            if expected not in (None, version):
                raise PreconditionFailed("somebody else wrote first: read the resource again and repeat the change")
            stored = stamped(resource, version=version + 1)
            self._insert([stored], version=version + 1)
            self._connection.execute("UPDATE resource SET superseded = ? WHERE key = ?", (self._last_key(), key))
        return stored, False

    def search(self, resource_type: str, params: Params, *, within: Sequence[Params] | None = None) -> SearchPage:
        """Return one page of the resources that match all parameters and one of the filter sets in `within`.

        Pages show the state at the time of the first one. Raises Malformed, or Gone for a page of another database.
        """
        query = read_query(resource_type, params)
        with self._lock:
            snapshot = self._snapshot(query.snapshot)
            text, statement = search_statement(query, within, snapshot, self._fhir_base)
            keys = [key for (key,) in self._connection.execute(text, statement.arguments)]
            stop = query.offset + query.count
            resources = [self._content(key) for key in keys[query.offset : stop]]
        more = query.count and stop < len(keys)
        return SearchPage(
            resources=resources,
            total=len(keys),
            next=[*query.used, ("_page", f"{snapshot}.{stop}")] if more else None,
            used=query.used,
            ignored=query.ignored,
            includes=query.includes,
        )

    def matches(
        self, resource_type: str, resource_id: str, within: Iterable[Params], *, version: int | None = None
    ) -> bool:
        """Return whether a version, or else the current one, matches all filters of at least one set."""
        statement = Statement(resource_type, self._fhir_base)
        known = f"r.type = {statement.bind(resource_type)} AND r.id = {statement.bind(resource_id)}"
        column, value = ("version", version) if version else ("superseded", CURRENT)
        known += f" AND r.{column} = {statement.bind(value)}"
        test = f"SELECT 1 FROM resource r WHERE {known} AND {statement.holds_any(within)}"  # noqa: S608 - see Statement
        with self._lock:
            return self._connection.execute(test, statement.arguments).fetchone() is not None

    def close(self) -> None:
        """Close the database file, between two uses of it: closed under one, SQLite ends the whole process."""
        with self._lock:
            self._connection.close()
            self.closed = True

    def _tell(self, *, done: bool) -> None:
        written, self._written = self._written, []
        for each in written if done else ():
            self.on_written(each)

    def _insert(self, resources: Sequence[Resource], *, version: int) -> None:
        self._written += resources
        keys = range(self._last_key() + 1, self._last_key() + 1 + len(resources))
        try:
            self._connection.executemany(
                "INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (key, resource["resourceType"], resource["id"], version, CURRENT, orjson.dumps(resource))
                    for key, resource in zip(keys, resources, strict=True)
                ),
            )
        except sqlite3.IntegrityError:
            raise Conflict("this id is taken already") from None
        self._connection.executemany(
            "INSERT INTO term VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (key, resource["resourceType"], *term)
                for key, resource in zip(keys, resources, strict=True)
                for term in terms_of(resource, self._fhir_base)
            ),
        )

    def _version(self, resource_type: str, resource_id: str, version: str | None) -> tuple[int, Resource]:
        with self._lock:
            row = self._connection.execute(
                "SELECT key, content FROM resource WHERE type = ? AND id = ? "
                "AND COALESCE(? = CAST(version AS TEXT), TRUE) ORDER BY version DESC LIMIT 1",
                (resource_type, resource_id, version),
            ).fetchone()
        if row is None:
            raise NotFound(f"there is no {resource_type} with this id{' and version' if version else ''}")
        return row[0], orjson.loads(row[1])

    def _content(self, key: int) -> Resource:
        (content,) = self._connection.execute("SELECT content FROM resource WHERE key = ?", (key,)).fetchone()
        resource: Resource = orjson.loads(content)
        return resource

    def _last_key(self) -> int:
        with self._lock:
            (key,) = self._connection.execute("SELECT COALESCE(MAX(key), 0) FROM resource").fetchone()
        return int(key)

    def _snapshot(self, asked: int | None) -> int:
        last = self._last_key()
        if asked is not None and asked > last:
            raise Gone("these results are no longer available; search again")
        return last if asked is None else asked
