"""A patient with more visits than come at once: the visit of today is found, and none is given a wrong number."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fhir_alliance.visits.standing import Standing
from smart_app.demo.site import offer_filing
from smart_app.web.pages.notes import UNNUMBERED, UNPLANNED

from .conftest import MakeHouse
from .house import MARIA, House
from .test_web_filing import known
from .test_web_links import fill_in
from .test_web_visits import of, polling, watch

LONG = 1_000
VISIT = f"Encounter/{MARIA}-v14"
CORE_FORM = "https://fhir-alliance.org/fhir/Questionnaire/visit-check-in-patient-core|1.0.0"
NOTES = (UNNUMBERED, UNPLANNED)


def burden(house: House) -> None:
    """Give Maria a thousand visits of long ago; today's visit comes after them."""
    store = house.ehr.extensions["sandbox_store"]
    known = store.read("Encounter", f"{MARIA}-v1")
    ages = [(house.now() - timedelta(days=400 + day)).isoformat(timespec="seconds") for day in range(LONG)]
    store.load({**known, "id": f"old-{day}", "period": {"start": at, "end": at}} for day, at in enumerate(ages))
    store.update(store.read(*VISIT.split("/")))


def answered(house: House) -> list[str]:
    """Return the forms that were answered about today's visit."""
    return [each.form for each in of(house, VISIT) if each.standing is Standing.COMPLETED]


def refuse(house: House, what: str) -> None:
    """Let the EHR refuse every request whose query has this in it."""
    answer: Callable[..., Any] = house.ehr.wsgi_app

    def refusing(environ: dict[str, Any], start: Any) -> Any:
        if what in environ["QUERY_STRING"]:
            start("400 Bad Request", [("Content-Type", "application/fhir+json")])
            return [b'{"resourceType": "OperationOutcome"}']
        return answer(environ, start)

    house.ehr.wsgi_app = refusing  # type: ignore[method-assign]  # as Flask's own documentation has it


@pytest.mark.parametrize("refused", [pytest.param("", id="by time"), pytest.param("date=ge", id="by its id")])
def test_the_visit_of_a_launch_is_found_and_not_numbered(own: House, refused: str) -> None:
    """The form is about the visit that the EHR named; what goes by numbers is left to people."""
    burden(own)
    if refused:
        refuse(own, refused)

    _, page = own.clinician()
    fill_in(*own.handed())

    assert not re.search(r"[Vv]isit \d", page.text)
    assert [note in page.text for note in NOTES] == [True, True]
    assert [each.number for each in of(own, VISIT)] == [0]
    assert answered(own) == [CORE_FORM]


def test_a_page_that_is_filed_promises_no_usual_range(make_house: MakeHouse) -> None:
    """Where nothing is compared, the question before filing does not say that a usual range is on the page."""
    own = known(make_house(change=offer_filing))

    said = []
    for change in (str, burden):
        change(own)
        person, chart = own.clinician()
        said.append(person.open(chart.link("/filing")).text)

    assert ["and the usual range." in text for text in said] == [True, False]
    assert "and how many questions were answered." in said[1]


def test_a_patient_at_home_finds_the_form_of_today(own: House) -> None:
    """What is asked at each visit waits, however many visits there were."""
    burden(own)

    person, page = own.at_home()
    fill_in(person, person.submit(page, page.form("/visit"), encounter=VISIT))

    assert answered(own) == [CORE_FORM]


def test_a_visit_that_nobody_opens_is_asked_about(make_house: MakeHouse) -> None:
    """What is asked at each visit is assigned, and nothing that goes by the number of a visit."""
    own = make_house(change=polling)
    burden(own)

    watch(own)

    assert [(each.form, each.number, each.standing) for each in of(own, VISIT)] == [(CORE_FORM, 0, Standing.DUE)]


def test_who_can_read_all_visits_is_told_nothing(own: House) -> None:
    """A record of usual length has its numbers, and no word about them."""
    _, page = own.clinician()

    assert [note in page.text for note in NOTES] == [False, False]
    assert "visit 14" in page.text.lower()
