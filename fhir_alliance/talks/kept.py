"""Between whom something is kept, and until when."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BindParameter, Column, ColumnElement, Connection, Table, and_, bindparam

from fhir_alliance.audit import Event, record

KEEP: Final = timedelta(days=365)
"""How long something is kept after it changed last, where a site's EHR has no `keep_days` of its own."""


def of_pair(table: Table) -> ColumnElement[bool]:
    """Return which rows of a table are about two, named when it is asked: for a statement that is made once."""
    return _about(table, bindparam("of_ehr"), bindparam("of_patient"), bindparam("of_therapist"))


def _about(table: Table, *who: str | BindParameter[str]) -> ColumnElement[bool]:
    columns: tuple[Column[str], ...] = (table.c.ehr, table.c.patient, table.c.therapist)
    return and_(*(column == each for column, each in zip(columns, who, strict=True)))


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A patient of an EHR and a therapist, by relative reference: what is kept here is for the two alone."""

    ehr: str
    patient: str
    therapist: str

    @property
    def values(self) -> Mapping[str, str]:
        """What `of_pair` asks for."""
        return {"of_ehr": self.ehr, "of_patient": self.patient, "of_therapist": self.therapist}

    def rows(self, table: Table) -> ColumnElement[bool]:
        """Return which rows of a table are about these two."""
        return _about(table, self.ehr, self.patient, self.therapist)

    def key(self, *parts: str) -> str:
        """Return the key of a row that is there once for these two and the parts."""
        return hashlib.sha256("\n".join((self.ehr, self.patient, self.therapist, *parts)).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Act:
    """Who does something in which launch, when, and until when it is kept."""

    by: str
    launch: str
    at: datetime
    kept_until: datetime
    request_id: str | None = None

    def note(self, connection: Connection, event: Event, pair: Pair, outcome: str) -> None:
        """Write it down in the audit trail within the caller's transaction."""
        record(
            connection,
            at=self.at,
            event=event,
            actor=self.by,
            ehr=pair.ehr,
            patient=pair.patient,
            launch=self.launch,
            outcome=outcome,
            request_id=self.request_id,
        )
