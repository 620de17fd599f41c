"""What the clinician's view costs us: from what the EHR sent to the page, without the way to the EHR and back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.paging import MAX_ENTRIES, SearchResult
from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Scorer
from fhir_alliance.settings import read_settings
from fhir_alliance.trajectory.series import read_visits
from smart_app.demo.site import write_site
from smart_app.serving import settle
from tests.ports import own_port
from tests.prepared import Desk

from .measuring import Row, seconds
from .samples import full_submission

SHOWN: Final = PatientShown(id="p", name="Maria Lopez", birth_date="1988-03-04", identifiers=(("urn:x", "1"),))
CHECK_IN: Final = shipped().instrument("visit-check-in")
OTHERS: Final = tuple(shipped().instrument(name) for name in ("phq-9", "gad-7"))


class Ehr:
    """What an EHR answers, parsed, without the way there and back; `sent` is that as JSON.

    It gives the oldest first, and no more than the app reads at once.
    """

    def __init__(self, visits: int) -> None:
        self._resources = _record(visits)
        self._sent: list[dict[str, Any]] = []
        self.newest = read_visits(self._resources["Encounter"], patient=SHOWN.id)[-1]

    @property
    def sent(self) -> str:
        """Everything that was given out since the last time, as it would come over the wire."""
        sent, self._sent = json.dumps(self._sent), []
        return sent

    def search(self, kind: str, params: Sequence[tuple[str, str]]) -> SearchResult:
        """Answer a search, in place of the client."""
        since = next((value.removeprefix("ge") for _, value in params if value.startswith("ge")), "")
        found = self._resources[kind]
        if since:
            found = [each for each in found if _day(each) >= since]
        cut = len(found) > MAX_ENTRIES
        self._sent += found[:MAX_ENTRIES]
        return SearchResult(resources=tuple(found[:MAX_ENTRIES]), complete=not cut, cut=cut)


def view_rows(folder: Path) -> Iterator[Row]:
    """Measure the page as a browser asks for it, by turns with only parsing what the EHR sent for it.

    All that is ours is in it: the session, the reads of our store, what is due, the reasons, the template. Of a long
    record no more is read than the app reads at once.
    """
    site = write_site(folder, ehr_port=own_port(), app_port=own_port())
    with closing(Desk.of(read_settings(site.settings), seed=3)) as desk:
        settle()
        for visits, last, goal in (
            (50, "", "< 30 ms"),
            (50, "all", "< 30 ms"),
            (3000, "", "< 300 ms"),
            (3000, "all", "< 300 ms"),
        ):
            ehr = Ehr(visits)
            ask = desk.chart(SHOWN, ehr.newest)
            with patch.object(FhirClient, "search", lambda _, kind, params, ehr=ehr: ehr.search(kind, params)):
                ask(last)
                sent = ehr.sent
                view, parsing = seconds(partial(ask, last), partial(json.loads, sent), times=1)
            what = f"view of {visits} visits x 3 instruments{', all of them' if last else ''} : parsing their JSON"
            yield what, f"{view / parsing:.1f}  ({view * 1e3:.1f} ms to {parsing * 1e3:.1f} ms)", goal


def _day(resource: Mapping[str, Any]) -> str:
    return str(resource.get("effectiveDateTime") or resource.get("authored") or resource["period"]["start"])


def _record(visits: int) -> dict[str, list[dict[str, Any]]]:
    """Return what an EHR holds of weekly visits, each with both raters and two other measures."""
    now = datetime.now(UTC).replace(microsecond=0)
    found: dict[str, list[dict[str, Any]]] = {"Encounter": [], "Observation": [], "QuestionnaireResponse": []}
    for number in range(1, visits + 1):
        at = now - timedelta(weeks=visits - number)
        found["Encounter"].append(_encounter(number, at))
        full = "full" if number % 6 == 0 else "core"
        forms = [CHECK_IN.form(Rater.PATIENT, full), CHECK_IN.form(Rater.THERAPIST, "core")]
        asked = [(CHECK_IN, form) for form in forms] + [(each, each.forms[0]) for each in OTHERS]
        for place, (instrument, form) in enumerate(asked):
            for resource in _written(instrument, form, number * 4 + place, number, at):
                found[resource["resourceType"]].append(resource)
    return found


def _encounter(number: int, at: datetime) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": f"v{number}",
        "status": "finished",
        "subject": {"reference": "Patient/p"},
        "period": {"start": at.isoformat()},
        "participant": [{"individual": {"reference": "Practitioner/t", "display": "Dr. Okafor"}}],
    }


def _written(instrument: Instrument, form: Form, key: int, number: int, at: datetime) -> Iterator[dict[str, Any]]:
    """Yield what one form writes, with ids as an EHR gives them."""
    answers = Answers(
        given={
            item.link_id: item.options[(number + key) % len(item.options)].code for item in form.items if item.options
        }
    )
    submission = replace(
        full_submission(),
        key=f"7b0f9c1e-6c8f-4a51-9f0e-{key:012}",
        instrument=instrument,
        form=form,
        encounter=f"Encounter/v{number}",
        answers=answers,
        scores=Scorer(form).score(answers),
        authored=at,
        scored=at,
    )
    entries = write_bundle(submission)["entry"]
    ids = {each["fullUrl"]: f"{each['resource']['resourceType']}/{key}-{n}" for n, each in enumerate(entries)}
    for place, each in enumerate(entries):
        resource = each["resource"]
        if resource["resourceType"] in ("Observation", "QuestionnaireResponse"):
            text = json.dumps({**resource, "id": f"{key}-{place}"})
            for given, known in ids.items():
                text = text.replace(given, known)
            yield json.loads(text)
