"""The notifier in its own thread."""

import threading
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from tests.alerts.conftest import Desk
    from tests.mail_server import MailServer


def test_the_thread_tells_what_was_left(desk: "Desk", mail_server: "MailServer") -> None:
    """An alert from before the start is mailed by the start alone, and stopping ends the thread."""
    desk.answer()

    desk.notifier.start()
    told = mail_server.received.wait(10)
    desk.notifier.stop()

    assert told
    assert desk.states() == ["notified"]


def test_a_start_without_mail_server_goes_on(desk: "Desk", mail_server: "MailServer", log: list[Any]) -> None:
    """A mail server that cannot be reached at the start is said in the log; nothing else stops for it."""
    mail_server.stop()

    desk.notifier.start()
    desk.notifier.stop()

    said = {"event": "alert.mail-server", "code": "mail.failed", "detail": "unreachable", "log_level": "error"}
    assert log == [said]


def test_the_thread_survives_a_database_that_refuses(desk: "Desk", mail_server: "MailServer", log: list[Any]) -> None:
    """Whatever goes wrong is said by its kind alone, and afterwards the alert is told."""
    desk.answer()
    paused = threading.Event()
    failing = True

    @event.listens_for(desk.engine, "before_cursor_execute")
    def refuse(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if failing and "FROM alerts" in statement:
            paused.set()
            cursor.execute("SELECT * FROM nowhere")

    desk.notifier.start()
    stopped = paused.wait(10)
    failing = False
    told = mail_server.received.wait(10)
    desk.notifier.stop()

    assert (stopped, told) == (True, True)
    paused_by = [{**each, "code": None} for each in log if each.get("code") in ("OperationalError", "ProgrammingError")]
    assert {"event": "alert.paused", "code": None, "log_level": "error"} in paused_by


def test_stopping_ends_what_is_due(desk: "Desk", mail_server: "MailServer") -> None:
    """Stopped between two mails, the second is left for the next start; stopping twice is harmless."""
    desk.answer()
    desk.answer(number=2)
    mail_server.on_mail = desk.notifier.stop

    tried = desk.tell()

    assert tried == 1
    assert desk.states() == ["notified", "open"]
