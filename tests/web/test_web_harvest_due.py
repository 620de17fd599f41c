"""A response of another program that is not scored leaves its form due, and clinicians are told why."""

from collections.abc import Callable

import pytest

from .house import CORE, MARIA, THOMAS, House
from .test_web_backend import granting
from .test_web_due import due
from .test_web_harvest import FORMS, SCOPES, asked, by_another_app, change, filled, look, put

MakeHouse = Callable[..., House]
TODAY = {"reference": "Encounter/maria-lopez-v14"}
OPEN = "Due at this visit: the short form (each visit)."
DONE = "Nothing more is due at this visit."
WRONG = asked({"99": "7"})


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    """Open a house whose backend client may look for responses, and score them."""
    return make_house(change=granting(SCOPES))


def delivery(house: House, patient: str = MARIA) -> str:
    """Return the clinician's delivery page of a patient."""
    clinician, chart = house.clinician(patient)
    return clinician.open(chart.link("/delivery")).text


def test_what_is_not_scored_closes_nothing(house: House) -> None:
    """The form of a visit is due again once its only response was refused, until a mended version is scored."""
    name = put(house, filled(house, encounter=TODAY, item=WRONG))
    before = due(house)
    look(house)
    refused = due(house)
    change(house, name, item=asked(CORE))
    changed = due(house)
    look(house)

    assert (before, refused) == (DONE, OPEN)
    assert (changed, due(house)) == (DONE, DONE)


def test_patient_at_home_is_asked_again(house: House) -> None:
    """In the portal the form is offered as long as nothing that was scored answers it."""
    name = put(house, filled(house, encounter=TODAY))
    offered = "A form is waiting" in house.at_home()[1].text
    change(house, name, questionnaire=f"{FORMS}/visit-check-in-patient-core|9.0.0")
    look(house)

    assert (offered, "A form is waiting" in house.at_home()[1].text) == (False, True)


def test_what_another_program_has_scored_is_answered(house: House) -> None:
    """A response that is not scored because somebody else has done so closes its form; nothing is to be done."""
    put(house, by_another_app(put(house, filled(house, encounter=TODAY))))
    look(house)

    assert due(house) == DONE
    assert "Nothing waits" in delivery(house)
    assert "scored the response already" not in house.admin()[1].text


def test_view_asks_the_ehr_nothing_more(house: House) -> None:
    """That a response was refused is known here: the view reads the same from the EHR as without it."""
    put(house, filled(house, encounter=TODAY, item=WRONG))

    def reads() -> list[str]:
        house.traffic.clear()
        house.clinician()
        return sorted(path for _, path, *_ in house.traffic if path.startswith("/fhir/"))

    house.clinician()  # the first launch reads once what the EHR says of itself
    before = reads()
    look(house)

    assert reads() == before


def test_what_was_entered_in_error_is_told_no_more(house: House) -> None:
    """A response that was never scored, and is withdrawn at the EHR, is nothing to mend; a dry run changes nothing."""
    name = put(house, filled(house, encounter=TODAY, item=WRONG))
    look(house)
    change(house, name, status="entered-in-error")
    look(house, write=False)
    dry = delivery(house)
    look(house)

    assert name in dry
    assert name not in delivery(house)
    assert name not in house.admin()[1].text
    assert due(house) == OPEN


def test_clinician_is_told_of_it(house: House) -> None:
    """The delivery page has the response, why, and what to do next, of this patient only, until it is scored."""
    theirs = put(house, filled(house, THOMAS, item=WRONG))
    name = put(house, filled(house, encounter=TODAY, item=WRONG))
    look(house)
    refused = delivery(house)
    change(house, name, item=asked(CORE))
    look(house)

    assert f"QuestionnaireResponse/{name}" in refused
    assert "Its answers do not fit the form that it names; please tell your administrator." in refused
    assert "stays due" in refused
    assert "Nothing waits" not in refused
    assert theirs not in refused
    assert name not in delivery(house)
