"""An EHR whose endpoints have moved, confirmed by a person: the new ones are pinned, the rest of the file stays."""

import re
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from fhir_alliance.audit import Event, record
from fhir_alliance.ehr.discovery import Change, changes, read_configuration, require
from fhir_alliance.ehr.draft import usable
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import EhrSettings, Settings
from fhir_alliance.store import open_store, transaction
from smart_app.registering import replace_settings


def moved(settings: Settings, ehr: EhrSettings) -> list[Change]:
    """Return what an EHR states otherwise than it was registered, all of it fit to be pinned.

    Raises EhrError when it cannot be asked, LaunchError when it lacks what a launch needs, InvalidSettings when
    something is no longer stated or may not be registered: then there is nothing to confirm.
    """
    values = read_configuration(Registry(settings).door(ehr), ehr.fhir_base)
    require(values, without_s256=ehr.without_s256)
    found = changes(values, ehr)
    if unfit := [each.name for each in found if each.stated is None or not usable(each.stated)]:
        raise InvalidSettings(
            [f"{name}: what the EHR states now cannot be registered; ask its administrator" for name in unfit]
        )
    return found


def confirm(path: Path, settings: Settings, ehr: EhrSettings, found: list[Change], *, by: str, at: datetime) -> None:
    """Pin what was found in the settings file, and write down in the audit trail who confirmed it.

    Raises InvalidSettings when the file does not hold a value as `name = "..."` in `[ehr.NAME]`, StoreError when the
    trail cannot be written; then nothing is changed.
    """
    stated = {each.name: str(each.stated) for each in found}
    before = path.resolve().read_text("utf-8")
    after = _with_values(before, ehr.name, stated)
    engine = open_store(settings.database)
    try:
        with transaction(engine) as connection:
            record(
                connection,
                at=at,
                event=Event.EHR_CONFIRMED,
                actor=by,
                ehr=ehr.name,
                patient=None,
                launch=None,
                outcome=" ".join(sorted(stated)),
                request_id=None,
            )
    finally:
        engine.dispose()
    replace_settings(path.resolve(), after.encode())


def _with_values(text: str, name: str, values: Mapping[str, str]) -> str:
    """Return a settings file with other values in one section; comments and everything else stay as they are."""
    lines = text.splitlines(keepends=True)
    inside, left = False, dict(values)
    for number, line in enumerate(lines):
        if line.lstrip().startswith("["):
            inside = line.split("#")[0].strip() == f"[ehr.{name}]"
        key = line.partition("=")[0].strip()
        if inside and key in left:
            lines[number] = re.sub(r'=(\s*)"[^"]*"', lambda found: f'={found[1]}"{left[key]}"', line, count=1)  # noqa: B023
            del left[key]
    changed = "".join(lines)
    wanted = tomllib.loads(text)
    wanted["ehr"][name] |= values
    if tomllib.loads(changed) != wanted:
        raise InvalidSettings([f'[ehr.{name}]: not every endpoint stands there as name = "address"; edit it by hand'])
    return changed
