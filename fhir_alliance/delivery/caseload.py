"""Whose forms were about one therapist, and as whom these patients were shown then: out of our own store alone."""

from collections.abc import Collection
from datetime import datetime

import orjson
from sqlalchemy import Engine, func, select

from fhir_alliance.delivery.receipts import DELETED, Kind, is_form, is_newest, place
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.tables import submissions
from fhir_alliance.vault import Vault


class Caseload:
    """Reads which patients a therapist has; thread safe."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def last_sent(self, ehr: str, therapist: str, *, since: datetime) -> dict[str, datetime]:
        """Return, by patient, when answers about a therapist were sent last, since then and not taken back."""
        mine = (submissions.c.ehr == ehr) & (submissions.c.therapist == therapist)
        answered = is_form() & (submissions.c.kind != Kind.WITHDRAWAL) & ~submissions.c.declined
        stands = is_newest() & answered & (submissions.c.accepted_at >= since)
        found = select(submissions.c.patient, func.max(submissions.c.accepted_at)).where(mine, stands)
        with self._engine.connect() as connection:
            rows = connection.execute(found.group_by(submissions.c.patient)).all()
        return {row[0]: row[1] for row in rows}

    def shown(self, ehr: str, patients: Collection[str]) -> dict[str, PatientShown]:
        """Return as whom patients were shown when a form was sent last, where that is still kept.

        Raises VaultError when it was tampered with.
        """
        kept = (submissions.c.ehr == ehr) & submissions.c.patient.in_(patients) & (submissions.c.shown != DELETED)
        newest = select(func.max(submissions.c.sequence)).where(kept).group_by(submissions.c.patient)
        columns = submissions.c.key, submissions.c.patient, submissions.c.shown
        with self._engine.connect() as connection:
            rows = connection.execute(select(*columns).where(submissions.c.sequence.in_(newest))).all()
        return {row.patient: self._open(ehr, row.key, row.shown) for row in rows}

    def _open(self, ehr: str, key: str, sealed: bytes) -> PatientShown:
        return PatientShown.read(orjson.loads(self._vault.open(sealed, place=place(ehr, key, "shown"))))
