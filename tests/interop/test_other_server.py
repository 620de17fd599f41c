"""The same visit on a FHIR server that is not ours: published, written, read back, and there exactly once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
import requests
import structlog

from fhir_alliance.delivery.receipts import State
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.publishing import publish
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import Settings, read_settings
from smart_app.demo.site import write_site
from tests.sekmet import running_sekmet

from .delivering import ENCOUNTER, PATIENT, App, search, values


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the other server with one patient and one encounter; returns its FHIR base."""
    with running_sekmet(tmp_path_factory.mktemp("sekmet")) as url:
        for resource in (PATIENT, ENCOUNTER):
            place = f"{url}/{resource['resourceType']}/{resource['id']}"
            requests.put(place, json=resource, timeout=10).raise_for_status()
        yield url


@pytest.fixture
def settings(base: str, tmp_path: Path) -> Settings:
    """Point the settings of a site at the other server."""
    read = read_settings(write_site(tmp_path, ehr_port=1, app_port=2).settings)
    return replace(read, ehrs={"harbor": replace(read.ehrs["harbor"], fhir_base=base, issuer=base)})


def test_the_forms_are_published_there_once(base: str, settings: Settings, check_in: Instrument) -> None:
    """Publishing twice leaves each form there once, as it was sent."""
    client = FhirClient(Registry(settings).door(settings.ehrs["harbor"]), base, "not-looked-at")
    forms = [build_questionnaire(check_in, form) for form in check_in.forms]

    outcomes = [[publish(client, form) for form in forms] for _ in range(2)]

    held = client.search("Questionnaire", []).resources
    assert outcomes == [["created"] * len(forms), ["unchanged"] * len(forms)]
    assert sorted(each["url"] for each in held) == sorted(form["url"] for form in forms)


@pytest.mark.parametrize("form", ["core", "full"])
def test_a_visit_is_there_exactly_once(
    base: str, settings: Settings, make_submission: Callable[..., Submission], form: str
) -> None:
    """Accepted, delivered, and after a restart accepted again: one response and one set of scores, read back."""
    key = {"core": "7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a10", "full": "7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a11"}[form]
    given = {str(item): "7" for item in range(1, 7 if form == "core" else 13)}
    now = datetime.now(UTC)
    submission = make_submission(given, form=form, key=key, authored=now, scored=now)
    bundle = write_bundle(submission)

    with structlog.testing.capture_logs() as logged:
        for _ in range(2):
            app = App(settings)
            app.outbox.accept(submission, orjson.dumps(bundle), grant=app.grant())
            for hours in (0, 1):
                app.ahead = timedelta(hours=hours)
                app.courier.deliver_due(app.clock())
            receipt = app.outbox.receipt(key, ehr="harbor", patient="maria-lopez")
            app.engine.dispose()

    sent = [entry["resource"] for entry in bundle["entry"]]
    responses = [
        one for one in search(base, "QuestionnaireResponse") if one["identifier"]["value"] == f"urn:uuid:{key}"
    ]
    scores = [one for one in search(base, "Observation") if one["identifier"][0]["value"].startswith(f"{key}.")]
    assert receipt.state is State.DELIVERED, logged
    assert len(responses) == 1
    assert values(scores) == values([each for each in sent if each["resourceType"] == "Observation"])
    assert {one["derivedFrom"][0]["reference"] for one in scores} == {f"QuestionnaireResponse/{responses[0]['id']}"}
