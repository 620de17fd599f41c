"""What a correction of the answers does to their alert: one alert, up to date, and never on another's chart."""

from typing import TYPE_CHECKING
from uuid import UUID

import orjson
import pytest
from sqlalchemy import select

from fhir_alliance.alerts.opening import Change
from fhir_alliance.delivery.correcting import Cause, Correction, Corrections
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.tables import audit

if TYPE_CHECKING:
    from fhir_alliance.alerts.book import Alert
    from fhir_alliance.records.submission import Submission
    from tests.alerts.conftest import Desk
    from tests.mail_server import MailServer

ON_CALL = ("on-call@clinic.example.invalid", "second@clinic.example.invalid")
HEAD = ("head@clinic.example.invalid",)


def correction(first: "Submission", cause: Cause, *, seen: int = 1) -> Correction:
    """Return what is asked for about a form."""
    return Correction(form_key=first.key, seen=seen, cause=cause, asked_by="Patient/maria-lopez")


def change(desk: "Desk", first: "Submission", code: str, *, number: int = 2, seen: int = 1) -> None:
    """Answer item 9 of a form anew."""
    given = {str(item): "not-at-all" for item in range(1, 9)} | {"9": code}
    made = desk.make(given, instrument=first.instrument, form="all", key=str(UUID(int=number)))
    bundle = orjson.dumps(write_bundle(made))
    corrections = Corrections(desk.outbox, desk.engine, desk.vault, lambda: desk.now)
    corrections.amend(made, bundle, correction(first, Cause.CHANGED_MIND, seen=seen), grant="g1")


def take_back(desk: "Desk", first: "Submission", cause: Cause) -> None:
    """Take a form back."""
    corrections = Corrections(desk.outbox, desk.engine, desk.vault, lambda: desk.now)
    asked = correction(first, cause)
    who = {"ehr": "harbor", "patient": "maria-lopez", "launch": "launch-1", "grant": "g1"}
    corrections.withdraw(str(UUID(int=9)), asked, **who)


def shown(desk: "Desk") -> "list[Alert]":
    """Return what stands in the patient's chart."""
    return list(desk.book.of_patient("harbor", "maria-lopez", since=desk.now))


def audited(desk: "Desk") -> list[tuple[str, str]]:
    """Return what the trail says of alerts."""
    with desk.engine.connect() as connection:
        rows = connection.execute(select(audit).order_by(audit.c.id)).all()
    return [(row.event, row.outcome) for row in rows if row.event.startswith("alert.")]


def test_another_alarming_answer_renews_the_alert(desk: "Desk", mail_server: "MailServer") -> None:
    """There is one alert with the newest answer, and who was told of it is not told twice."""
    first = desk.answer("several-days")
    desk.tell()

    change(desk, first, "nearly-every-day")
    desk.tell(minutes=10)

    (alert,) = shown(desk)
    assert ([each.answer for each in alert.answers], alert.change) == (["Nearly every day"], None)
    assert len(mail_server.mails) == 1
    assert audited(desk)[-1] == ("alert.changed", "renewed")


def test_an_answer_below_the_alarm_leaves_it_open(desk: "Desk", mail_server: "MailServer") -> None:
    """What was said first stands, marked, and waits for somebody; those behind are told as ever."""
    first = desk.answer("several-days")
    desk.tell()

    change(desk, first, "not-at-all")
    desk.tell(minutes=31)

    (alert,) = shown(desk)
    assert ([each.answer for each in alert.answers], alert.change) == (["Several days"], Change.LOWERED)
    assert [mail.recipients for mail in mail_server.mails] == [ON_CALL, HEAD]
    change(desk, first, "nearly-every-day", number=3, seen=2)
    (alert,) = shown(desk)
    assert ([each.answer for each in alert.answers], alert.change) == (["Nearly every day"], None)


@pytest.mark.parametrize(("code", "opened"), [("several-days", 1), ("nearly-every-day", 2), ("not-at-all", 1)])
def test_what_was_taken_on(desk: "Desk", code: str, opened: int) -> None:
    """Somebody acts on these very answers already; other alarming ones are another alert."""
    first = desk.answer("several-days")
    desk.acknowledge()

    change(desk, first, code)

    assert (len(shown(desk)), len(desk.states())) == (opened, opened)


def test_a_first_alarm_in_a_correction_opens_one(desk: "Desk") -> None:
    """A form that called for nobody does when its answer is changed so."""
    first = desk.answer("not-at-all")

    change(desk, first, "several-days")

    assert desk.states() == ["open"]


@pytest.mark.parametrize("cause", [Cause.CHANGED_MIND, Cause.MISTAKE])
def test_what_the_patient_takes_back_still_waits(desk: "Desk", cause: Cause) -> None:
    """The answer was this patient's: the alert stays with it, marked, until somebody takes it on."""
    first = desk.answer()
    desk.tell()

    take_back(desk, first, cause)

    (alert,) = shown(desk)
    assert (len(alert.answers), alert.change, desk.states()) == (1, Change.TAKEN_BACK, ["notified"])
    desk.acknowledge()
    assert desk.states() == ["acknowledged"]


@pytest.mark.parametrize(("minutes", "told"), [(1, ON_CALL), (31, (*ON_CALL, *HEAD))])
@pytest.mark.parametrize("taken_on", [False, True])
def test_the_wrong_person_ends_it_and_the_told_are_told(
    desk: "Desk", mail_server: "MailServer", minutes: int, told: tuple[str, ...], taken_on: bool
) -> None:
    """Nobody acts on another's answer: it is gone from the chart, and everybody who was told gets one word of it."""
    first = desk.answer("nearly-every-day")
    desk.tell()
    desk.tell(minutes=minutes)
    if taken_on:
        desk.acknowledge()
    before = len(mail_server.mails)

    take_back(desk, first, Cause.WRONG_PERSON)
    tried = [desk.tell(), desk.tell(minutes=60)]

    (mail,) = mail_server.mails[before:]
    text = mail.message.get_content()
    assert (tried, mail.recipients, mail.message["Subject"]) == ([1, 0], told, "Alert 1 was withdrawn")
    assert [word for word in ("Maria", "Lopez", "1988", "4821", "PHQ", "Nearly", first.key) if word in text] == []
    assert desk.states() == ["withdrawn"]
    assert audited(desk)[-2:] == [("alert.withdrawn", "withdrawn"), ("alert.withdrawal-told", "sent")]


def test_a_withdrawn_alert_shows_no_answer_and_cannot_be_taken_on(desk: "Desk") -> None:
    """The chart still says that there was one, without what another person has answered."""
    first = desk.answer()
    take_back(desk, first, Cause.WRONG_PERSON)

    desk.acknowledge()

    (alert,) = shown(desk)
    assert (alert.answers, alert.change, alert.acknowledged_at) == ((), Change.WITHDRAWN, None)


def test_who_was_never_told_gets_no_word(desk: "Desk", mail_server: "MailServer") -> None:
    """Withdrawn before the first mail, there is nothing to take back."""
    take_back(desk, desk.answer(), Cause.WRONG_PERSON)

    assert (desk.tell(), mail_server.mails) == (0, [])
