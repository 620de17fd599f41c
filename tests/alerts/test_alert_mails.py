"""Who is told, when, and that a mail never says about whom."""

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, insert, select

from fhir_alliance.errors import StoreError
from fhir_alliance.tables import alert_attempts, audit

if TYPE_CHECKING:
    from tests.alerts.conftest import Desk
    from tests.mail_server import MailServer

ON_CALL = ("on-call@clinic.example.invalid", "second@clinic.example.invalid")
HEAD = ("head@clinic.example.invalid",)


def test_the_recipients_are_told_once(desk: "Desk", mail_server: "MailServer") -> None:
    """An open alert is mailed to all recipients, and not again while it waits to be acknowledged."""
    desk.answer()

    tried = [desk.tell(), desk.tell(minutes=10)]

    assert tried == [1, 0]
    assert [mail.recipients for mail in mail_server.mails] == [ON_CALL]
    assert (desk.attempts(), desk.states()) == ([("notified", "sent")], ["notified"])


def test_the_mail_says_what_to_do_and_nothing_about_anybody(desk: "Desk", mail_server: "MailServer") -> None:
    """Number, site, time and limit are there; no name, answer, instrument, record number or id of the patient (P11)."""
    submission = desk.answer("nearly-every-day")

    desk.tell()

    mail = mail_server.mails[0]
    text = mail.message.get_content()
    assert mail.message["Subject"] == "Alert 1: a form needs your attention"
    assert "Open the app from the patient's chart." in text
    assert "answered on Thu 12 Nov at 10:42" in text
    assert "Site: Harbor Clinic" in text
    assert "by: Thu 12 Nov at 11:12 (America/New_York)" in text
    private = ("Maria", "Lopez", "maria-lopez", "1988", "4821", "PHQ", "Nearly", "item 9", "Okafor", submission.key)
    whole = mail.raw.decode() + text
    assert [word for word in private if word.lower() in whole.lower()] == []


def test_a_mail_server_that_is_away_and_comes_back(desk: "Desk", mail_server: "MailServer") -> None:
    """While it is away the alert stays open and says so; it is tried again after half a minute, and then it is told."""
    desk.answer()
    mail_server.stop()
    tried = [desk.tell(), desk.tell(seconds=29)]
    seen = [(entry.state.value, entry.tries, entry.last) for entry in desk.book.entries()]

    mail_server.start()
    desk.tell(seconds=1)

    assert tried == [1, 0]
    assert seen == [("open", 1, "unreachable")]
    assert (desk.states(), len(mail_server.mails)) == (["notified"], 1)


def test_waiting_doubles_up_to_five_minutes(desk: "Desk", mail_server: "MailServer") -> None:
    """A mail server that stays away is asked ever less often, but never less than every five minutes."""
    desk.answer()
    mail_server.stop()
    begun = desk.now
    waits = []
    while desk.now < begun + timedelta(minutes=25):
        if desk.tell(seconds=10):
            waits.append(int((desk.now - begun).total_seconds()))

    gaps = [after - before for before, after in itertools.pairwise(waits)]
    assert gaps == [30, 60, 120, 240, 300, 300, 300]


def test_each_mail_is_written_down_before_it_is_sent(desk: "Desk", mail_server: "MailServer") -> None:
    """While the server still listens, the attempt is on the disk: no crash can send what nobody knows of."""
    desk.answer()
    seen = []
    mail_server.on_mail = lambda: seen.append(desk.attempts())

    desk.tell()

    assert seen == [[("notified", None)]]


def test_a_mail_cut_off_by_a_crash_is_sent_again(desk: "Desk", mail_server: "MailServer") -> None:
    """Whether it went out is unknown, so it goes again, under the same Message-ID: rather twice than never."""
    desk.answer()
    mail_server.answer = "451 try later"
    desk.tell()
    with desk.engine.begin() as connection:
        connection.execute(alert_attempts.update().values(outcome=None))
    mail_server.answer = "250 taken"
    desk.notifier = desk.restarted()

    again = [desk.tell(seconds=29), desk.tell(seconds=1)]

    assert again == [0, 1]
    assert desk.attempts() == [("notified", None), ("notified", "sent")]
    assert mail_server.mails[0].message["Message-ID"] == "<alert-1.notified.20261112T154209@clinic.example.invalid>"


