"""Reasons, their answers and taking an answer back, on every database that the store can be."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from fhir_alliance.tables import audit
from fhir_alliance.talks.kept import Act, Pair
from fhir_alliance.talks.reasons import Answer, Answered, OpenReason, ReasonBook, Shown, UnknownReason
from fhir_alliance.trajectory.seen import Look
from fhir_alliance.vault import Vault

AT = datetime(2026, 11, 12, 10, 42, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
PAIR = Pair(ehr="harbor", patient="maria-lopez", therapist="Practitioner/ada-okafor")
LOW = Shown(
    name="below the usual range",
    look=Look.WORTH,
    code="visit-check-in-core",
    rater="patient",
    rules="v2",
    rests_on="Encounter/v14",
    facts="4.900000",
)
KEY = LOW.key(PAIR)


def act(by: str, at: datetime = LATER) -> Act:
    """Return that somebody does something."""
    return Act(by=by, launch="launch-1", at=at, kept_until=at + timedelta(days=365))


@pytest.fixture
def book(engine: Engine) -> ReasonBook:
    """Return a book with one reason shown."""
    made = ReasonBook(engine, Vault(current="k1", keys={"k1": bytes(range(32))}))
    show(made)
    return made


def show(book: ReasonBook) -> dict[str, Answered]:
    """Show the reason once more."""
    return book.show(PAIR, [LOW], at=AT, kept_until=AT + timedelta(days=365))


def test_open_answered_and_open_again(book: ReasonBook, engine: Engine) -> None:
    """What one of the two who act for the therapist answered another takes back; it is open since it was raised."""
    since = (OpenReason(look=Look.WORTH, since=AT),)
    waiting = [(book.open(PAIR), book.open_of("harbor", PAIR.therapist))]

    book.answer(PAIR, KEY, Answer.NOT_RELEVANT, act("PractitionerRole/ada"))
    said = show(book)
    waiting.append((book.open(PAIR), book.open_of("harbor", PAIR.therapist)))
    for _ in range(2):
        book.reopen(PAIR, KEY, act("Practitioner/ada-okafor"))
    waiting.append((book.open(PAIR), book.open_of("harbor", PAIR.therapist)))

    assert said == {KEY: Answered(answer=Answer.NOT_RELEVANT, by="PractitionerRole/ada", at=LATER)}
    assert show(book) == {}
    assert waiting == [(since, {"maria-lopez": since}), ((), {}), (since, {"maria-lopez": since})]
    with engine.connect() as connection:
        noted = connection.execute(select(audit.c.event, audit.c.actor, audit.c.outcome).order_by(audit.c.id)).all()
    assert [tuple(row) for row in noted] == [
        ("reason.answered", "PractitionerRole/ada", "not-relevant"),
        ("reason.reopened", "Practitioner/ada-okafor", "not-relevant"),
    ]


def test_nobody_elses_is_opened(book: ReasonBook) -> None:
    """A reason of another patient or therapist, and one that nobody was shown, are unknown."""
    book.answer(PAIR, KEY, Answer.TALKED, act("Practitioner/ada-okafor"))
    others = [
        (Pair(ehr="harbor", patient="thomas-reyes", therapist=PAIR.therapist), KEY),
        (Pair(ehr="harbor", patient=PAIR.patient, therapist="Practitioner/kai"), KEY),
        (Pair(ehr="other", patient=PAIR.patient, therapist=PAIR.therapist), KEY),
        (PAIR, "0" * 64),
    ]

    for pair, key in others:
        with pytest.raises(UnknownReason):
            book.reopen(pair, key, act("Practitioner/kai"))

    assert KEY in show(book)
