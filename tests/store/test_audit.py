"""The audit trail cannot be changed unnoticed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Connection, Engine, text

from fhir_alliance.audit import Event, head, record, verify
from fhir_alliance.errors import StoreError
from fhir_alliance.store import transaction

AT = datetime(2026, 11, 12, 10, 42, tzinfo=UTC)


def add(engine: Engine, count: int = 1, *, at: datetime = AT) -> None:
    """Append rows in one transaction."""
    with transaction(engine) as connection:
        for number in range(count):
            record(
                connection,
                at=at,
                event=Event.CHART_READ,
                actor="Practitioner/ada-okafor",
                ehr="harbor",
                patient=f"p{number}",
                launch=None,
                outcome="done",
                request_id=None,
            )


def tamper(engine: Engine, statement: str) -> None:
    """Do what somebody with the file in hand could do."""
    with transaction(engine) as connection:
        for change in ("update", "delete"):
            of = " ON audit" if engine.dialect.name == "postgresql" else ""
            connection.execute(text(f"DROP TRIGGER audit_no_{change}{of}"))
        connection.execute(text(statement))


def test_untouched_trail_has_no_broken_link(engine: Engine) -> None:
    """Rows of several transactions, in several time zones, form one unbroken chain."""
    add(engine, 3)
    add(engine, 2, at=AT.astimezone(timezone(timedelta(hours=9))))

    with engine.connect() as connection:
        assert verify(connection, known_head=head(connection)) == []


def test_empty_trail_has_no_broken_link(engine: Engine) -> None:
    """A store in which nothing happened yet verifies."""
    with engine.connect() as connection:
        assert verify(connection, known_head=head(connection)) == []


@pytest.mark.parametrize("statement", ["UPDATE audit SET outcome = 'other'", "DELETE FROM audit"])
def test_database_refuses_to_change_the_trail(engine: Engine, statement: str) -> None:
    """The program itself cannot edit or delete a row, not even by mistake."""
    add(engine)

    with pytest.raises(StoreError), transaction(engine) as connection:
        connection.execute(text(statement))

    with engine.connect() as connection:
        assert len(connection.execute(text("SELECT * FROM audit")).all()) == 1


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET patient = 'p9' WHERE id = 2", ["row 2: was changed"]),
        ("UPDATE audit SET at = '2020-01-01 00:00:00' WHERE id = 3", ["row 3: was changed"]),
        (
            "UPDATE audit SET hash = 'abc' WHERE id = 1",
            ["row 1: was changed", "row 2: does not follow the row before it"],
        ),
        ("DELETE FROM audit WHERE id = 1", ["row 2: does not follow the row before it"]),
        ("DELETE FROM audit WHERE id = 2", ["row 3: does not follow the row before it"]),
        ("DELETE FROM audit WHERE id = 3", ["the last rows were cut off"]),
    ],
)
def test_tampering_is_found(engine: Engine, statement: str, broken: list[str]) -> None:
    """A row edited, removed from the middle, or cut off the end breaks the chain where it happened (T75)."""
    add(engine, 3)
    with engine.connect() as connection:
        known = head(connection)

    tamper(engine, statement)

    with engine.connect() as connection:
        assert verify(connection, known_head=known) == broken


@pytest.mark.parametrize("empty_store", ["postgresql"], indirect=True)
def test_trail_cannot_be_emptied(engine: Engine) -> None:
    """TRUNCATE, which no row trigger sees, is refused as well."""
    add(engine)

    with pytest.raises(StoreError), transaction(engine) as connection:
        connection.execute(text("TRUNCATE audit"))


def test_row_is_written_with_its_transaction_or_not_at_all(engine: Engine) -> None:
    """When what is audited does not happen, its row does not stay."""
    with pytest.raises(StoreError), transaction(engine) as connection:
        _record_then_fail(connection)

    with engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM audit")).all() == []


def _record_then_fail(connection: Connection) -> None:
    record(
        connection,
        at=AT,
        event=Event.FORM_OPENED,
        actor="Patient/p1",
        ehr="harbor",
        patient="p1",
        launch="l1",
        outcome="done",
        request_id="r1",
    )
    connection.execute(text("INSERT INTO nowhere VALUES (1)"))