def test_those_behind_are_told_in_time_and_once(desk: "Desk", mail_server: "MailServer") -> None:
    """When nobody acknowledges within the time, the escalation gets one mail, not before and not twice."""
    desk.answer()
    desk.tell()

    tried = [desk.tell(minutes=29, seconds=59), desk.tell(seconds=1), desk.tell(minutes=30), desk.tell(days=2)]

    assert tried == [0, 1, 0, 0]
    assert [mail.recipients for mail in mail_server.mails] == [ON_CALL, HEAD]
    last = mail_server.mails[-1].message
    assert last["Subject"] == "Alert 1 is not acknowledged"
    assert "Nobody has acknowledged alert 1 in time." in last.get_content()
    assert desk.states() == ["escalated"]


def test_those_behind_are_told_though_the_first_never_were(desk: "Desk", mail_server: "MailServer") -> None:
    """A mail server that was away all the time ends with both being told."""
    desk.answer()
    mail_server.stop()
    desk.tell()
    mail_server.start()

    desk.tell(minutes=31)

    assert [mail.recipients for mail in mail_server.mails] == [ON_CALL, HEAD]


@pytest.mark.parametrize(("before", "mails"), [(True, []), (False, [ON_CALL])])
def test_acknowledging_ends_it(desk: "Desk", mail_server: "MailServer", before: bool, mails: list[Any]) -> None:
    """Once somebody has taken it on, nobody is told any more, neither at first nor behind."""
    desk.answer()
    if not before:
        desk.tell()

    desk.acknowledge()
    desk.tell(hours=1)

    assert [mail.recipients for mail in mail_server.mails] == mails
    assert desk.states() == ["acknowledged"]


def test_acknowledged_in_the_very_moment(desk: "Desk", mail_server: "MailServer") -> None:
    """An alert taken on while another's mail is being sent is not mailed any more."""
    desk.answer()
    desk.answer(number=2)
    mail_server.on_mail = lambda: desk.acknowledge(2)

    tried = desk.tell()

    assert (tried, len(mail_server.mails)) == (1, 1)
    assert desk.states() == ["notified", "acknowledged"]


def test_one_refused_recipient_does_not_hide(desk: "Desk", mail_server: "MailServer", log: list[Any]) -> None:
    """When the server takes the mail for some only, it counts as told, and list and log say that it was not for all."""
    desk.answer()
    mail_server.refuses = {ON_CALL[0]}

    desk.tell()

    assert mail_server.mails[0].recipients == ON_CALL[1:]
    assert [entry.last for entry in desk.book.entries()] == ["sent-to-some"]
    assert log[-1] == {
        "event": "alert.told",
        "alert": 1,
        "step": "notified",
        "code": "sent-to-some",
        "log_level": "error",
    }


@pytest.mark.parametrize(
    ("answer", "refuses", "outcome"),
    [("550 no", (), "message-refused"), ("250 taken", ON_CALL, "recipients-refused")],
)
def test_a_refused_mail_is_tried_again(
    desk: "Desk", mail_server: "MailServer", answer: str, refuses: tuple[str, ...], outcome: str
) -> None:
    """A server that takes the mail for nobody has told nobody: the alert stays open and is tried again."""
    desk.answer()
    mail_server.answer, mail_server.refuses = answer, set(refuses)

    desk.tell()

    assert (desk.states(), desk.attempts()) == (["open"], [("notified", outcome)])
    assert desk.tell(seconds=30) == 1


def test_telling_is_audited(desk: "Desk") -> None:
    """That a mail went out is in the audit trail, by whom and about which patient."""
    desk.answer()

    desk.tell()
    desk.tell(minutes=30)

    with desk.engine.connect() as connection:
        rows = connection.execute(select(audit).where(audit.c.actor == "notifier")).all()
    assert [(row.event, row.outcome, row.patient) for row in rows] == [
        ("alert.notified", "sent", "maria-lopez"),
        ("alert.escalated", "sent", "maria-lopez"),
    ]


def test_what_cannot_be_written_down_is_not_sent(desk: "Desk", mail_server: "MailServer") -> None:
    """A database that refuses stops the mail, not the other way round."""
    desk.answer()

    @event.listens_for(desk.engine, "before_cursor_execute")
    def refuse(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(str(insert(alert_attempts)).partition(" (")[0]):
            cursor.execute("SELECT * FROM nowhere")

    with pytest.raises(StoreError):
        desk.tell()

    assert mail_server.mails == []
