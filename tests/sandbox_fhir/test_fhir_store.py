"""The store itself: transactions, bulk loading, many threads."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from smart_app.sandbox.fhir import topics
from smart_app.sandbox.fhir.outcomes import Conflict, NotFound, PreconditionFailed
from smart_app.sandbox.fhir.store import ResourceStore
from smart_app.sandbox.fhir.topics import Topics

from .samples import observation


def patient(key: str, **more: str) -> dict[str, str]:
    """Return a patient."""
    return {"resourceType": "Patient", "id": key, **more}


def test_nested_transaction_joins_the_outer_one(store: ResourceStore) -> None:
    """What an inner transaction wrote goes when the outer one fails."""

    def write() -> None:
        with store.transaction():
            with store.transaction():
                store.create(patient("x"))
            store.update(patient("ada", gender="female"))
            raise KeyError

    with pytest.raises(KeyError):
        write()

    assert store.search("Patient", []).total == 2
    assert "gender" not in store.read("Patient", "ada")


def test_store_is_usable_after_a_rollback(store: ResourceStore) -> None:
    """A failed write leaves no open transaction behind."""
    with pytest.raises(Conflict):
        store.load([patient("new"), patient("ada")])

    created = store.create(patient("ignored"))

    assert store.read("Patient", created["id"]) == created
    with pytest.raises(NotFound):
        store.read("Patient", "new")


def test_load_keeps_ids_and_times(store: ResourceStore) -> None:
    """Loaded resources keep their ids and lastUpdated, and the caller's objects are left alone."""
    sent = {**patient("old"), "meta": {"lastUpdated": "2020-05-05T00:00:00Z"}}

    store.load([sent])

    assert store.read("Patient", "old")["meta"] == {"lastUpdated": "2020-05-05T00:00:00Z", "versionId": "1"}
    assert sent["meta"] == {"lastUpdated": "2020-05-05T00:00:00Z"}
    assert [found["id"] for found in store.search("Patient", [("_lastUpdated", "2020-05")]).resources] == ["old"]


def test_store_survives_a_restart(tmp_path: Path) -> None:
    """What was written is there when the file is opened again; a new file is empty."""
    first = ResourceStore(tmp_path / "a.sqlite")
    was_empty = first.empty
    first.load([patient("ada")])
    first.close()

    second = ResourceStore(tmp_path / "a.sqlite")
    found = second.read("Patient", "ada")
    is_empty = second.empty
    second.close()

    assert (was_empty, is_empty, found["id"]) == (True, False, "ada")


def test_one_of_many_writers_wins(store: ResourceStore) -> None:
    """Of eight threads that update the same version, one succeeds."""

    def write(number: int) -> bool:
        try:
            store.update(patient("ada", gender=str(number)), if_match='W/"1"')
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(8)))

    assert won.count(True) == 1
    assert store.read("Patient", "ada")["meta"]["versionId"] == "2"


def test_search_goes_on_from_the_page_before(store: ResourceStore) -> None:
    """`next` holds the parameters of the next page, None after the last."""
    store.load(observation(id=f"o{number}") for number in range(5))

    first = store.search("Observation", [("patient", "ada"), ("_count", "3")])
    second = store.search("Observation", first.next or [])

    assert [found["id"] for found in first.resources + second.resources] == ["o0", "o1", "o2", "o3", "o4"]
    assert (first.total, second.total, second.next) == (5, 5, None)


def test_it_closes_between_two_uses(tmp_path: Path) -> None:
    """Whoever still reads from another thread is told that it is closed; the process goes on, and topics end by it."""
    stores = [ResourceStore(tmp_path / f"{number}.db") for number in range(20)]

    def read(store: ResourceStore) -> None:
        while True:
            store.search("Patient", [])

    with ThreadPoolExecutor(len(stores)) as readers:
        for store in stores:
            reading = [readers.submit(read, store) for _ in range(3)]
            store.search("Patient", [])
            store.close()
            for each in reading:
                with pytest.raises(sqlite3.ProgrammingError, match="closed"):
                    each.result()

    assert all(store.closed for store in stores)


def test_topics_end_with_their_store(store: ResourceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that follows a store ends when it is closed."""
    monkeypatch.setattr(topics, "_PAUSE", 0.01)
    before = set(threading.enumerate())
    Topics(store, "http://127.0.0.1/fhir")
    (follower,) = set(threading.enumerate()) - before

    store.close()
    follower.join(30)

    assert not follower.is_alive()
