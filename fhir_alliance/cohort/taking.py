"""The files of a manifest, taken into a folder: each version of a resource once, what was not asked for not at all."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import orjson

from fhir_alliance.cohort.asking import MAX_FILE, BulkServer
from fhir_alliance.cohort.folder import Folder, Wanted
from fhir_alliance.cohort.lines import Line, resources
from fhir_alliance.cohort.manifest import BulkFile, Manifest
from fhir_alliance.ehr.outcomes import issue_codes, reports_error
from fhir_alliance.errors import ExportFailed
from fhir_alliance.terms import OBSERVATION_CATEGORY

TYPES: Final = ("Patient", "Observation", "QuestionnaireResponse")


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What an export brought: resources by type, ids deleted since; what the EHR reports as not exported, by code."""

    transaction_time: str
    counts: dict[str, int]
    deleted: int
    problems: tuple[str, ...]
    left_out: int

    @property
    def complete(self) -> bool:
        """Whether the EHR reports no error: only then the next export may begin where this one ended."""
        return not self.problems


@dataclass(kw_only=True)
class _Kept:
    """What is in one file of the folder so far."""

    file: BinaryIO
    count: int = 0


@dataclass
class Taking:
    """Takes the files of one manifest; `seen` are digests of (type, id, versionId), as servers repeat resources."""

    server: BulkServer
    folder: Folder
    categories: set[str]
    seen: set[bytes] = field(default_factory=set)
    left_out: set[bytes] = field(default_factory=set)

    def take(self, manifest: Manifest, wanted: Wanted) -> Exported:
        """Take every file, then give the folder its manifest."""
        counts = {f"{each}.ndjson": self._output(manifest, each) for each in TYPES}
        problems = self._problems(manifest)
        counts["deleted.ndjson"] = self._deleted(manifest)
        found = Exported(
            transaction_time=manifest.transaction_time,
            counts={name.removesuffix(".ndjson"): count for name, count in counts.items() if name != "deleted.ndjson"},
            deleted=counts["deleted.ndjson"],
            problems=problems,
            left_out=len(self.left_out),
        )
        self.folder.finish(counts, _own_manifest(found, wanted, counts))
        return found

    def _output(self, manifest: Manifest, resource_type: str) -> int:
        with self.folder.unfinished(f"{resource_type}.ndjson") as file:
            kept = _Kept(file=file)
            for each in manifest.output:
                if each.resource_type == resource_type:
                    self._take(each, manifest, lambda line: self._keep(line, kept))
            return kept.count

    def _keep(self, line: Line, kept: _Kept) -> None:
        digest = _digest(line)
        if not self._is_wanted(line.resource):
            self.left_out.add(digest)
        elif digest not in self.seen:
            self.seen.add(digest)
            kept.file.write(line.raw + b"\n")
            kept.count += 1

    def _is_wanted(self, resource: dict[str, Any]) -> bool:
        """Whether a resource was asked for: a server may ignore _typeFilter, and what is not needed is not kept."""
        if resource["resourceType"] != "Observation":
            return True
        codings = [coding for each in _objects(resource.get("category")) for coding in _objects(each.get("coding"))]
        return any(
            coding.get("system") == OBSERVATION_CATEGORY and coding.get("code") in self.categories for coding in codings
        )

    def _problems(self, manifest: Manifest) -> tuple[str, ...]:
        """Return the issue codes of what was not exported; what the outcomes say beside them may name a patient."""
        found: Counter[str] = Counter()

        def count(line: Line) -> None:
            if reports_error(line.resource):
                found.update(issue_codes(line.resource) or ["unknown"])

        for each in manifest.error:
            self._take(each, manifest, count)
        return tuple(sorted(found))

    def _deleted(self, manifest: Manifest) -> int:
        """Write what was deleted since as references, one in a line."""
        with self.folder.unfinished("deleted.ndjson") as file:
            found: set[str] = set()

            def keep(line: Line) -> None:
                for reference in _deletions(line.resource):
                    if reference not in found:
                        found.add(reference)
                        file.write(orjson.dumps({"reference": reference}) + b"\n")

            for each in manifest.deleted:
                self._take(each, manifest, keep)
            return len(found)

    def _take(self, file: BulkFile, manifest: Manifest, keep: Callable[[Line], None]) -> None:
        def use(chunks: Iterator[bytes]) -> int:
            count = 0
            for line in resources(chunks, file.resource_type, max_bytes=MAX_FILE):
                keep(line)
                count += 1
            return count

        count = self.server.take(file, use, requires_token=manifest.requires_token)
        if file.count is not None and count != file.count:
            raise ExportFailed(f"a {file.resource_type} file has {count} lines, the manifest says {file.count}")


def _digest(line: Line) -> bytes:
    """Return what tells a version of a resource from all others; without a version its content does."""
    resource = line.resource
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    if not isinstance(resource.get("id"), str):
        raise ExportFailed(f"a {resource['resourceType']} has no id")
    which = [resource["resourceType"], resource["id"], version or line.raw.decode()]
    return hashlib.blake2b(orjson.dumps(which), digest_size=16).digest()


def _deletions(bundle: dict[str, Any]) -> Iterator[str]:
    for entry in _objects(bundle.get("entry")):
        request = entry.get("request")
        if isinstance(request, dict) and request.get("method") == "DELETE" and isinstance(request.get("url"), str):
            yield request["url"]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _own_manifest(found: Exported, wanted: Wanted, counts: dict[str, int]) -> dict[str, Any]:
    """Return what the folder says of itself: as Bulk Data has it, with names of files in place of addresses."""
    return {
        "transactionTime": found.transaction_time,
        "ehr": wanted.ehr,
        "group": wanted.group,
        "since": wanted.since,
        "complete": found.complete,
        "problems": list(found.problems),
        "output": [{"type": kind, "url": f"{kind}.ndjson", "count": count} for kind, count in found.counts.items()],
        "deleted": {"url": "deleted.ndjson", "count": counts["deleted.ndjson"]},
    }
