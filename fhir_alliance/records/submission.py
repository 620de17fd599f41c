"""One completed form on its way to the chart, with everything that was true when it was sent."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson

from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Score


@dataclass(frozen=True, kw_only=True)
class PatientShown:
    """The patient as the person answering saw them: what must still be true when we write."""

    id: str
    name: str
    birth_date: str
    identifiers: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "PatientShown":
        """Return a patient out of what JSON has made of one."""
        return cls(**{**values, "identifiers": tuple((system, value) for system, value in values["identifiers"])})

    @property
    def reference(self) -> str:
        """The relative reference of this patient."""
        return f"Patient/{self.id}"


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One completed form; `key` is a UUID chosen when the form was opened, and makes a repeat harmless.

    `source` answered and `author` recorded, as relative references; `authored` carries an offset; `audience_digest` is
    the SHA-256 of the audience text shown before the first item; `declined` means sent without any answer, on purpose.
    `mode` is the way by which the form came to the person and `device` the kind of device, both empty where unknown.
    """

    key: str
    ehr: str
    instrument: Instrument
    form: Form
    patient: PatientShown
    encounter: str | None
    therapist: str | None
    source: str
    author: str
    launch: str
    answers: Answers
    declined: bool
    scores: tuple[Score, ...]
    authored: datetime
    scored: datetime
    language: str
    audience_digest: str
    mode: str = ""
    device: str = ""

    @cached_property
    def subject(self) -> str:
        """The patient, as a relative reference."""
        return self.patient.reference

    @cached_property
    def authored_text(self) -> str:
        """When it was answered, as FHIR writes it."""
        return self.authored.isoformat(timespec="seconds")

    @cached_property
    def scored_text(self) -> str:
        """When it was scored, as FHIR writes it."""
        return self.scored.isoformat(timespec="seconds")

    @cached_property
    def namespace(self) -> UUID:
        """The key as the namespace of everything this submission writes."""
        return UUID(self.key)

    @property
    def digest(self) -> str:
        """The SHA-256 of what the person decided: equal for a repeat, different for other answers."""
        decided = {
            "form": self.form.canonical,
            "patient": self.patient.id,
            "encounter": self.encounter,
            "given": dict(self.answers.given),
            "skipped": sorted(self.answers.skipped),
            "declined": self.declined,
        }
        return hashlib.sha256(orjson.dumps(decided, option=orjson.OPT_SORT_KEYS)).hexdigest()
