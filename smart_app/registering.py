"""Registering an EHR: a draft of its entry, and whether it still states what was registered."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from fhir_alliance.ehr.addresses import same_address
from fhir_alliance.ehr.discovery import Change, changes, read_configuration, require
from fhir_alliance.ehr.draft import checked_base, draft_entry, usable
from fhir_alliance.ehr.http import Door
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import EhrError, InvalidSettings, LaunchError
from fhir_alliance.settings import EhrSettings, Settings, read_settings
from fhir_alliance.settings.ehr_schema import EHR_NAME


def draft(fhir_base: str, *, name: str | None, allow_private: bool, without_s256: bool = False) -> tuple[str, str]:
    """Ask a server what it is; return a name for it and its draft entry.

    Raises InvalidSettings, LaunchError or EhrError with the reason why it cannot be registered.
    """
    base = checked_base(fhir_base, allow_private=allow_private)
    chosen = name or re.sub(r"[^a-z0-9]+", "-", urlsplit(base).hostname or "").strip("-")
    if not EHR_NAME.fullmatch(chosen):
        raise InvalidSettings(["--name: use lower-case letters, digits, hyphens"])
    values = read_configuration(Door(base_urls=[base], allow_private=allow_private), base)
    entry = draft_entry(values, name=chosen, fhir_base=base, allow_private=allow_private, without_s256=without_s256)
    return chosen, entry


def append_entry(settings: Path, name: str, entry: str) -> None:
    """Append an entry to a settings file, all or nothing; what is there stays as it is, byte for byte.

    Raises InvalidSettings when the name or the FHIR base is taken, or when the file could not be read with it.
    """
    path = settings.resolve()
    try:
        before = path.read_bytes()
        known = tomllib.loads(before.decode("utf-8")).get("ehr", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidSettings([f"{path.name}: {error}"]) from None
    _require_new(known, name, tomllib.loads(entry)["ehr"][name]["fhir_base"])
    between = b"\n" if before.endswith(b"\n") else b"\n\n"
    replace_settings(path, before + between + entry.encode())


def check(settings: Settings, ehr: EhrSettings) -> Iterator[str]:
    """Yield what an EHR states otherwise than it was registered, and what to edit; nothing when all is the same.

    Launches ask the same questions, and are blocked by an endpoint that has moved (T05).
    """
    try:
        values = read_configuration(Registry(settings).door(ehr), ehr.fhir_base)
    except EhrError as error:
        yield f"{error}. It could not be asked; try again."
        return
    try:
        require(values, without_s256=ehr.without_s256)
    except LaunchError as error:
        yield f"{error}. Launches are blocked until the EHR states it again."
    for change in changes(values, ehr):
        yield from _told(change, ehr)


def _told(change: Change, ehr: EhrSettings) -> Iterator[str]:
    yield f"{change.name} was registered as {change.registered}"
    if change.stated is None:
        yield "  and is no longer stated. Ask the EHR's administrator whether it is still in use."
    elif usable(change.stated):
        yield f"  and is now {change.stated}: launches are blocked."
        yield "  Only when the EHR's administrator confirms it by another way than this server, pin it with"
        yield f"  fhir-alliance ehr confirm {ehr.name} --by WHO"
    else:
        yield "  and is now something that may not be registered: launches are blocked. Ask the EHR's administrator."


def _require_new(known: object, name: str, fhir_base: str) -> None:
    entries = known if isinstance(known, dict) else {}
    if name in entries:
        raise InvalidSettings([f"[ehr.{name}] is there already and stays as it is; choose another --name"])
    for other, values in entries.items():
        if isinstance(values, dict) and same_address(str(values.get("fhir_base")), fhir_base):
            raise InvalidSettings([f"[ehr.{other}] has this FHIR base already"])


def replace_settings(path: Path, content: bytes) -> None:
    """Put new content in the place of a file once it has been read as settings; a crash leaves the old or the new.

    Raises InvalidSettings with the reason why nothing was written.
    """
    new = path.with_name(f"{path.name}.new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InvalidSettings([f"{new.name}: {error.strerror}; nothing was written"]) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        read_settings(new)
        new.replace(path)
    except InvalidSettings as error:
        faults = [fault.replace(f"{new.name}:", f"{path.name}:", 1) for fault in error.faults]
        raise InvalidSettings([*faults, "nothing was written"]) from None
    finally:
        new.unlink(missing_ok=True)
