"""The clinician's view as a page of the chart: a DocumentReference that a person has asked for."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from uuid import NAMESPACE_URL, uuid5

from fhir_alliance.records.codes import (
    PATIENT_ASSERTED,
    PATIENT_SUPPLIED,
    RESTRICTED,
    JsonObject,
    concept,
    reference,
)
from fhir_alliance.records.note_content import attachment
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.settings import NoteType
from fhir_alliance.terms import NOTE_IDENTIFIER, US_CORE_NOTES


@dataclass(frozen=True, kw_only=True)
class FiledView:
    """One page about visits of a patient with a therapist, rated from `first` to `last`.

    `author` files it, as a relative reference; `filed` carries the offset of the site, by whose day a repeat is known.
    `audience_digest` is the SHA-256 of what the author was told about who reads it, `instrument_digest` says which
    instrument the ratings are of.
    """

    ehr: str
    fhir_base: str
    patient: PatientShown
    encounter: str | None
    therapist: str
    author: str
    launch: str
    title: str
    first: datetime
    last: datetime
    filed: datetime
    language: str
    audience_digest: str
    instrument_digest: str
    pdf: bytes = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the page."""
        return hashlib.sha256(self.pdf).hexdigest()

    @cached_property
    def key(self) -> str:
        """A UUID that the same page of the same patient has all day, so that a second press files nothing more."""
        day = self.filed.date().isoformat()
        return str(uuid5(NAMESPACE_URL, f"{self.fhir_base} {self.patient.id} {day} {self.digest}"))


def build_filed(view: FiledView, note_type: NoteType, *, key: str) -> JsonObject:
    """Return the DocumentReference of a page, shaped as a note of US Core (E06, O25), with `key` to know it by.

    Its words are the patient's ratings, so it is labelled as a note of them is; who wrote it is whoever filed it.
    """
    visit = reference(view.encounter, "The visit at which it was filed") if view.encounter else None
    period = {"start": _when(view.first), "end": _when(view.last)}
    return {
        "resourceType": "DocumentReference",
        "meta": {"security": [RESTRICTED, PATIENT_ASSERTED], "tag": [PATIENT_SUPPLIED]},
        "identifier": [{"system": NOTE_IDENTIFIER, "value": key}],
        "status": "current",
        "docStatus": "final",
        "type": concept(note_type.system, note_type.code, note_type.display),
        "category": [concept(US_CORE_NOTES, "clinical-note", "Clinical Note")],
        "subject": reference(view.patient.reference),
        "date": _when(view.filed),
        "author": [reference(view.author)],
        "description": view.title,
        "securityLabel": [{"coding": [RESTRICTED]}],
        "content": [attachment("application/pdf", view.pdf, view.title)],
        "context": {**({"encounter": [visit]} if visit else {}), "period": period},
    }


def _when(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
