"""Delivery wired to an EHR on loopback, with a clock that stands still."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import event

from fhir_alliance.delivery.correcting import Correction, Corrections
from fhir_alliance.delivery.courier import Courier
from fhir_alliance.delivery.grants import Grants
from fhir_alliance.delivery.keeping import Keeping
from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.ehr.draft import PATIENT_SCOPES
from fhir_alliance.ehr.identity import User
from fhir_alliance.ehr.launches import Granted
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import StoreError
from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.corrections import at_first_time
from fhir_alliance.records.patient import read_patient
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Scorer
from fhir_alliance.settings import ClientSettings, EhrSettings, Settings, SiteSettings
from fhir_alliance.store import open_store
from fhir_alliance.vault import Vault
from tests.machine.ehr import Ehr
from tests.soak.ehr import tokens_for

START = datetime(2026, 11, 12, 15, 42, 9, tzinfo=UTC)
ITEMS = tuple(str(number) for number in range(1, 7))


class Clinic:
    """One site's delivery, which may crash and come up again; `now` moves only when told."""

    def __init__(self, database: str, ehr: Ehr) -> None:
        self.now = START
        self._database = database
        self._ehr = ehr
        self._vault = Vault(current="k1", keys={"k1": bytes(range(32))})
        self._instrument = shipped().instrument("visit-check-in")
        self._start()

    def _clock(self) -> datetime:
        return self.now

    def _seconds(self) -> float:
        return self.now.timestamp()

    def _start(self) -> None:
        settings = _settings(self._ehr.origin, self._database)
        self.engine = open_store(self._database)
        registry = Registry(settings, clock=self._seconds)
        self.outbox = Outbox(self.engine, self._vault, self._clock)
        self.corrections = Corrections(self.outbox, self.engine, self._vault, self._clock)
        self.grants = Grants(self.engine, self._vault, registry, self._clock)
        keeping, queue = Keeping(self.engine, self._vault, self._clock), Queue(self.engine, self._vault)
        self.courier = Courier(
            self.outbox, queue, keeping, self.grants, registry, clock=self._clock, jitter=lambda: 0.5
        )

    def pass_by(self, seconds: int) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def restart(self) -> None:
        """End as a crash would, and come up again on the same database."""
        self.engine.dispose()
        self._start()

    def crash_at(self, statement: str) -> None:
        """Deliver until the database fails at the first such statement, then come up again."""

        @event.listens_for(self.engine, "before_cursor_execute")
        def fail(_: Any, cursor: Any, asked: str, *__: Any) -> None:
            if asked.startswith(statement):
                cursor.execute("SELECT * FROM nowhere")

        with suppress(StoreError):
            self.courier.deliver_due(self.now)
        self.restart()

    def sign_in(self, patient: str) -> str:
        """Launch for a patient; returns the permission, which has taken over what waited for it."""
        tokens: dict[str, Any] = tokens_for(self._ehr.grants, patient)
        granted = Granted(
            access_token=tokens["access_token"],
            refresh_token=tokens["refresh_token"],
            expires_at=self.now + timedelta(seconds=tokens["expires_in"]),
            scopes=frozenset(tokens["scope"].split()),
            patient=patient,
            encounter=None,
            user=User(issuer="https://ehr.example.invalid", subject=patient, reference=f"Patient/{patient}"),
            need_patient_banner=False,
            style_url=None,
            intent=None,
            fhir_context=(),
        )
        grant = self.grants.keep("harbor", "patient", granted)
        self.outbox.renew(ehr="harbor", patient=patient, grant=grant)
        return grant

    def submission(self, number: int, patient: dict[str, Any], answers: dict[str, str]) -> Submission:
        """Return the submission of a patient's short form; `number` makes its key."""
        form = self._instrument.form(Rater.PATIENT, "core")
        given = Answers(given=answers)
        reference = f"Patient/{patient['id']}"
        return Submission(
            key=str(UUID(int=number)),
            ehr="harbor",
            instrument=self._instrument,
            form=form,
            patient=read_patient(patient),
            encounter=f"Encounter/{patient['id']}-v1",
            therapist="Practitioner/ada-okafor",
            source=reference,
            author=reference,
            launch=f"launch-{patient['id']}",
            answers=given,
            declined=False,
            scores=Scorer(form).score(given),
            authored=self.now,
            scored=self.now,
            language="en",
            audience_digest="0" * 64,
        )

    def accept(self, submission: Submission, grant: str, bundle: bytes | None = None) -> str:
        """Accept a submission; returns the key of its receipt."""
        return self.outbox.accept(submission, bundle or bundle_of(submission), grant=grant).key

    def amend(self, submission: Submission, first: Submission, asked: Correction, grant: str) -> str:
        """Accept other answers to a form, of which `first` are the first ones; returns the key of the receipt."""
        same = write_bundle(replace(submission, key=first.key))
        bundle = orjson.dumps(at_first_time(same, write_bundle(first)))
        return self.corrections.amend(submission, bundle, asked, grant=grant).key

    def withdraw(self, number: int, patient: str, asked: Correction, grant: str) -> str:
        """Accept that a form is taken back; returns the key of the receipt."""
        key, launch = str(UUID(int=number)), f"launch-{patient}"
        about = {"ehr": "harbor", "patient": patient, "launch": launch, "grant": grant}
        return self.corrections.withdraw(key, asked, **about).key


def bundle_of(submission: Submission) -> bytes:
    """Return what is written for a submission."""
    return orjson.dumps(write_bundle(submission))


def _settings(origin: str, database: str) -> Settings:
    base = f"{origin}/fhir"
    harbor = EhrSettings(
        name="harbor",
        title="Harbor",
        fhir_base=base,
        issuer=base,
        authorization_endpoint=f"{origin}/auth/authorize",
        token_endpoint=f"{origin}/auth/token",
        jwks_uri=f"{origin}/auth/jwks",
        frame_ancestors=(),
        allow_private=True,
        clinician=None,
        patient=ClientSettings(client_id="alliance-patient", scopes=PATIENT_SCOPES),
        backend=None,
    )
    return Settings(
        public_url="http://localhost:8081",
        database=database,
        vault_key_file=Path("vault.json"),
        site=SiteSettings(name="Site", crisis_line="988", someone_else="Front desk", time_zone=ZoneInfo("UTC")),
        ehrs={"harbor": harbor},
    )
