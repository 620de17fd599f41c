"""Feedback on cards in each kind of database: by card and EHR, the latest word, once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from fhir_alliance.cards.asking import Hook
from fhir_alliance.cards.feedback import Feedback, keep_feedback
from fhir_alliance.delivery.keeping import Keeping
from fhir_alliance.store import open_store, transaction
from fhir_alliance.tables import card_feedback
from fhir_alliance.vault import Vault

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def engine(empty_store: str) -> Iterator[Engine]:
    """Open a fresh store of each kind."""
    engine = open_store(empty_store)
    yield engine
    engine.dispose()


def test_the_latest_word_counts(engine: Engine) -> None:
    """The same again and an older word change nothing, a newer one does, another EHR's is its own."""

    def said(outcome: str, minutes: int) -> Feedback:
        return Feedback(card="c-1", outcome=outcome, reason=None, given_at=NOON + timedelta(minutes=minutes))

    for ehr, each in [
        ("harbor", said("overridden", 0)),
        ("harbor", said("overridden", 0)),
        ("harbor", said("accepted", 5)),
        ("harbor", said("overridden", 3)),
        ("lake", said("overridden", 1)),
    ]:
        with transaction(engine) as connection:
            keep_feedback(connection, ehr, Hook.PATIENT_VIEW, [each], at=NOON + timedelta(hours=1))

    with engine.connect() as connection:
        rows = connection.execute(select(card_feedback).order_by(card_feedback.c.ehr)).all()
    assert [(row.ehr, row.outcome, row.given_at) for row in rows] == [
        ("harbor", "accepted", NOON + timedelta(minutes=5)),
        ("lake", "overridden", NOON + timedelta(minutes=1)),
    ]


def test_kept_for_a_year(engine: Engine) -> None:
    """A year after it came nothing is left of what became of a card, and until then it is there."""
    with transaction(engine) as connection:
        given = Feedback(card="c-1", outcome="accepted", reason=None, given_at=NOON)
        keep_feedback(connection, "harbor", Hook.PATIENT_VIEW, [given], at=NOON)
    keeping = Keeping(engine, Vault(current="k1", keys={"k1": bytes(range(32))}), lambda: NOON)

    left = []
    for days in (364, 365):
        keeping.purge(NOON + timedelta(days=days))
        with engine.connect() as connection:
            left.append(len(connection.execute(select(card_feedback)).all()))

    assert left == [1, 0]
