"""An EHR whose endpoints have moved, confirmed by a person: the new ones are pinned, the rest of the file stays."""

import re
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from fhir_alliance.audit import Event, record
from fhir_alliance.ehr.discovery import Change, changes, read_configuration, require
from fhir_alliance.ehr.draft import usable
from fhir_alliance.ehr.findings import Kind, keep, last
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import EhrSettings, Settings
from fhir_alliance.store import open_store, transaction
from smart_app.registering import replace_settings

SECOND_WITHIN: Final = timedelta(days=1)
"""How long the first of two people's word is good."""

_APART: Final = "\t"


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


def confirm(path: Path, settings: Settings, ehr: EhrSettings, found: list[Change], *, by: str, at: datetime) -> bool:
    """Pin what was found in the settings file, and write down in the audit trail who confirmed it.

    Where the site wants two people the first one's word is kept, and nothing is pinned: returns whether it was (T85).
    Raises InvalidSettings when the file does not hold a value as `name = "..."` in `[ehr.NAME]`, StoreError when the
    trail cannot be written; then nothing is changed.
    """
    stated = {each.name: str(each.stated) for each in found}
    before = path.resolve().read_text("utf-8")
    after = _with_values(before, ehr.name, stated)
    engine = open_store(settings.database)
    try:
        with transaction(engine) as connection:
            pinned = settings.site.confirm_by == 1 or _is_second(connection, ehr.name, stated, by=by, at=at)
            keep(connection, ehr.name, Kind.VOUCHED, () if pinned else _word(stated, by), at=at)
            record(
                connection,
                at=at,
                event=Event.EHR_CONFIRMED if pinned else Event.EHR_VOUCHED,
                actor=by,
                ehr=ehr.name,
                patient=None,
                launch=None,
                outcome=" ".join(sorted(stated)),
                request_id=None,
            )
    finally:
        engine.dispose()
    if pinned:
        replace_settings(path.resolve(), after.encode())
    return pinned


def _is_second(connection: Connection, name: str, stated: Mapping[str, str], *, by: str, at: datetime) -> bool:
    """Whether somebody else has confirmed the very same addresses, not long ago."""
    first = last(connection, name, Kind.VOUCHED)
    if first is None or not first.facts or at - first.checked_at > SECOND_WITHIN:
        return False
    differs = first.facts ^ _word(stated, by)
    return bool(differs) and all(each.startswith(f"by{_APART}") for each in differs)


def _word(stated: Mapping[str, str], by: str) -> frozenset[str]:
    """Return who vouches for which addresses, as facts; a name in other letters is the same person's."""
    who = " ".join(by.split()).casefold()
    return frozenset({f"by{_APART}{who}", *(f"{name}{_APART}{value}" for name, value in stated.items())})


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
