"""A write probe from the first question to the last line: ask the EHR and the operator, try, keep, tell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from fhir_alliance.ehr.findings import Kind, last
from fhir_alliance.ehr.probed import Probed
from fhir_alliance.ehr.rungs import unchangeable
from fhir_alliance.errors import StoreError
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.settings import EhrSettings, Rung, Settings
from fhir_alliance.store import open_store
from smart_app.doctor.asking import examine, recall
from smart_app.doctor.probe_table import probe_table
from smart_app.doctor.probing import NOTHING, WriteProbe


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an operator has asked for; `confirm` shows them the patient, and returns the birth date they type.

    It is also given whether an entry that is in review is finished in place of writing a new one, and the types that
    will stay in the chart, by the EHR's own word.
    """

    patient: str
    encounter: str | None
    by: str
    confirm: Callable[[PatientShown, bool, Sequence[str]], str]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is told; `settled` when nobody has to do anything."""

    lines: list[str]
    settled: bool


def write_probe(settings: Settings, ehr: EhrSettings, wanted: Wanted, *, clock: Callable[[], datetime]) -> Report:
    """Ask an EHR, then try it on a test patient, keep both and return the tables.

    Raises ProbeRefused, EhrError, InvalidSettings or StoreError as long as nothing was sent; afterwards there is always
    a report, which says so when it could not be kept.
    """
    examine(settings, ehr, now=clock())
    engine = open_store(settings.database)
    try:
        probe = WriteProbe(settings, ehr, engine, by=wanted.by, clock=clock)
        with engine.connect() as connection:
            stated = last(connection, ehr.name, Kind.STATED)
        stays = unchangeable(ehr.write.rung, stated.facts if stated else frozenset())
        probed = NOTHING if ehr.write.rung is Rung.HOLD else _tried(probe, wanted, stays)
        try:
            probe.keep(probed, patient=wanted.patient)
            return Report(lines=recall(settings, ehr), settled=probed.settled)
        except StoreError as error:
            unkept = f"{error} The result could not be kept: please keep these lines."
            return Report(lines=[*probe_table(probed, frozenset()), unkept], settled=False)
    finally:
        engine.dispose()


def _tried(probe: WriteProbe, wanted: Wanted, stays: Sequence[str]) -> Probed:
    patient = probe.patient(wanted.patient, encounter=wanted.encounter)
    typed = wanted.confirm(patient, probe.finishes(patient), stays)
    return probe.run(patient, birth_date=typed, encounter=wanted.encounter)
