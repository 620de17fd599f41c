"""Forms that wait for long: an alarm per EHR and level, told once however many watch, and over when nothing waits."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from fhir_alliance.delivery.alarms import Alarms
from fhir_alliance.settings import AlertSettings, OperationsSettings, Settings, SiteSettings
from fhir_alliance.store import open_store, transaction
from fhir_alliance.tables import backlog_alarms, submissions

if TYPE_CHECKING:
    from tests.delivery.conftest import Site
    from tests.mail_server import MailServer

FIRST, SECOND = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
DESK = "it@clinic.example.invalid"


@dataclass(kw_only=True)
class Watch:
    """A site whose backlog is watched; its clock moves only when told."""

    site: "Site"
    settings: Settings
    log: list[Any]

    def __post_init__(self) -> None:
        self.alarms = Alarms(self.site.engine, self.settings, clock=self.site.clock)

    def look(self, **passed: float) -> int:
        """Let time pass, then look; returns how many mails were tried."""
        return self.alarms.look(self.site.clock.pass_by(**passed))

    def put(self, state: str, code: str | None = None, key: str | None = None) -> None:
        """Put every form, or one, where something would have put it."""
        mine = submissions.c.key == key if key else submissions.c.key.is_not(None)
        with transaction(self.site.engine) as connection:
            connection.execute(submissions.update().where(mine).values(state=state, reason=code))

    def open(self) -> list[tuple[str, bool]]:
        """Return every alarm that is open, and whether somebody was told."""
        with self.site.engine.connect() as connection:
            rows = connection.execute(select(backlog_alarms).order_by(backlog_alarms.c.level)).all()
        return [(row.level, row.told_at is not None) for row in rows]

    def said(self, event: str) -> list[str]:
        """Return the levels that the log names for an event."""
        return [each["step"] for each in self.log if each["event"] == event]


@pytest.fixture
def watch(site: "Site", mail_server: "MailServer", tmp_path: Path) -> Iterator[Watch]:
    """Watch a site that mails."""
    alerts = AlertSettings(
        recipients=("on-call@clinic.example.invalid",),
        escalation=("head@clinic.example.invalid",),
        acknowledge_within=timedelta(minutes=30),
        smtp_host="localhost",
        smtp_port=mail_server.port,
        smtp_security="none",
        sender="alliance@clinic.example.invalid",
        user="",
    )
    settings = Settings(
        public_url="http://localhost:8081",
        database="",
        vault_key_file=tmp_path / "vault.json",
        site=SiteSettings(
            name="Harbor Clinic", crisis_line="988", someone_else="Desk", time_zone=ZoneInfo("America/New_York")
        ),
        ehrs={"harbor": site.registry.by_name("harbor")},
        alerts=alerts,
        operations=OperationsSettings(alarm_recipients=(DESK,)),
    )
    with capture_logs() as log:
        yield Watch(site=site, settings=settings, log=log)


def test_each_level_is_told_once(watch: Watch, mail_server: "MailServer", accept: Callable[..., str]) -> None:
    """At 15 minutes, 4 hours and 24 hours: one mail and one line each, however many forms and looks (F01)."""
    accept(key=FIRST)
    accept(key=SECOND)
    sent = [watch.look(minutes=14, seconds=59)]

    for passed in ({"seconds": 1}, {"hours": 1}, {"hours": 3}, {"hours": 20}, {"hours": 20}):
        sent += [watch.look(**passed), watch.look()]

    assert sent == [0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0]
    assert [mail.message["Subject"].split(" after ")[1] for mail in mail_server.mails] == ["15 min", "4 h", "24 h"]
    assert watch.said("backlog.waits") == ["15 min", "4 h", "24 h"]
    assert watch.open() == [("15 min", True), ("24 h", True), ("4 h", True)]


def test_the_mail_says_what_to_do(watch: Watch, mail_server: "MailServer", accept: Callable[..., str]) -> None:
    """How many, since when at the site, why and what helps; to those who look after delivery, and about nobody."""
    accept(key=FIRST)
    accept(key=SECOND)
    accept()
    watch.put("held", "not-allowed", FIRST)
    watch.put("held", "not-allowed", SECOND)

    watch.look(minutes=16)

    (mail,) = mail_server.mails
    text = mail.message.get_content()
    assert mail.recipients == (DESK,)
    assert mail.message["Subject"] == "3 forms are not in the chart of Harbor after 15 min"
    for part in (
        "the oldest was sent on Thu 12 Nov at 10:42 (America/New_York)",
        "- 2: the health record does not allow it",
        "- 1: it is on its way. Nothing has to be done",
        "outbox list --ehr harbor",
        "Harbor Clinic",
    ):
        assert part in text
    for canary in ("Maria", "Lopez", "maria", "1988", "4821", "check-in", FIRST, SECOND):
        assert canary not in mail.raw.decode()
        assert canary not in str(watch.log)


def test_a_long_night_is_one_mail(watch: Watch, mail_server: "MailServer", accept: Callable[..., str]) -> None:
    """A worker that was away finds all three levels passed: it tells the longest, and is done with the others."""
    accept()

    sent = [watch.look(days=2), watch.look(hours=1)]

    assert sent == [1, 0]
    assert mail_server.mails[0].message["Subject"] == "1 form is not in the chart of Harbor after 24 h"
    assert watch.open() == [("15 min", True), ("24 h", True), ("4 h", True)]


@pytest.mark.parametrize(
    ("state", "code", "counts"),
    [
        ("accepted", None, True),
        ("leased", None, True),
        ("unknown", "in-review", True),
        ("held", "needs-sign-in", True),
        ("rejected", "invalid", True),
        ("held", "not-in-chart", False),
        ("held", "own-rating", False),
        ("delivered", None, False),
        ("delivered", "label-dropped", False),
    ],
)
def test_what_counts(watch: Watch, accept: Callable[..., str], state: str, code: str | None, counts: bool) -> None:
    """Whatever should be in the chart and is not, held or moving; not what stays here by design."""
    accept()
    watch.put(state, code)

    assert watch.look(hours=1) == counts


def test_an_alarm_ends_and_may_begin_again(watch: Watch, accept: Callable[..., str]) -> None:
    """Once nothing waits that long it is over; the next form that waits is an alarm of its own."""
    accept(key=FIRST)
    watch.look(hours=5)
    watch.put("delivered")
    over = watch.look(minutes=1)
    left = watch.open()
    accept(key=SECOND)

    again = watch.look(minutes=16)

    assert (over, left, again) == (0, [], 1)
    assert watch.said("backlog.over") == ["15 min", "4 h"]


def test_a_restart_does_not_repeat_it(watch: Watch, accept: Callable[..., str]) -> None:
    """What was told is written down, not remembered."""
    accept()
    watch.look(minutes=16)

    watch.alarms = Alarms(watch.site.engine, watch.settings, clock=watch.site.clock)

    assert watch.look(minutes=1) == 0
    assert watch.said("backlog.waits") == ["15 min"]


def test_several_processes_send_one_mail(
    watch: Watch, mail_server: "MailServer", accept: Callable[..., str], empty_store: str
) -> None:
    """Four that look at the same moment, each with its own connections: one opens, one tells."""
    accept()
    now: datetime = watch.site.clock.pass_by(minutes=16)
    engines = [open_store(empty_store) for _ in range(4)]
    several = [Alarms(engine, watch.settings, clock=watch.site.clock) for engine in engines]

    with ThreadPoolExecutor(4) as threads:
        sent = list(threads.map(lambda each: each.look(now), several))
    for engine in engines:
        engine.dispose()

    assert (sum(sent), len(mail_server.mails), watch.said("backlog.waits")) == (1, 1, ["15 min"])


def test_a_mail_server_that_is_away_is_tried_again(
    watch: Watch, mail_server: "MailServer", accept: Callable[..., str]
) -> None:
    """After half a minute, then twice as long each time; the alarm is told when it answers."""
    accept()
    mail_server.stop()
    tried = [watch.look(minutes=16), watch.look(seconds=29), watch.look(seconds=1), watch.look(seconds=59)]
    mail_server.start()

    tried.append(watch.look(seconds=1))

    assert (tried, len(mail_server.mails), watch.open()) == ([1, 0, 1, 0, 1], 1, [("15 min", True)])
    assert watch.said("backlog.untold") == ["15 min", "15 min"]


def test_a_sender_that_died_is_followed(watch: Watch, mail_server: "MailServer", accept: Callable[..., str]) -> None:
    """Cut off between claim and mail, the next one tells two minutes later; the mail has the same Message-ID."""
    accept()
    watch.look(minutes=16)
    with transaction(watch.site.engine) as connection:
        until = watch.site.clock.now + timedelta(minutes=2)
        connection.execute(backlog_alarms.update().values(told_at=None, claimed_until=until))

    tried = [watch.look(minutes=1), watch.look(minutes=1)]

    first, second = mail_server.mails
    assert tried == [0, 1]
    assert first.message["Message-ID"] == second.message["Message-ID"]


@pytest.mark.parametrize("changed", [{"alerts": None}, {"operations": OperationsSettings()}])
def test_without_mail_it_is_in_the_log(
    watch: Watch, mail_server: "MailServer", accept: Callable[..., str], changed: dict[str, Any]
) -> None:
    """Whoever has told nobody's address still finds the line."""
    accept()
    watch.settings = replace(watch.settings, **changed)
    watch.alarms = Alarms(watch.site.engine, watch.settings, clock=watch.site.clock)

    assert (watch.look(minutes=16), watch.open(), mail_server.mails) == (0, [("15 min", False)], [])
    assert watch.said("backlog.waits") == ["15 min"]


