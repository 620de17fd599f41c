"""Keys are rotated while forms come and go: everything opens, repeats are known, and what cannot be opened is told."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa
from sqlalchemy import Engine, LargeBinary, insert, select, update

from fhir_alliance import resealing
from fhir_alliance.audit import verify
from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.errors import StoreError, SubmissionConflict
from fhir_alliance.key_file import KeyFileError, add_key, create_key_file, read_key_file
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.resealing import SEALED, count_sealed, retire, rotate
from fhir_alliance.store import open_store, transaction
from fhir_alliance.tables import audit, grants, metadata, submissions
from fhir_alliance.vault import Vault

NOW = datetime(2026, 11, 12, 15, 42, 9, tzinfo=UTC)
FORMS = 7


@pytest.fixture
def engine(empty_store: str) -> Iterator[Engine]:
    """Return a fresh store of either kind, with one permission."""
    engine = open_store(empty_store)
    with transaction(engine) as connection:
        values = {"ehr": "harbor", "client": "patient", "user": "u", "scopes": "", "expires_at": NOW, "created_at": NOW}
        connection.execute(insert(grants).values(id="g1", access_token=b"", **values))
    yield engine
    engine.dispose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a new key file."""
    path = tmp_path / "keys.json"
    create_key_file(path)
    return path


@pytest.fixture
def vault(file: Path) -> Vault:
    """Return the vault of an app that runs."""
    return Vault.from_file(file)


@pytest.fixture
def outbox(engine: Engine, vault: Vault) -> Outbox:
    """Return the outbox of an app that runs."""
    return Outbox(engine, vault, lambda: NOW)


@pytest.fixture
def accept(outbox: Outbox, make_submission: Callable[..., Submission]) -> Callable[..., Any]:
    """Accept a form, and return its receipt."""

    def make(number: int = 1, **fields: Any) -> Any:
        submission = make_submission(key=str(UUID(int=number)), **fields)
        return outbox.accept(submission, orjson.dumps(write_bundle(submission)), grant="g1")

    return make


def turn(engine: Engine, file: Path, **later: float) -> resealing.Resealed:
    """Rotate the keys."""
    return rotate(engine, file, by="Jo Park", at=NOW + timedelta(**later))


def events(engine: Engine) -> list[tuple[str, str, str]]:
    """Return what the audit trail says of keys."""
    with engine.connect() as connection:
        rows = connection.execute(select(audit).where(audit.c.event.like("keys.%")).order_by(audit.c.id)).all()
        assert verify(connection) == []
    return [(row.event, row.actor, row.outcome) for row in rows]


def test_every_sealed_column_is_known() -> None:
    """No column with bytes is left out: what is sealed there would be lost with its key."""
    binary = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }

    assert {(each.table.name, name) for each in SEALED for name in each.columns} == binary


def test_everything_is_sealed_again(
    engine: Engine, file: Path, outbox: Outbox, accept: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rotation nothing is sealed with the old key, all of it opens, and the audit trail says who did it."""
    monkeypatch.setattr(resealing, "BATCH", 3)
    keys = [accept(number + 1).key for number in range(FORMS)]

    done = turn(engine, file)

    assert done == resealing.Resealed(values=2 * FORMS, refused=())
    assert count_sealed(engine) == {"k2": 2 * FORMS}
    assert all(outbox.response(key, ehr="harbor", patient="maria-lopez") for key in keys)
    assert events(engine) == [("keys.rotated", "Jo Park", "k2")]


def test_same_answers_get_the_same_receipt(engine: Engine, file: Path, accept: Callable[..., Any]) -> None:
    """A repeat after the rotation is known by its old digest, and other answers are still a conflict (F31)."""
    first = accept()
    turn(engine, file)

    again = accept()

    assert again == first
    with pytest.raises(SubmissionConflict):
        accept(given={"1": "3"})


def test_added_key_is_used(engine: Engine, file: Path, accept: Callable[..., Any]) -> None:
    """A key that was added before, and copied to every machine, is the one that seals after the rotation."""
    accept()
    add_key(file)

    turn(engine, file)

    assert (list(read_key_file(file).keys), count_sealed(engine)) == (["k1", "k2"], {"k2": 2})


def test_cut_off_rotation_goes_on(
    engine: Engine, file: Path, accept: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rotation that was cut off leaves everything open, and goes on with the same key; a third one takes another."""
    monkeypatch.setattr(resealing, "BATCH", 2)
    for number in range(FORMS):
        accept(number + 1)
    batch, calls = resealing._reseal_batch, iter(range(10))

    def cut(*arguments: Any) -> Any:
        if next(calls) == 6:
            raise StoreError("cut")
        return batch(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(resealing, "_reseal_batch", cut)
        with pytest.raises(StoreError):
            turn(engine, file)
    half = count_sealed(engine)
    again = accept()
    done = turn(engine, file)
    third = turn(engine, file)

    assert set(half) == {"k1", "k2"}
    assert again.key == str(UUID(int=1))
    assert done.values == half["k1"]
    assert third.values == 2 * FORMS
    assert count_sealed(engine) == {"k3": 2 * FORMS}
    assert [outcome for _, _, outcome in events(engine)] == ["k2", "k3"]


def test_running_app_seals_with_the_new_key(engine: Engine, file: Path, accept: Callable[..., Any]) -> None:
    """An app that runs follows the file: what it accepts after the rotation is sealed with the new key."""
    accept()
    turn(engine, file)

    accept(2)

    assert count_sealed(engine) == {"k2": 4}


def test_value_that_does_not_open_is_told(engine: Engine, file: Path, accept: Callable[..., Any]) -> None:
    """A value that was tampered with is left as it is and told, and all others are sealed again."""
    accept()
    accept(2)
    with transaction(engine) as connection:
        connection.execute(update(submissions).where(submissions.c.sequence == 1).values(payload=b"k1:spoilt"))

    done = turn(engine, file)

    assert done.values == 3
    assert done.refused == (f"changed or moved: harbor/submissions/{UUID(int=1)}/payload",)
    assert count_sealed(engine) == {"k1": 1, "k2": 3}


def test_old_key_is_kept_while_it_may_be_needed(engine: Engine, file: Path, accept: Callable[..., Any]) -> None:
    """A key is taken out when nothing is sealed with it, a day after the rotation; with it nothing else goes."""
    first = accept()
    add_key(file)
    with pytest.raises(KeyFileError, match="2 values are sealed with k1"):
        retire(engine, file, "k1", by="Jo Park", at=NOW)
    turn(engine, file)
    with pytest.raises(KeyFileError, match="less than a day ago"):
        retire(engine, file, "k1", by="Jo Park", at=NOW + timedelta(hours=23))

    retire(engine, file, "k1", by="Jo Park", at=NOW + timedelta(hours=25))

    assert list(read_key_file(file).keys) == ["k2"]
    assert events(engine)[-1] == ("keys.retired", "Jo Park", "k1")
    assert accept(2).key != first.key
    with pytest.raises(KeyFileError):
        retire(engine, file, "k2", by="Jo Park", at=NOW + timedelta(days=9))


def test_deleted_values_stay_deleted(engine: Engine, file: Path, accept: Callable[..., Any]) -> None:
    """What was deleted at its time is not touched."""
    accept()
    with transaction(engine) as connection:
        connection.execute(update(submissions).values(payload=b"", shown=b"", pieces=sa.null()))

    done = turn(engine, file)

    assert (done.values, dict(count_sealed(engine))) == (0, {})
