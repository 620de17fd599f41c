"""After the person has left, a form goes into the chart with the app's own permission, or waits for them (F14)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from fhir_alliance.ehr.draft import BACKEND_SCOPES
from fhir_alliance.tables import audit, grants, submissions
from smart_app.demo.browser import Page
from smart_app.demo.site import Site

from .house import CORE, MARIA, THOMAS, House, Person

MakeHouse = Callable[..., House]
WRITES = (
    "system/Patient.r system/Encounter.r system/QuestionnaireResponse.crs system/Observation.cs system/Provenance.c"
)
READS = "system/Patient.r system/Encounter.r system/QuestionnaireResponse.rs system/Observation.rs"


def granting(scopes: str, registered: str | None = None) -> Callable[[Site], None]:
    """Return a change of a site's files: what its backend client asks for, and what it is registered for at the EHR."""

    def change(site: Site) -> None:
        site.settings.write_text(site.settings.read_text().replace(BACKEND_SCOPES, scopes))
        values = json.loads(site.sandbox.read_text())
        (backend,) = [each for each in values["clients"] if each["client_id"] == "alliance-backend"]
        backend["scopes"] = registered or scopes
        site.sandbox.write_text(json.dumps(values))

    return change


def sent(house: House, patient: str = MARIA) -> tuple[Person, Page]:
    """Let a patient at home answer and leave; returns the browser and the receipt page."""
    person, visits = house.at_home(patient)
    form = person.submit(visits, visits.form("/visit"), encounter="none")
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    return person, person.submit(review, review.form("/send"))


def leave(house: House) -> None:
    """Let every permission of a person end at the EHR and here."""
    for row in house.rows(grants):
        house.services.grants.end(row["id"])


def state(house: House, receipt: Page) -> tuple[str, str | None]:
    """Return where a submission is, and why."""
    (row,) = [row for row in house.rows(submissions) if row["key"] == key_of(receipt)]
    return row["state"], row["reason"]


def key_of(receipt: Page) -> str:
    """Return the key of a submission."""
    return receipt.url.rpartition("/")[2]


def senders(house: House) -> list[str]:
    """Return who sent something, by the audit trail."""
    return [row["actor"] for row in house.rows(audit) if row["event"] == "submission.sent"]


def tokens(house: House) -> list[int]:
    """Return the EHR's answers to the backend client's requests for a token."""
    return [call[2] for call in house.traffic if call[1] == "/auth/token" and call[3] == "alliance-backend"]


def test_the_app_delivers_by_itself_when_the_person_has_left(make_house: MakeHouse) -> None:
    """With scopes that allow it two forms are delivered with one token, each once, and the audit trail says by whom."""
    house = make_house(change=granting(WRITES))
    receipts = [sent(house)[1], sent(house, THOMAS)[1]]
    leave(house)

    house.deliver()
    house.deliver()

    assert [state(house, receipt) for receipt in receipts] == [("delivered", None)] * 2
    for receipt, patient in zip(receipts, (MARIA, THOMAS), strict=True):
        responses, observations = house.written(key_of(receipt), patient)
        assert (len(responses), len(observations)) == (1, 2)
    assert senders(house) == ["courier-backend"] * 2
    assert tokens(house) == [200]


def test_answers_by_a_link_are_written_by_the_app_itself(make_house: MakeHouse) -> None:
    """Nobody signed in for them: every write bears the backend client's token, and no person's."""
    house = make_house(change=granting(WRITES))
    person, form = house.linked()
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    receipt = person.submit(review, review.form("/send"))
    for row in house.rows(grants):
        house.services.grants.end(row["id"])  # the clinician who made the link has left as well

    house.deliver()

    responses, observations = house.written(key_of(receipt))
    assert state(house, receipt) == ("delivered", None)
    assert (len(responses), len(observations)) == (1, 2)
    assert responses[0]["source"]["reference"] == f"Patient/{MARIA}"
    assert (senders(house), tokens(house)) == (["courier-backend"], [200])
    assert {call[3] for call in house.traffic if call[0] in ("POST", "PUT") and call[1].startswith("/fhir")} == {
        "alliance-backend"
    }


def test_the_persons_permission_comes_first(make_house: MakeHouse) -> None:
    """As long as the person's permission lasts nothing is done with the app's own."""
    house = make_house(change=granting(WRITES))
    _, receipt = sent(house)

    house.deliver()

    assert state(house, receipt) == ("delivered", None)
    assert (senders(house), tokens(house)) == (["courier"], [])


@pytest.mark.parametrize(
    ("scopes", "registered"),
    [(BACKEND_SCOPES, None), (READS, None), (WRITES, READS), (WRITES.replace("Patient", "Group"), None)],
)
def test_without_scopes_the_form_waits_for_the_person(
    make_house: MakeHouse, scopes: str, registered: str | None
) -> None:
    """What the EHR grants counts: with less nothing is sent, and the patient's next sign-in delivers the form."""
    house = make_house(change=granting(scopes, registered))
    _, receipt = sent(house)
    leave(house)
    asked = len(house.traffic)

    house.deliver()
    held, calls = state(house, receipt), [call for call in list(house.traffic)[asked:] if "/fhir" in call[1]]
    house.at_home()
    house.deliver()

    assert (held, calls) == (("held", "needs-sign-in"), [])
    assert state(house, receipt) == ("delivered", None)
    assert senders(house) == ["courier"]


def test_another_patients_sign_in_delivers_nothing(own: House) -> None:
    """Only the same patient's launch, their own or their clinician's, takes over what is held."""
    _, receipt = sent(own)
    leave(own)
    own.deliver()

    own.at_home(THOMAS)
    own.deliver()
    after_another = state(own, receipt)
    own.clinician(MARIA)
    own.deliver()

    assert after_another == ("held", "needs-sign-in")
    assert state(own, receipt) == ("delivered", None)
    assert len(own.written(key_of(receipt))[0]) == 1


def test_the_same_patient_is_asked_for(make_house: MakeHouse) -> None:
    """The app's own permission reaches every chart, so a patient who is no longer the one shown gets nothing."""
    house = make_house(change=granting(WRITES))
    _, receipt = sent(house)
    leave(house)
    store = house.ehr.extensions["sandbox_store"]
    patient: dict[str, Any] = store.read("Patient", MARIA)
    store.update({**patient, "birthDate": "1960-01-01"})

    house.deliver()

    assert state(house, receipt) == ("held", "patient-changed")
    assert senders(house) == []


def test_a_refused_client_is_asked_for_once(make_house: MakeHouse) -> None:
    """A client the EHR refuses is not asked for again for each form that waits; those wait for their person."""
    house = make_house(change=granting(WRITES, "system/Questionnaire.r"))
    receipts = [sent(house)[1], sent(house, THOMAS)[1]]
    leave(house)

    house.deliver()

    assert [state(house, receipt) for receipt in receipts] == [("held", "needs-sign-in")] * 2
    assert tokens(house) == [400]


def test_a_token_the_ehr_refuses_is_renewed_once(make_house: MakeHouse) -> None:
    """A token that was ended early costs one 401 and one new token."""
    house = make_house(change=granting(WRITES))
    first = sent(house)[1]
    leave(house)
    house.deliver()
    house.ehr.extensions["sandbox_grants"]._access.forget(lambda live: True)
    second = sent(house)[1]
    leave(house)

    house.deliver()

    assert [state(house, receipt) for receipt in (first, second)] == [("delivered", None)] * 2
    assert tokens(house) == [200, 200]
