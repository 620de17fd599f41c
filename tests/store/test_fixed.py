"""A statement made ready once does what the same one does anew, on both databases."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import pytest
from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from fhir_alliance.errors import StoreError
from fhir_alliance.fixed import Fixed
from fhir_alliance.store import transaction
from fhir_alliance.tables import drafts

AT: Final = datetime(2026, 11, 12, 10, 42, tzinfo=UTC)
ADD: Final = Fixed(insert(drafts))
ADD_AND_TELL: Final = Fixed(insert(drafts).returning(drafts.c.key, drafts.c.started_at))
_BY_KEY = select(drafts, (drafts.c.version > 2).label("late")).where(
    drafts.c.key == bindparam("of_key"), drafts.c.held_by == ""
)
BY_KEY: Final = Fixed(_BY_KEY)
FORGET: Final = Fixed(delete(drafts).where(drafts.c.key == bindparam("of_key")))


def draft(key: str = "one", **more: Any) -> dict[str, Any]:
    """Return the values of a row."""
    values = {"key": key, "ehr": "harbor", "patient": "p1", "encounter": "", "form": "f", "held_by": "", "version": 3}
    sealed = {"answers": b"\x00sealed", "audience_digest": "d"}
    return {**values, **sealed, "started_at": AT, "updated_at": AT, "expires_at": None, **more}


def test_the_rows_are_those_of_the_usual_way(engine: Engine) -> None:
    """Names, bytes, whole numbers, instants with their offset and truths come back as without it."""
    with transaction(engine) as connection:
        ADD.execute(connection, draft(started_at=AT.astimezone(timezone(timedelta(hours=9)))))

    found = BY_KEY.read(engine, {"of_key": "one"}).mappings().one()

    with engine.connect() as connection:
        assert found == connection.execute(_BY_KEY, {"of_key": "one"}).mappings().one()
    assert dict(found) == {**draft(), "late": True}
    assert BY_KEY.read(engine, {"of_key": "other"}).one_or_none() is None


def test_what_is_written_tells_what_was_asked_for(engine: Engine) -> None:
    """An insert gives back its columns, a delete nothing."""
    with transaction(engine) as connection:
        row = ADD_AND_TELL.execute(connection, draft()).one()
        gone = FORGET.execute(connection, {"of_key": "one"}).all()

    assert (row.key, row.started_at, gone) == ("one", AT, [])
    assert BY_KEY.read(engine, {"of_key": "one"}).all() == []


def test_it_is_undone_with_its_transaction(engine: Engine) -> None:
    """What a block has written before it raises is not there afterwards, also without a transaction begun by hand."""
    with suppress(ZeroDivisionError), transaction(engine) as connection:
        ADD.execute(connection, draft())
        raise ZeroDivisionError
    with engine.connect() as connection:
        ADD.execute(connection, draft())

    assert BY_KEY.read(engine, {"of_key": "one"}).all() == []


def test_what_the_database_refuses_is_told_without_values(engine: Engine) -> None:
    """A second row of the same key is SQLAlchemy's error to who asks, a StoreError to who writes."""
    with transaction(engine) as connection:
        ADD.execute(connection, draft(patient="of-nobody-else"))

    with engine.connect() as connection, pytest.raises(IntegrityError) as refused:
        ADD.execute(connection, draft(patient="of-nobody-else"))
    with pytest.raises(StoreError, match="IntegrityError"), transaction(engine) as connection:
        ADD.execute(connection, draft())

    assert "of-nobody-else" not in str(refused.value)


def test_a_missing_or_wrong_value_writes_nothing(engine: Engine) -> None:
    """Without its key, or with an instant that has no offset, a statement is not made."""
    with pytest.raises(KeyError), transaction(engine) as connection:
        FORGET.execute(connection, {})
    with pytest.raises((StatementError, ValueError)), transaction(engine) as connection:
        ADD.execute(connection, draft(started_at=AT.replace(tzinfo=None)))

    assert BY_KEY.read(engine, {"of_key": "one"}).all() == []


def lose(engine: Engine, connection: Connection) -> None:
    """End a connection: by the server, or where there is none, under the hands of who has it."""
    if engine.dialect.name == "sqlite":
        raw: Any = connection.connection.dbapi_connection
        raw.close()
        return
    own = connection.scalar(text("SELECT pg_backend_pid()"))
    with engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})


def test_a_lost_connection_is_not_used_again(engine: Engine) -> None:
    """When a connection ends within a transaction that one fails, and the next one works."""
    with engine.connect() as connection:
        connection.begin()
        lose(engine, connection)
        with pytest.raises(DBAPIError) as lost:
            BY_KEY.execute(connection, {"of_key": "one"})

    assert lost.value.connection_invalidated
    assert BY_KEY.read(engine, {"of_key": "one"}).all() == []
