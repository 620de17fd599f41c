"""An EHR that says yes and does something else: the probe tells what, and takes back what it made of it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from flask import request

from smart_app.sandbox.fhir.outcomes import Malformed

from .conftest import BORN
from .test_write_probe import NOT, WORKS, results

if TYPE_CHECKING:
    from tests.doctor.conftest import Running

Make = Callable[..., "Running"]
Change = Callable[[dict[str, Any]], Mapping[str, Any]]


@pytest.fixture
def running(make_probed: Make) -> "Running":
    """Start a generous EHR whose backend client may do what a probe does."""
    return make_probed("generous")


def keeping(running: "Running", change: Change, kind: str = "") -> None:
    """Let the EHR keep something else than it is sent, of one type or of all."""
    real = running.store.create

    def create(resource: dict[str, Any], **more: Any) -> Any:
        return real(change(resource) if kind in ("", resource["resourceType"]) else resource, **more)

    running.store.create = create


def without_labels(resource: dict[str, Any]) -> Mapping[str, Any]:
    """Return it as an EHR keeps it that knows no labels."""
    return {**resource, "meta": {name: each for name, each in resource["meta"].items() if name != "security"}}


def for_thomas(resource: dict[str, Any]) -> Mapping[str, Any]:
    """Return it filed for another patient."""
    return {**resource, "subject": {"reference": "Patient/thomas-reyes"}}


def rounded(resource: dict[str, Any]) -> Mapping[str, Any]:
    """Return it with another value, if it has one."""
    value = {"valueQuantity": {**resource["valueQuantity"], "value": 1}} if "valueQuantity" in resource else {}
    return {**resource, **value}


def anonymous(resource: dict[str, Any]) -> Mapping[str, Any]:
    """Return it without its identifier."""
    return {name: each for name, each in resource.items() if name != "identifier"}


@pytest.mark.parametrize(
    ("change", "kind", "found", "said"),
    [
        (without_labels, "", (WORKS, WORKS, WORKS, NOT, WORKS), "It drops labels."),
        (for_thomas, "Observation", (WORKS, WORKS, NOT, WORKS, WORKS), "has filed it for somebody else"),
        (rounded, "Observation", (WORKS, WORKS, NOT, WORKS, WORKS), "the EHR has changed it. Forms are still accepted"),
        (anonymous, "Observation", (WORKS, NOT, NOT, WORKS, WORKS), "it is not found again. Please probe again."),
    ],
)
def test_what_an_ehr_makes_of_it(
    running: "Running", change: Change, kind: str, found: tuple[str, ...], said: str
) -> None:
    """Each change is told in its row and in words, all is retracted wherever it went, and the command fails."""
    keeping(running, change, kind)
    before = running.store.search("Observation", [("_count", "1000")]).total
    stood = standing(running)

    result = running.probe("--birth-date", BORN)

    assert results(result.output)["Observation"] == found
    assert said in " ".join(result.output.split())
    assert running.store.search("Observation", [("_count", "1000")]).total == before + 2
    assert standing(running) == stood
    assert "NOT RETRACTED" not in result.output
    assert result.exit_code == 1


def standing(running: "Running") -> int:
    """Return how many results stand at the EHR, in whose chart ever."""
    counted = [running.store.search("Observation", [("status", status)]).total for status in ("final", "amended")]
    return sum(counted)


def test_labels_are_named_that_are_dropped(running: "Running") -> None:
    """Which label went is told: the one for test data alone is none of a patient's."""
    keeping(running, without_labels)

    words = running.probe("--birth-date", BORN).output

    assert "the EHR drops a label: HTEST R (F20)" in words


def ignored(params: Any) -> Any:
    """Leave the identifier out of a search."""
    return [each for each in params if each[0] != "identifier"]


def refused(params: Any) -> Any:
    """Refuse a search by identifier."""
    if any(each[0] == "identifier" for each in params):
        raise Malformed("not indexed")
    return params


@pytest.mark.parametrize(
    ("change", "said"),
    [(ignored, "the EHR answers with others as well (E03)"), (refused, "the EHR answers HTTP 400 (E03)")],
)
def test_a_search_that_is_no_help(running: "Running", change: Callable[[Any], Any], said: str) -> None:
    """An answer with everything is no answer to a search for one; a refusal is told with its status."""
    real = running.store.search

    def search(kind: str, params: Any, **more: Any) -> Any:
        return real(kind, change(params) if request and request.method == "GET" else params, **more)

    running.store.search = search
    result = running.probe("--birth-date", BORN)

    assert results(result.output)["Observation"] == (WORKS, NOT, WORKS, WORKS, WORKS)
    assert " ".join(result.output.split()).count(said) == 2
    assert result.exit_code == 0


def test_a_patient_who_cannot_be_read(running: "Running") -> None:
    """An EHR that fails on the patient ends it before anything is asked."""
    running.answer("/fhir/Patient/maria-lopez", "{}", 500)

    result = running.probe("--birth-date", BORN)

    assert "could not be asked; try again" in result.output
    assert result.exit_code == 1


def test_an_ehr_without_updates_is_told_before(make_probed: Make) -> None:
    """The operator reads what will stay, before the birth date is asked for."""
    running = make_probed("flowsheet")

    result = running.probe(said="\n")

    assert "By this EHR's own word that cannot be done to Observation: it will stay there." in result.output


@pytest.mark.parametrize(
    "meta", [None, 7, {"versionId": "1"}, {"versionId": "a b", "security": [7]}, {"security": [{}]}]
)
def test_nonsense_that_is_read_back(running: "Running", meta: Any) -> None:
    """Whatever comes back, the probe goes on to retract, and names what it could not."""
    before = running.chart()
    real = running.store.read

    def read(kind: str, resource_id: str, **more: Any) -> Any:
        found = real(kind, resource_id, **more)
        return {**found, "meta": meta} if kind == "QuestionnaireResponse" and request.method == "GET" else found

    running.store.read = read
    result = running.probe("--birth-date", BORN)
    del running.store.read

    words = " ".join(result.output.split())
    new = {place: each for place, each in running.chart().items() if place not in before}
    stand = ["/".join(place) for place, each in new.items() if each["status"] != "entered-in-error"]
    assert len(new) == 3
    assert [place for place in stand if f"{place}: " not in words] == []
    assert {place.partition("/")[0] for place in stand} <= {"QuestionnaireResponse"}
    assert result.exit_code == 1
