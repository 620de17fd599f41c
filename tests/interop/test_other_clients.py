"""Clients that are not ours, fhirclient and fhirpy, read what was published and written, at two different servers."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
import structlog
from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle
from fhirclient.models.fhirabstractbase import FHIRAbstractBase
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirclient.models.provenance import Provenance
from fhirclient.models.questionnaire import Questionnaire
from fhirclient.models.questionnaireresponse import QuestionnaireResponse
from fhirclient.server import FHIRServer
from fhirpy import SyncFHIRClient

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from tests.web.house import CORE

from .records import Record, sandbox_record, sekmet_record

SCORES = {"visit-check-in-core": 7.5}


@pytest.fixture(scope="module", params=["sandbox", "sekmet"])
def record(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, make_submission: Callable[..., Submission]
) -> Iterator[Record]:
    """Have one visit in the record of an EHR: of the sandbox, and of a server that is not ours either."""
    folder = tmp_path_factory.mktemp(request.param)
    made = sandbox_record(folder) if request.param == "sandbox" else sekmet_record(folder, make_submission)
    with structlog.testing.capture_logs(), made as opened:
        yield opened


@pytest.fixture
def server(record: Record) -> FHIRServer:
    """Connect fhirclient, whose models refuse what FHIR 4.0.1 does not have."""
    client = FHIRClient(settings={"app_id": "reader", "api_base": record.base})
    client.server.session.headers["Authorization"] = record.authorization
    return client.server


@pytest.fixture
def fhirpy(record: Record) -> SyncFHIRClient:
    """Connect fhirpy, which resolves references."""
    return SyncFHIRClient(record.base, authorization=record.authorization)


def found(model: type[FHIRAbstractBase], server: FHIRServer, **params: str) -> list[Any]:
    """Return what fhirclient finds on all pages, as its models."""
    return [one for one in model.where(params).perform_resources_iter(server) if isinstance(one, model)]


def answers(items: list[Any]) -> dict[str, str]:
    """Return linkId and integer code of every answered item, groups opened."""
    flat = {item["linkId"]: item["answer"][0] for item in items if "answer" in item}
    told = {link: str(answer["valueCoding"]["code"]) for link, answer in flat.items() if "valueCoding" in answer}
    return told | {link: said for item in items for link, said in answers(item.get("item", [])).items()}


def test_fhirclient_reads_the_published_forms(server: FHIRServer, check_in: Instrument) -> None:
    """Each form is found by its canonical, once, and its strict model takes it."""
    for form in check_in.forms:
        url, version = form.canonical.split("|")

        forms = [each for each in found(Questionnaire, server, url=url) if (each.url, each.version) == (url, version)]

        assert [each.status for each in forms] == ["active"]
        assert forms[0].as_json()["item"]


def test_fhirpy_reads_the_published_forms(fhirpy: SyncFHIRClient, check_in: Instrument) -> None:
    """Each form is found by url and version, once, with its questions."""
    for form in check_in.forms:
        url, version = form.canonical.split("|")

        forms = fhirpy.resources("Questionnaire").search(url=url, version=version).fetch_all()

        assert [each["status"] for each in forms if (each["url"], each["version"]) == (url, version)] == ["active"]


def test_fhirclient_follows_a_visit(server: FHIRServer, record: Record, check_in: Instrument) -> None:
    """From the panel to its scores, the response, the patient and who made it: every reference leads somewhere."""
    observations = found(Observation, server, patient="maria-lopez")
    (panel,) = [each for each in observations if each.hasMember and _of(each, record.key)]

    members = [reference.resolved(Observation) for reference in panel.hasMember]
    response = panel.derivedFrom[0].resolved(QuestionnaireResponse)
    patient = panel.subject.resolved(Patient)
    sources = [each for each in found(Provenance, server) if _targets(each, response.id)]

    assert {each.code.coding[0].code: each.valueQuantity.value for each in members} == SCORES
    assert response.questionnaire == check_in.form(Rater.PATIENT, "core").canonical
    assert record.key in response.identifier.value
    assert patient.name[0].family == "Lopez"
    assert [each.entity[0].what.resolved(QuestionnaireResponse).id for each in sources] == [response.id]
    assert all(each.as_json() for each in (panel, response, patient, *members, *sources))


def test_fhirpy_follows_a_visit(fhirpy: SyncFHIRClient, record: Record) -> None:
    """Values and references are the same to a client that knows no models."""
    observations = fhirpy.resources("Observation").search(patient="maria-lopez").fetch_all()
    (panel,) = [each for each in observations if "hasMember" in each and record.key in each["identifier"][0]["value"]]

    members = [reference.to_resource() for reference in panel["hasMember"]]
    response = panel["derivedFrom"][0].to_resource()

    assert {each["code"]["coding"][0]["code"]: each["valueQuantity"]["value"] for each in members} == SCORES
    assert all(each["derivedFrom"][0].to_resource()["id"] == response["id"] for each in members)
    assert response["subject"].to_resource()["birthDate"]
    assert answers(response["item"]) == CORE


@pytest.mark.parametrize("instrument", ["visit-check-in", "gad-7", "phq-4", "phq-9"])
def test_strict_models_keep_every_form(instrument: str) -> None:
    """A form read by fhirclient's models and written again is the same, element for element."""
    asked = shipped().instrument(instrument)
    forms = [orjson.loads(orjson.dumps(build_questionnaire(asked, form))) for form in asked.forms]

    assert [Questionnaire(form).as_json() for form in forms] == forms


@pytest.mark.parametrize(
    "given",
    [
        {"form": "full", "given": {str(item): "7" for item in range(1, 13)}},
        {"form": "full", "given": {"1": "7"}, "skipped": frozenset({"2"})},
        {"rater": Rater.THERAPIST, "form": "core"},
        {"encounter": None},
    ],
    ids=["full", "skipped", "therapist", "no-visit"],
)
def test_strict_models_keep_everything_that_is_written(
    make_submission: Callable[..., Submission], given: dict[str, Any]
) -> None:
    """A submission's whole transaction, read and written again by fhirclient's models, is the same.

    Its models have no place for extensions of a primitive value, here the form's title.
    """
    bundle = orjson.loads(orjson.dumps(write_bundle(make_submission(**given))))
    del bundle["entry"][0]["resource"]["_questionnaire"]

    assert Bundle(bundle).as_json() == bundle


def _of(observation: Observation, key: str) -> bool:
    return any(key in str(each.value) for each in observation.identifier or [])


def _targets(provenance: Provenance, response: str) -> bool:
    return any(each.reference.endswith(f"QuestionnaireResponse/{response}") for each in provenance.target)
