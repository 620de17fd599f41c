"""An answer to item 9 of the PHQ-9, from the patient's device to the clinician who takes it on."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import orjson
import pytest
from sqlalchemy import insert, select

from fhir_alliance.alerts.book import State
from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.store import open_store, transaction
from fhir_alliance.tables import audit, grants, submissions
from fhir_alliance.vault import Vault
from smart_app.demo.browser import Page
from smart_app.demo.run import running
from smart_app.demo.site import Site, write_site
from smart_app.web.handovers import create_handover
from smart_app.web.launches import read_launch
from tests.ports import own_port

from .house import MARIA, THOMAS, House, Person, code_of, handle_of

if TYPE_CHECKING:
    from tests.mail_server import MailServer

PHQ9 = shipped().instrument("phq-9").form(Rater.PATIENT, "all").canonical
BOX = "Item 9 of the PHQ-9 was answered “Several days” on"
RUTH = "Practitioner/ruth-abramowitz"


def with_alerts(port: int) -> Callable[[Site], None]:
    """Return what adds alerts to a site's settings."""

    def change(site: Site) -> None:
        text = f"""
[alerts]
recipients = ["on-call@clinic.example.invalid"]
escalation = ["head@clinic.example.invalid"]
acknowledge_within = 30
smtp_host = "localhost"
smtp_port = {port}
smtp_security = "none"
sender = "alliance@clinic.example.invalid"
"""
        site.settings.write_text(site.settings.read_text() + text)

    return change


@pytest.fixture(scope="module")
def alert_house(
    opener: Callable[..., AbstractContextManager[House]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """Open a house whose site has alerts; its mail server is away."""
    with opener(tmp_path_factory.mktemp("alerts"), change=with_alerts(port=9)) as opened:
        yield opened


def hand_over(house: House, patient: str = MARIA) -> tuple[Person, Page]:
    """Return a patient with a handed-over PHQ-9, at the form."""
    _, chart = house.clinician(patient)
    with house.app.app_context(), house.services.engine.connect() as connection:
        launch = read_launch(connection, handle_of(chart))
        assert launch
        link = create_handover(launch, PHQ9).link
    person = Person()
    start = person.open(house.url(f"/handover/{link}"))
    confirm = person.submit(start, start.forms[0])
    return person, person.submit(confirm, confirm.form("/confirm"))


def answer(house: House, item_9: str, patient: str = MARIA) -> tuple[Page, Page]:
    """Fill in a PHQ-9; returns the form as it was shown, and the receipt."""
    person, form = hand_over(house, patient)
    given = {str(item): "not-at-all" for item in range(1, 9)} | {"9": item_9, "difficulty": "somewhat-difficult"}
    review = person.submit(form, form.form("/form"), **given, action="review")
    return form, person.submit(review, review.form("/send"))


def chart_of(house: House, patient: str, user: str | None = None) -> tuple[Person, Page]:
    """Return a clinician, the rated one unless another is named, in a patient's chart."""
    person = Person()
    house.sign_in(person, *filter(None, [user]))
    return person, person.open(house.launch_url(person, patient))


def test_an_answer_reaches_every_clinician_of_the_patient_until_one_acts(alert_house: House) -> None:
    """The box is first in this patient's chart, whoever opens it, and in no other; one of them takes it on."""
    answer(alert_house, "several-days")
    ada, ada_sees = chart_of(alert_house, MARIA)
    ruth, ruth_sees = chart_of(alert_house, MARIA, RUTH)
    _, elsewhere = chart_of(alert_house, THOMAS)

    acknowledged = ada.submit(ada_sees, next(form for form in ada_sees.forms if "/alerts/" in form.action))
    afterwards = ruth.open(ruth_sees.url)

    assert all(BOX in page.text.partition("<h1")[0] for page in (ada_sees, ruth_sees))
    assert BOX not in elsewhere.text
    assert "Acknowledged by you at" in acknowledged.text
    assert "Acknowledged by a colleague at" in afterwards.text
    assert "will act" not in acknowledged.text + afterwards.text
    (entry,) = alert_house.services.alerts.entries()
    assert (entry.state, entry.patient) == (State.ACKNOWLEDGED, MARIA)
    trail = [row["actor"] for row in alert_house.rows(audit) if row["event"] == "alert.acknowledged"]
    assert trail == ["Practitioner/ada-okafor"]


def test_the_patient_is_told_before_and_after(alert_house: House) -> None:
    """The form says that an answer is passed on; the receipt repeats the crisis line, and says so for any answer."""
    form, receipt = answer(alert_house, "not-at-all", THOMAS)

    before = form.text.partition("<fieldset")[0]
    assert "Your answer to question 9 can be passed on" in before
    main = receipt.text.partition("<main")[2].partition("</main>")[0]
    assert "If you are in danger now" in main
    assert "Call or text 988" in main
    assert not [each for each in alert_house.services.alerts.entries() if each.patient == THOMAS]


def test_an_alert_of_another_patient_is_not_there(alert_house: House) -> None:
    """From the chart of one patient the alert of another can be neither seen nor acknowledged (T45)."""
    answer(alert_house, "nearly-every-day", "daniel-brooks")
    number = alert_house.services.alerts.entries()[-1].id
    ada, chart = chart_of(alert_house, THOMAS)
    handle = handle_of(chart)

    url, token = alert_house.url(f"/l/{handle}/alerts/{number}"), alert_house.token_of(ada, handle)
    refused = ada.land(ada.send("POST", url, {"_csrf": token}, Origin=alert_house.site.app_url))

    assert (refused.status, code_of(refused)) == (404, "alert.unknown")
    assert alert_house.services.alerts.entries()[-1].state is State.OPEN


def test_without_alerts_the_form_is_refused(house: House) -> None:
    """A site that has not said who is told cannot ask the question, not even by a handover made before."""
    _, form = hand_over(house)

    assert (form.status, "This form is not asked any more" in form.text) == (410, True)
    assert "<fieldset" not in form.text
    assert not [row for row in house.rows(submissions) if row["form"] == PHQ9]


def test_serving_tells_what_waits(
    tmp_path_factory: pytest.TempPathFactory, make_submission: Callable[..., Submission], mail_server: "MailServer"
) -> None:
    """The app as it is served mails an alert that was opened before it started, and ends in order."""
    ehr_port, app_port = own_port(), own_port()
    site = write_site(tmp_path_factory.mktemp("served"), ehr_port=ehr_port, app_port=app_port)
    with_alerts(mail_server.port)(site)
    folder = site.settings.parent
    engine = open_store(f"sqlite:///{folder / 'alliance.db'}")
    submission = make_submission({"9": "several-days"}, instrument=shipped().instrument("phq-9"), form="all")
    values = {"id": "g1", "ehr": "harbor", "client": "patient", "user": "u", "scopes": "", "access_token": b""}
    times = {"expires_at": submission.scored, "created_at": submission.scored}
    with transaction(engine) as connection:
        connection.execute(insert(grants).values(**values, **times))
    outbox = Outbox(engine, Vault.from_file(folder / "vault.json"), lambda: submission.scored)
    outbox.accept(submission, orjson.dumps(write_bundle(submission)), grant="g1")

    with running(site):
        told = mail_server.received.wait(20)

    assert told
    with engine.connect() as connection:
        events = connection.scalars(select(audit.c.event).where(audit.c.actor == "notifier")).all()
    engine.dispose()
    assert "alert.notified" in events
