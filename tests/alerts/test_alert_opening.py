"""An answer above 0 to an alert item opens an alert together with the answers, and nothing else does."""

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, func, select

from fhir_alliance.alerts.book import AlertAnswer, UnknownAlert
from fhir_alliance.audit import Event, verify
from fhir_alliance.errors import StoreError
from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.items import Item, Span
from fhir_alliance.scoring.alerting import alerting_items
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.tables import alerts, audit, submissions
from fhir_alliance.vault import VaultError

if TYPE_CHECKING:
    from tests.alerts.conftest import Desk


def kept(desk: "Desk") -> tuple[int, int]:
    """Return how many submissions and how many alerts there are."""
    with desk.engine.connect() as connection:
        counts = [connection.scalar(select(func.count()).select_from(table)) for table in (submissions, alerts)]
    return counts[0] or 0, counts[1] or 0


@pytest.mark.parametrize(
    ("answer", "opened"),
    [
        ("not-at-all", 0),
        ("several-days", 1),
        ("more-than-half-the-days", 1),
        ("nearly-every-day", 1),
        ("skip", 0),
        ("", 0),
    ],
)
def test_an_answer_above_zero_opens_an_alert(desk: "Desk", answer: str, opened: int) -> None:
    """Every answer to item 9 but the lowest opens one; skipped and blank are no answer."""
    desk.answer(answer)

    assert kept(desk) == (1, opened)


def test_an_instrument_without_alert_items_opens_none(desk: "Desk") -> None:
    """Whatever is answered to an ordinary form, nobody is alarmed."""
    phq9 = shipped().instrument("phq-9")

    found = alerting_items(replace(phq9, alert_items=()), Answers(given={"9": "nearly-every-day"}))

    assert found == ()


def test_a_point_of_a_line_counts_what_it_says() -> None:
    """An alert item may be a visual analogue line; an answer that is none counts nothing."""
    line = Item(
        link_id="9", section="all", construct="x", span=Span(minimum=Decimal(0), maximum=Decimal(10), decimals=1)
    )
    instrument = replace(shipped().instrument("phq-9"), items={"9": line})

    found = [alerting_items(instrument, Answers(given={"9": answer})) for answer in ("0", "0.1", "lots")]

    assert found == [(), ("9",), ()]


def test_the_alert_says_what_was_answered(desk: "Desk") -> None:
    """A clinician finds instrument, item, answer in words and time; another patient's chart has nothing of it."""
    submission = desk.answer("more-than-half-the-days")

    (found,) = desk.book.of_patient("harbor", "maria-lopez", since=desk.now)

    assert (found.instrument, found.answers) == ("PHQ-9", (AlertAnswer(item="9", answer="More than half the days"),))
    assert (found.answered_at, found.acknowledged_at) == (submission.authored, None)
    assert desk.book.of_patient("harbor", "omar-haddad", since=desk.now) == ()
    assert desk.book.of_patient("other", "maria-lopez", since=desk.now) == ()


@pytest.mark.parametrize("statement", ["INSERT INTO submissions", "INSERT INTO alerts", "INSERT INTO audit", "COMMIT"])
def test_answers_and_alert_are_kept_together_or_not_at_all(desk: "Desk", statement: str) -> None:
    """Wherever accepting breaks off, there is neither an answer without its alert nor an alert without its answer."""
    seen = []

    @event.listens_for(desk.engine, "before_cursor_execute")
    def refuse(connection: Any, cursor: Any, text: str, *_: Any) -> None:
        seen.append(text)
        if text.startswith(statement) and (statement != "INSERT INTO audit" or "INSERT INTO alerts" in str(seen)):
            cursor.execute("SELECT * FROM nowhere")

    @event.listens_for(desk.engine, "commit")
    def refuse_commit(connection: Any) -> None:
        if statement == "COMMIT":
            connection.exec_driver_sql("SELECT * FROM nowhere")

    with pytest.raises(StoreError):
        desk.answer()

    assert kept(desk) == (0, 0)


def test_a_repeat_opens_no_second_alert(desk: "Desk") -> None:
    """The same answers sent twice are one submission and one alert."""
    desk.answer()

    desk.answer()

    assert kept(desk) == (1, 1)


def test_what_was_answered_is_sealed(desk: "Desk") -> None:
    """Neither the answer nor the instrument is readable in the database, and a moved row cannot be opened."""
    desk.answer()
    files = b"".join(path.read_bytes() for path in desk.folder.glob("alliance.db*"))

    with desk.engine.begin() as connection:
        connection.execute(alerts.update().values(ehr="other"))

    assert b"Several days" not in files
    assert b"several-days" not in files
    with pytest.raises(VaultError):
        desk.book.of_patient("other", "maria-lopez", since=desk.now)


def test_opening_and_acknowledging_are_audited(desk: "Desk") -> None:
    """Who was alarmed and who took it on is in the chained trail, once, though it is pressed twice."""
    desk.answer()

    desk.acknowledge()
    desk.acknowledge(user="Practitioner/other")

    with desk.engine.connect() as connection:
        rows = connection.execute(select(audit).where(audit.c.event.startswith("alert."))).all()
        assert verify(connection) == []
    assert [(row.event, row.actor, row.patient) for row in rows] == [
        (Event.ALERT_OPENED, "outbox", "maria-lopez"),
        (Event.ALERT_ACKNOWLEDGED, "Practitioner/lee", "maria-lopez"),
    ]


def test_an_alert_of_another_patient_cannot_be_acknowledged(desk: "Desk") -> None:
    """Knowing its number is not enough: only from that patient's chart (T45)."""
    desk.answer()

    with pytest.raises(UnknownAlert):
        desk.acknowledge(patient="omar-haddad")

    assert desk.states() == ["open"]


def test_an_acknowledged_alert_leaves_the_chart_after_a_while(desk: "Desk") -> None:
    """One that was taken on is shown from its acknowledgement on for as long as asked; one that waits, always."""
    desk.answer()
    desk.acknowledge()
    desk.answer(number=2)

    later = desk.book.of_patient("harbor", "maria-lopez", since=desk.now.replace(year=2027))

    assert [(each.id, each.acknowledged_by) for each in later] == [(2, None)]
    assert len(desk.book.of_patient("harbor", "maria-lopez", since=desk.now)) == 2
