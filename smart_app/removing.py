"""An EHR taken out of the settings: its permissions end, its section goes, what was kept of it stays."""

import tomllib
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, func, select

from fhir_alliance.audit import Event, record
from fhir_alliance.delivery.grants import Grants
from fhir_alliance.delivery.receipts import STAYS_HERE, State
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import EhrSettings, Settings
from fhir_alliance.store import open_store, transaction
from fhir_alliance.tables import submissions
from fhir_alliance.vault import Vault
from smart_app.registering import replace_settings


def remove(path: Path, settings: Settings, ehr: EhrSettings, *, by: str, hold: bool, at: datetime) -> int:
    """Take an EHR out of the settings and return how many permissions ended; revoked at the EHR where it offers that.

    Raises InvalidSettings, and changes nothing, when forms for it are still on their way unless they may be held
    (`hold`), when it is the only one, or when its section cannot be told apart in the file; StoreError, VaultError.
    """
    without = _without(path.resolve().read_text("utf-8"), ehr.name)
    if len(settings.ehrs) == 1:
        raise InvalidSettings([f"{ehr.name} is the only EHR: without one there is nothing to serve"])
    engine = open_store(settings.database)
    try:
        if not hold and (waiting := _waiting(engine, ehr)):
            raise InvalidSettings([f"{waiting} forms for {ehr.name} are not in the chart yet; --hold keeps them here"])
        vault = Vault.from_file(settings.vault_key_file)
        ended = Grants(engine, vault, Registry(settings), lambda: at).end_all(ehr.name)
        with transaction(engine) as connection:
            record(
                connection,
                at=at,
                event=Event.EHR_REMOVED,
                actor=by,
                ehr=ehr.name,
                patient=None,
                launch=None,
                outcome="held" if hold else "done",
                request_id=None,
            )
    finally:
        engine.dispose()
    replace_settings(path.resolve(), without.encode())
    return ended


def _waiting(engine: Engine, ehr: EhrSettings) -> int:
    done = submissions.c.state.in_((State.DELIVERED, State.REJECTED)) | submissions.c.reason.in_(STAYS_HERE)
    mine = select(func.count()).where(submissions.c.ehr == ehr.name, func.coalesce(done, False).is_(False))
    with engine.connect() as connection:
        return connection.scalar(mine) or 0


def _without(text: str, name: str) -> str:
    """Return a settings file without the sections of one EHR; every other line stays as it is."""
    kept: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        if line.startswith("["):
            inside = line.split("#")[0].strip() == f"[ehr.{name}]" or line.startswith(f"[ehr.{name}.")
        if not inside:
            kept.append(line)
    changed = "".join(kept)
    wanted = tomllib.loads(text)
    del wanted["ehr"][name]
    found = tomllib.loads(changed)
    if {"ehr": {}, **found} != wanted:
        raise InvalidSettings([f"[ehr.{name}]: does not stand in sections of its own; take it out by hand"])
    return changed
