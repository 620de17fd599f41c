"""Everything that is sealed in the database, sealed again with the current key, in batches, while the app runs."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from fhir_alliance.audit import Event, record
from fhir_alliance.key_file import KeyFileError, add_key, drop_key, read_key_file, require_key, use_newest
from fhir_alliance.store import transaction
from fhir_alliance.tables import (
    agreements,
    alerts,
    audit,
    drafts,
    grants,
    launches,
    pending_launches,
    reasons,
    submissions,
)
from fhir_alliance.vault import Vault, VaultError, sealed_by

SETTLING: Final = timedelta(days=1)
"""How long an old key is kept after the keys were rotated."""

BATCH: Final = 50
"""How many rows are sealed again in one transaction: others wait for it no longer than for a form."""


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """The sealed columns of one table, and the column that names a row in the place of its values."""

    table: sa.Table
    key: sa.Column[str]
    columns: tuple[str, ...]

    @property
    def ehr(self) -> sa.ColumnElement[str]:
        """The EHR of a row, which is in the place of its values too."""
        return self.table.c.ehr


SEALED: Final = (
    Sealed(table=pending_launches, key=pending_launches.c.state_hash, columns=("payload",)),
    Sealed(table=grants, key=grants.c.id, columns=("access_token", "refresh_token")),
    Sealed(table=launches, key=launches.c.handle, columns=("context",)),
    Sealed(table=drafts, key=drafts.c.key, columns=("answers",)),
    Sealed(table=submissions, key=submissions.c.key, columns=("payload", "shown", "pieces")),
    Sealed(table=alerts, key=alerts.c.submission, columns=("said",)),
    Sealed(table=reasons, key=reasons.c.key, columns=("answer", "facts")),
    Sealed(table=agreements, key=agreements.c.key, columns=("choice", "outcome")),
)
"""Every sealed column there is."""


@dataclass(frozen=True, kw_only=True)
class Resealed:
    """How many values were sealed again, and a line for each that does not open, which stays as it is."""

    values: int
    refused: tuple[str, ...]


def rotate(engine: Engine, path: Path, *, by: str, at: datetime) -> Resealed:
    """Let the newest key of a file seal, a new one when that is so already, and seal everything again with it.

    Cut off and done again it goes on where it ended, with the same key. What a process with an older key file seals
    meanwhile is left to the next time. Raises KeyFileError, VaultError or StoreError.
    """
    keys = read_key_file(path)
    if keys.current == keys.newest and not count_sealed(engine).keys() - {keys.current}:
        keys = add_key(path)
    if keys.current != keys.newest:
        keys = use_newest(path)
        _note(engine, Event.KEYS_ROTATED, by=by, at=at, outcome=keys.current)
    return _reseal(engine, Vault.from_file(path))


def retire(engine: Engine, path: Path, name: str, *, by: str, at: datetime) -> None:
    """Take a key out of its file for good; raises KeyFileError while anything needs it, or may need it today.

    A form that was sent before the keys were rotated may be sent once more: its answers are compared by the old key.
    """
    if left := count_sealed(engine)[name]:
        raise KeyFileError(f"{left} values are sealed with {name}: rotate the keys first")
    require_key(path, name)
    rotated = _last_rotation(engine)
    if rotated and at - rotated < SETTLING:
        raise KeyFileError(f"the keys were rotated less than a day ago: a form sent then may still need {name}")
    drop_key(path, name)
    _note(engine, Event.KEYS_RETIRED, by=by, at=at, outcome=name)


def _reseal(engine: Engine, vault: Vault) -> Resealed:
    values, refused = 0, list[str]()
    for sealed in SEALED:
        last = ""
        while batch := _reseal_batch(engine, vault, sealed, last, refused):
            last, changed = batch
            values += changed
    return Resealed(values=values, refused=tuple(refused))


def _last_rotation(engine: Engine) -> datetime | None:
    newest = sa.select(audit.c.at).where(audit.c.event == Event.KEYS_ROTATED).order_by(audit.c.id.desc()).limit(1)
    with engine.connect() as connection:
        found: datetime | None = connection.scalar(newest)
    return found


def count_sealed(engine: Engine) -> Counter[str]:
    """Return how many values each key has sealed, by its id."""
    found: Counter[str] = Counter()
    with engine.connect() as connection:
        for sealed in SEALED:
            for name in sealed.columns:
                column = sealed.table.c[name]
                starts = sa.select(sa.func.substr(column, 1, 64)).where(_holds(column))
                found.update(
                    bytes(start).partition(b":")[0].decode("ascii", "replace") for start in connection.scalars(starts)
                )
    return found


def _reseal_batch(
    engine: Engine, vault: Vault, sealed: Sealed, after: str, refused: list[str]
) -> tuple[str, int] | None:
    """Seal the next rows again in one transaction; returns the last one's key and how many values that were."""
    with transaction(engine) as connection:
        rows = connection.execute(_behind(vault, sealed, after)).mappings().all()
        changed = sum(_reseal_row(connection, vault, sealed, dict(row), refused) for row in rows)
    return (rows[-1]["row_key"], changed) if rows else None


def _behind(vault: Vault, sealed: Sealed, after: str) -> sa.Select[Any]:
    """Return the query for rows with a value that another key has sealed."""
    start = sealed_by(vault.current)
    columns = [sealed.table.c[name] for name in sealed.columns]
    others = [_holds(column) & (sa.func.substr(column, 1, len(start)) != start) for column in columns]
    named = (sealed.key.label("row_key"), sealed.ehr.label("row_ehr"))
    return sa.select(*named, *columns).where(sa.or_(*others), sealed.key > after).order_by(sealed.key).limit(BATCH)


def _holds(column: sa.Column[bytes]) -> sa.ColumnElement[bool]:
    """Whether there is a value, which was not deleted at its time."""
    return column.is_not(None) & (column != b"")


def _reseal_row(connection: Connection, vault: Vault, sealed: Sealed, row: dict[str, Any], refused: list[str]) -> int:
    values: dict[str, bytes] = {}
    for name in sealed.columns:
        if row[name] and not row[name].startswith(sealed_by(vault.current)):
            place = f"{row['row_ehr']}/{sealed.table.name}/{row['row_key']}/{name}"
            try:
                values[name] = vault.seal(vault.open(row[name], place=place), place=place)
            except VaultError as error:
                refused.append(error.detail)
    if values:
        connection.execute(sa.update(sealed.table).where(sealed.key == row["row_key"]).values(**values))
    return len(values)


def _note(engine: Engine, event: Event, *, by: str, at: datetime, outcome: str) -> None:
    with transaction(engine) as connection:
        record(
            connection,
            at=at,
            event=event,
            actor=by,
            ehr="",
            patient=None,
            launch=None,
            outcome=outcome,
            request_id=None,
        )
