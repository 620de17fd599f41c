"""The manifest of a bulk export: which files there are, and whether they want a token (spec row B04)."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urljoin

from fhir_alliance.errors import ExportFailed

MAX_FILES: Final = 10_000
_USUAL: Final = {"error": "OperationOutcome", "deleted": "Bundle"}
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")


@dataclass(frozen=True, kw_only=True)
class BulkFile:
    """One file of ndjson: what it holds, where it is, and of how many lines, None when that is not said."""

    resource_type: str
    url: str
    count: int | None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What an export came to; `transaction_time` is what the next one is asked for since, as the EHR wrote it."""

    transaction_time: str
    requires_token: bool
    output: tuple[BulkFile, ...]
    error: tuple[BulkFile, ...]
    deleted: tuple[BulkFile, ...]


def read_manifest(value: Any, *, url: str) -> Manifest:
    """Read the manifest that was found at `url`; file addresses may be relative to that.

    Raises ExportFailed when a required member is missing or anything is not as Bulk Data Access 2.0 has it: a manifest
    that is understood in part would be an export with a part missing.
    """
    if not isinstance(value, dict):
        raise ExportFailed("the manifest is not a JSON object")
    time, requires = value.get("transactionTime"), value.get("requiresAccessToken")
    if not isinstance(time, str) or not is_instant(time):
        raise ExportFailed("the manifest has no transactionTime")
    if not isinstance(requires, bool):
        raise ExportFailed("the manifest does not say requiresAccessToken")
    if value.get("link"):
        raise ExportFailed("the manifest has further pages, which were not asked for")
    return Manifest(
        transaction_time=time,
        requires_token=requires,
        output=_files(value.get("output"), "output", url),
        error=_files(value.get("error", []), "error", url),
        deleted=_files(value.get("deleted", []), "deleted", url),
    )


def is_instant(text: str) -> bool:
    """Whether a text is a FHIR instant: a date and time with an offset."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None and "T" in text
    except ValueError:
        return False


def _files(value: Any, name: str, url: str) -> tuple[BulkFile, ...]:
    if not isinstance(value, list) or len(value) > MAX_FILES:
        raise ExportFailed(f"{name} of the manifest is no list of at most {MAX_FILES} files")
    return tuple(_file(each, name, url) for each in value)


def _file(value: Any, name: str, url: str) -> BulkFile:
    if not isinstance(value, dict):
        raise ExportFailed(f"{name} of the manifest holds something else than files")
    kind, where, count = value.get("type", _USUAL.get(name)), value.get("url"), value.get("count")
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind) or not isinstance(where, str):
        raise ExportFailed(f"a file in {name} of the manifest has no type or no url")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
        raise ExportFailed(f"a file in {name} of the manifest has a count that is no number of lines")
    try:
        return BulkFile(resource_type=kind, url=urljoin(url, where), count=count)
    except ValueError:
        raise ExportFailed(f"a file in {name} of the manifest has an address that cannot be read") from None
