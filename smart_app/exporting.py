"""A group's results taken out of an EHR in bulk, with who did it in the audit trail."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from fhir_alliance.audit import Event, record
from fhir_alliance.cohort.asking import BulkServer, Patience
from fhir_alliance.cohort.exporting import export
from fhir_alliance.cohort.folder import Folder, Wanted
from fhir_alliance.cohort.manifest import is_instant
from fhir_alliance.cohort.taking import Exported
from fhir_alliance.ehr.addresses import address
from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.ehr.draft import BULK_SCOPES
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.rungs import not_granted
from fhir_alliance.errors import AllianceError, ExportRefused
from fhir_alliance.settings import EhrSettings, Settings
from fhir_alliance.store import open_store, transaction

_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody asked for: group, folder, since when, and where files may also be (no token goes there)."""

    group: str
    into: Path
    by: str
    since: str | None = None
    files_at: tuple[str, ...] = ()


def export_group(
    settings: Settings,
    ehr: EhrSettings,
    asked: Asked,
    *,
    clock: Callable[[], datetime],
    pause: Callable[[float], None] = time.sleep,
) -> Exported:
    """Export a group of an EHR into a folder; begin and end are audited.

    Raises ExportRefused when it may not begin, EhrError when the EHR lets it come to no end, OSError when the folder
    cannot be written, StoreError when it cannot be audited.
    """
    if faults := _faults(ehr, asked):
        raise ExportRefused(faults)
    tokens = BackendTokens(Registry(settings), clock)
    if missing := not_granted(BULK_SCOPES.split(), tokens.token(ehr).scopes):
        raise ExportRefused([f"the EHR does not grant the backend client {' '.join(missing)}: ask its administrator"])
    server = BulkServer(ehr, tokens, Patience(clock=clock, pause=pause), asked.files_at)
    engine = open_store(settings.database)
    try:
        _audit(engine, ehr, asked, Event.BULK_BEGUN, asked.group, clock())
        outcome = "stopped"
        try:
            wanted = Wanted(ehr=ehr.name, group=asked.group, since=asked.since)
            found = export(server, Folder(asked.into), wanted, ehr.write)
            outcome = "complete" if found.complete else "incomplete"
        except AllianceError as error:
            outcome = error.code
            raise
        finally:
            _audit(engine, ehr, asked, Event.BULK_ENDED, outcome, clock())
    finally:
        engine.dispose()
    return found


def _faults(ehr: EhrSettings, asked: Asked) -> list[str]:
    """Return what is wrong before anything is sent."""
    faults = []
    if ehr.backend is None:
        faults.append(f"[ehr.{ehr.name}.backend] is not registered: an export takes the app's own token")
    elif missing := not_granted(BULK_SCOPES.split(), frozenset(ehr.backend.scopes.split())):
        faults.append(f"[ehr.{ehr.name}.backend] scopes: {' '.join(missing)} are needed as well")
    if not _ID.fullmatch(asked.group):
        faults.append('--group is the id of a Group at the EHR, without "Group/"')
    if asked.since and not is_instant(asked.since):
        faults.append("--since is a date and time with an offset, such as the transactionTime of the last export")
    return [*faults, *_address_faults(ehr, asked.files_at)]


def _address_faults(ehr: EhrSettings, origins: Sequence[str]) -> list[str]:
    wanted = ("https", "http") if ehr.allow_private else ("https",)
    found = {each: address(each) for each in origins}
    wrong = [each for each, at in found.items() if at is None or at.scheme not in wanted or at.path not in ("", "/")]
    return [f"--files-at {each}: give an origin such as https://files.example.org" for each in wrong]


def _audit(engine: Engine, ehr: EhrSettings, asked: Asked, event: Event, outcome: str, at: datetime) -> None:
    with transaction(engine) as connection:
        record(
            connection,
            at=at,
            event=event,
            actor=asked.by,
            ehr=ehr.name,
            patient=None,
            launch=None,
            outcome=outcome,
            request_id=None,
        )