def test_an_ehr_that_was_taken_out_is_called_by_its_name(
    watch: Watch, mail_server: "MailServer", accept: Callable[..., str]
) -> None:
    """What is held of it still waits; a server that refuses some of the recipients has told the others."""
    accept()
    other = "second@clinic.example.invalid"
    mail_server.refuses = {other}
    operations = OperationsSettings(alarm_recipients=(DESK, other))
    watch.alarms = Alarms(
        watch.site.engine, replace(watch.settings, ehrs={}, operations=operations), clock=watch.site.clock
    )

    watch.look(minutes=16)

    assert "the chart of harbor after" in mail_server.mails[0].message["Subject"]
    assert [each["code"] for each in watch.log if each["event"] == "backlog.told"] == ["sent-to-some"]


def test_what_is_over_before_it_was_told_is_not_told(
    watch: Watch, mail_server: "MailServer", accept: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form delivered between looking and telling leaves nothing to say."""
    accept()
    claim = watch.alarms._claim

    def delivered_meanwhile(*arguments: Any) -> Any:
        watch.put("delivered")
        return claim(*arguments)

    monkeypatch.setattr(watch.alarms, "_claim", delivered_meanwhile)

    assert (watch.look(minutes=16), mail_server.mails) == (1, [])


def test_the_thread_looks_and_ends(watch: Watch, mail_server: "MailServer", accept: Callable[..., str]) -> None:
    """Started, it tells without being asked; stopped, it is gone, and so is one that was never started."""
    accept()
    watch.site.clock.pass_by(minutes=16)
    watch.alarms.stop()

    watch.alarms.start()
    told = mail_server.received.wait(20)
    watch.alarms.stop()

    assert told
    assert watch.open() == [("15 min", True)]


def test_a_fault_does_not_end_the_thread(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong is logged by its kind, without what it says, and looked at again."""

    def fail(_: datetime) -> int:
        watch.alarms._stopping.set()
        raise RuntimeError("Maria Lopez")

    monkeypatch.setattr(watch.alarms, "look", fail)

    watch.alarms._work()

    assert watch.log == [{"event": "backlog.paused", "code": "RuntimeError", "log_level": "error"}]
