"""Whoever takes the disk, or a backup, finds neither answers nor tokens nor what the patient is called (T74)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from sqlalchemy import select, text, update

from fhir_alliance.delivery.receipts import DELETED
from fhir_alliance.key_file import create_key_file
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import PatientShown, Submission
from fhir_alliance.resealing import rotate
from fhir_alliance.store import transaction
from fhir_alliance.tables import grants, submissions
from fhir_alliance.vault import Vault

if TYPE_CHECKING:
    from tests.delivery.conftest import Site
    from tests.postgres import Cluster

CANARIES = (b"canary-name", b"1901-02-03", b"canary-number", b"canary-words", b"token-1", b"canary-renewal")
SHOWN = PatientShown(
    id="maria-lopez", name="canary-name", birth_date="1901-02-03", identifiers=(("urn:x", "canary-number"),)
)


@pytest.fixture
def backup(empty_store: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], bytes]:
    """Return what a backup of the database holds: the files with their write-ahead log, or a dump."""

    def take() -> bytes:
        if empty_store.startswith("sqlite"):
            files = sorted(tmp_path.glob("alliance.db*"))
            assert [each.name for each in files] == ["alliance.db", "alliance.db-shm", "alliance.db-wal"]
            return b"".join(each.read_bytes() for each in files)
        cluster: Cluster = request.getfixturevalue("postgresql")
        return cluster.dump(empty_store)

    return take


@pytest.fixture
def key(site: "Site", make_submission: Callable[..., Submission]) -> str:
    """Accept a form with something in every place that must not be seen; returns its key."""
    submission = replace(make_submission(), patient=SHOWN)
    bundle = write_bundle(submission)
    bundle["entry"][0]["resource"]["item"][0]["item"][0]["text"] = "canary-words"
    return site.outbox.accept(submission, orjson.dumps(bundle), grant=site.grant(refresh="canary-renewal")).key


def found_in(held: bytes) -> list[bytes]:
    """Return the canaries that a backup shows, as they are or as a dump of PostgreSQL writes bytes."""
    return [each for each in CANARIES if each in held or each.hex().encode() in held]


def test_nothing_can_be_read(site: "Site", key: str, backup: Callable[[], bytes]) -> None:
    """A backup that was taken in the middle of everything shows that there is a form, and nothing of what it says."""
    held = backup()

    assert key.encode() in held
    assert found_in(held) == []


def test_backups_would_show_what_is_not_sealed(site: "Site", key: str, backup: Callable[[], bytes]) -> None:
    """What the other tests look for would be found if it were there."""
    with transaction(site.engine) as connection:
        plain = b" ".join(CANARIES)
        connection.execute(update(submissions).values(payload=plain))

    assert found_in(backup()) == list(CANARIES)


def test_nothing_can_be_read_after_a_rotation(
    site: "Site", key: str, backup: Callable[[], bytes], tmp_path: Path
) -> None:
    """Sealing everything again leaves nothing plain behind, and the old key opens nothing that is there now."""
    path = tmp_path / "keys.json"
    create_key_file(path)
    keys = orjson.loads(path.read_bytes())
    keys["keys"]["k1"] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="  # the one of the site
    path.write_bytes(orjson.dumps(keys))

    done = rotate(site.engine, path, by="Jo Park", at=site.clock.now)

    assert (done.values, done.refused) == (4, ())
    assert found_in(backup()) == []
    with site.engine.connect() as connection:
        row = connection.execute(select(submissions)).one()
        tokens = connection.execute(select(grants)).one()
    sealed = [row.payload, row.shown, tokens.access_token, tokens.refresh_token]
    assert {each[:3] for each in sealed} == {b"k2:"}
    place = f"harbor/submissions/{key}/payload"
    assert b"canary-words" in Vault.from_file(path).open(row.payload, place=place)


def test_deleted_payload_is_gone(site: "Site", key: str, backup: Callable[[], bytes], empty_store: str) -> None:
    """What is deleted at its time is overwritten in an SQLite file, not only unlinked."""
    with site.engine.connect() as connection:
        sealed = connection.scalar(select(submissions.c.payload))
    with transaction(site.engine) as connection:
        connection.execute(update(submissions).values(payload=DELETED, shown=DELETED))
    with site.engine.connect() as connection:
        vacuum = "VACUUM" if empty_store.startswith("postgresql") else "PRAGMA wal_checkpoint(TRUNCATE)"
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(vacuum))

    held = backup()

    assert sealed
    assert sealed[20:60] not in held
    assert sealed[20:60].hex().encode() not in held
