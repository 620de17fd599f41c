"""One visit in the record of two EHRs, with the forms published: what independent clients then find there."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import requests

from fhir_alliance.ehr.backend import backend_token
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.publishing import publish
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import ClientSettings, read_settings
from smart_app.demo.site import Site, write_site
from smart_app.publishing import publish_all
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import read_config
from tests.sekmet import running_sekmet
from tests.web.house import CORE, open_house

from .delivering import ENCOUNTER, OPEN, PATIENT, App

READ = " ".join(
    f"system/{kind}.rs"
    for kind in ("Patient", "Encounter", "Questionnaire", "QuestionnaireResponse", "Observation", "Provenance")
)


@dataclass(frozen=True, kw_only=True)
class Record:
    """Where to read, with which Authorization header, and the submission that must be found."""

    base: str
    authorization: str
    key: str


@contextmanager
def sandbox_record(folder: Path) -> Iterator[Record]:
    """Walk a visit through the app at the sandbox EHR."""
    (folder / "first").mkdir()
    ehr = create_sandbox(read_config(write_site(folder / "first", ehr_port=1, app_port=2).sandbox))
    ehr.extensions["sandbox_store"].close()
    (folder / "site").mkdir()
    with open_house(folder / "site", folder / "first" / "sandbox.db", change=_with_reader) as house:
        list(publish_all(read_settings(house.site.settings)))
        person, form = house.handed()
        review = person.submit(form, form.form("/form"), **CORE, action="review")
        receipt = person.submit(review, review.form("/send"))
        house.deliver()
        settings = read_settings(house.site.settings)
        reader = ClientSettings(client_id="health-system", scopes=READ, key_file=house.site.health_system_key)
        token = backend_token(Registry(settings), settings.ehrs["harbor"], reader, READ, now=house.now()).access_token
        key = receipt.url.rpartition("/")[2]
        yield Record(base=house.site.fhir_base, authorization=f"Bearer {token}", key=key)


@contextmanager
def sekmet_record(folder: Path, make_submission: Callable[..., Submission]) -> Iterator[Record]:
    """Publish and deliver the same answers at the other server, which lets anybody in."""
    with running_sekmet(folder) as base:
        for resource in (PATIENT, ENCOUNTER):
            place = f"{base}/{resource['resourceType']}/{resource['id']}"
            requests.put(place, json=resource, timeout=10).raise_for_status()
        (folder / "site").mkdir()
        read = read_settings(write_site(folder / "site", ehr_port=1, app_port=2).settings)
        ehr = replace(read.ehrs["harbor"], fhir_base=base, issuer=base, token_endpoint=f"{base}/token")
        settings = replace(read, ehrs={"harbor": ehr})
        app, now = App(settings), datetime.now(UTC)
        submission = make_submission(CORE, authored=now, scored=now)
        client = FhirClient(Registry(settings).door(ehr), base, OPEN)
        for form in submission.instrument.forms:
            publish(client, build_questionnaire(submission.instrument, form))
        app.outbox.accept(submission, orjson.dumps(write_bundle(submission)), grant=app.grant())
        app.courier.deliver_due(app.clock())
        app.engine.dispose()
        yield Record(base=base, authorization=f"Bearer {OPEN}", key=submission.key)


def _with_reader(site: Site) -> None:
    config = json.loads(site.sandbox.read_text())
    reader = next(each for each in config["clients"] if each["client_id"] == "health-system")
    reader["scopes"] = READ
    site.sandbox.write_text(json.dumps(config))
