"""Exports that were asked for: what is in them, from when they are ready, until when they are kept."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from smart_app.sandbox.auth.vault import Clock, Vault
from smart_app.sandbox.fhir.access import Access, allowed
from smart_app.sandbox.fhir.outcomes import Malformed, NotFound
from smart_app.sandbox.fhir.parameters import TYPES
from smart_app.sandbox.fhir.query import Params
from smart_app.sandbox.fhir.store import ResourceStore
from smart_app.sandbox.fhir.terms import Resource

KEPT_SECONDS = 3600
_TAKEN = ("_type", "_typeFilter", "_since", "_outputFormat")
_FORMATS = ("application/fhir+ndjson", "application/ndjson", "ndjson")


@dataclass(kw_only=True)
class Export:
    """One export: its files by name, ready at `ready_at`; `next_poll` is when its status may be asked for again."""

    client_id: str
    request: str
    at: str
    ready_at: float
    until: float
    files: dict[str, list[bytes]]
    next_poll: float = 0


class Exports:
    """The exports of one store, made in `seconds`; with `careless` filters are ignored and resources repeated."""

    def __init__(self, store: ResourceStore, *, seconds: float, careless: bool, clock: Clock) -> None:
        self.clock = clock
        self._store = store
        self._seconds = seconds
        self._careless = careless
        self._kept: Vault[Export] = Vault(clock)

    def begin(self, access: Access, group: str, params: Params, *, request: str) -> str:
        """Collect what the token may see of a group's patients; return the key of the export."""
        _check_params(params)
        if not self._store.matches("Group", group, allowed(access, "Group", "r")):
            raise NotFound("there is no Group with this id")
        members = [each["entity"]["reference"] for each in self._store.read("Group", group).get("member", [])]
        now = self.clock()
        types = [name for key, value in params if key == "_type" for name in value.split(",")] or list(_PATIENTS)
        export = Export(
            client_id=access.client_id,
            request=request,
            at=datetime.fromtimestamp(now, UTC).isoformat(),
            ready_at=now + self._seconds,
            until=now + self._seconds + KEPT_SECONDS,
            files={},
        )
        for each in dict.fromkeys(types):
            if each not in _PATIENTS:
                raise Malformed(f"_type: {each} is not exported here")
            lines = [json.dumps(one).encode() for one in self._found(access, each, members, params)]
            export.files |= {f"{each}.ndjson": lines} if lines else {}
            export.files |= {f"{each}.2.ndjson": lines[:2]} if lines and self._careless else {}
        return self._kept.put(export, seconds=self._seconds + KEPT_SECONDS)

    def get(self, key: str, access: Access) -> Export:
        """Return an export of the same client; raises NotFound when there is none any more."""
        found = self._kept.get(key)
        if found is None or found.client_id != access.client_id:
            raise NotFound("there is no such export")
        return found

    def forget(self, key: str) -> None:
        """Delete an export with its files."""
        self._kept.take(key)

    def _found(self, access: Access, name: str, members: Sequence[str], params: Params) -> Iterator[Resource]:
        within = allowed(access, name, "r")
        allowed(access, name, "s")
        since = [("_lastUpdated", f"ge{value}") for key, value in params if key == "_since"]
        filters = [] if self._careless else list(_filters(name, params))
        about = "_id" if name == "Patient" else "patient"
        for member in members:
            patient = member.partition("/")[2] if name == "Patient" else member
            found: dict[str, Resource] = {}
            for more in filters or [[]]:
                found |= {one["id"]: one for one in self._all(name, [(about, patient), *since, *more], within)}
            yield from found.values()

    def _all(self, name: str, params: list[tuple[str, str]], within: Sequence[Params]) -> Iterator[Resource]:
        following: list[tuple[str, str]] | None = [*params, ("_count", "1000")]
        while following:
            page = self._store.search(name, following, within=within)
            yield from page.resources
            following = page.next


_PATIENTS = tuple(name for name, known in TYPES.items() if name == "Patient" or "patient" in known)
"""The types that belong to a patient."""


def _check_params(params: Params) -> None:
    if unknown := sorted({key for key, _ in params} - set(_TAKEN)):
        raise Malformed(f"$export does not take {', '.join(unknown)}")
    if any(value not in _FORMATS for key, value in params if key == "_outputFormat"):
        raise Malformed("_outputFormat is application/fhir+ndjson")


def _filters(name: str, params: Params) -> Iterator[list[tuple[str, str]]]:
    for key, value in params:
        kind, _, query = value.partition("?")
        if key == "_typeFilter" and kind == name:
            yield parse_qsl(query, keep_blank_values=True)


def manifest(export: Export, url_of: Callable[[str], str]) -> dict[str, Any]:
    """Return the manifest of an export that is ready; every file wants the token."""
    return {
        "transactionTime": export.at,
        "request": export.request,
        "requiresAccessToken": True,
        "output": [
            {"type": name.partition(".")[0], "url": url_of(name), "count": len(lines)}
            for name, lines in export.files.items()
        ],
        "error": [],
    }
