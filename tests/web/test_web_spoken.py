"""A clinician's language: what the health record says comes before the browser, which is often the clinic's."""

from typing import Any

import pytest
from flask import request

from .conftest import MakeHouse
from .house import ADA, House
from .test_web_languages import confirm, language_of

BCP_47 = "urn:ietf:bcp:47"


def concept(tag: str) -> dict[str, Any]:
    """Return a language as a CodeableConcept."""
    return {"coding": [{"system": BCP_47, "code": tag}]}


@pytest.fixture
def own(make_house: MakeHouse) -> House:
    """Open a house that offers German and French."""
    return make_house(change=lambda site: confirm(site, "de", "fr"))


def speaking(house: House, communication: Any) -> None:
    """Let the record say what languages the clinician has."""
    store = house.ehr.extensions["sandbox_store"]
    store.update({**store.read("Practitioner", ADA.partition("/")[2]), "communication": communication})


def reads_of_practitioners(house: House) -> list[Any]:
    """Return the calls that read a Practitioner."""
    return [call for call in house.traffic if call[1].startswith("/fhir/Practitioner/")]


@pytest.mark.parametrize(
    ("communication", "expected"),
    [
        ([concept("de-CH")], "de"),
        ([concept("it"), concept("fr")], "fr"),
        ([{"language": concept("de")}, {"language": concept("fr"), "preferred": True}], "fr"),  # as R5 has it
        ([concept("it")], "en"),
        ([], "en"),
        ("de", "en"),
        ([{"coding": "de"}], "en"),
        ([concept("de"), {"language": "fr"}], "en"),
    ],
)
def test_the_record_says_it(own: House, communication: Any, expected: str) -> None:
    """The first of the clinician's languages that the site offers; what cannot be understood is as if it were not."""
    speaking(own, communication)

    clinician, chart = own.clinician()

    links = clinician.open(chart.url.replace("/chart", "/links"))
    assert (chart.status, language_of(chart), language_of(links)) == (200, expected, expected)


def test_what_the_clinician_chose_comes_first(own: House) -> None:
    """A choice on the page holds on all later ones, in whatever language the record would have them."""
    speaking(own, [concept("de")])
    clinician, chart = own.clinician()

    chosen = clinician.open(f"{chart.url}?language=fr")

    assert [language_of(page) for page in (chart, chosen, clinician.open(chart.url))] == ["de", "fr", "fr"]


def test_it_says_nothing_of_the_patient(own: House) -> None:
    """On the same device, after a handover, the page is in the language of the browser again."""
    speaking(own, [concept("de")])
    clinician, chart = own.clinician()
    link, _ = own.code(clinician, chart)

    start = clinician.open(link)
    confirm_page = clinician.submit(start, start.forms[0])

    assert [language_of(page) for page in (chart, start, confirm_page)] == ["de", "en", "en"]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 500])
def test_a_record_that_does_not_say_it_stops_nobody(own: House, status: int) -> None:
    """Whatever the EHR answers instead of the Practitioner, the launch opens, in the language of the browser."""
    speaking(own, [concept("de")])

    def refuse() -> tuple[str, int] | None:
        return ("", status) if "/Practitioner/" in request.path else None

    own.ehr.before_request_funcs.setdefault(None, []).insert(0, refuse)

    _, chart = own.clinician()

    assert (chart.status, language_of(chart)) == (200, "en")
    assert len(reads_of_practitioners(own)) == 1


def test_a_site_of_one_language_asks_nothing_more(make_house: MakeHouse) -> None:
    """The read is made only where there is something to choose from."""
    house = make_house()
    house.clinician()

    assert reads_of_practitioners(house) == []
