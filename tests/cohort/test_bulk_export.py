"""A bulk export: what is asked for, what is kept, and what no answer of an EHR can do."""

import gzip
import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from fhir_alliance.cohort import lines
from fhir_alliance.cohort.exporting import export
from fhir_alliance.cohort.folder import Folder, Wanted
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import (
    EhrError,
    EhrUnreachable,
    ExportFailed,
    ExportRefused,
    ExportUnknown,
    FhirError,
    ForeignUrl,
)
from tests.ehr.conftest import FakeEhr

from .conftest import CANARY, KICK_OFF, STATUS, Bulk, ndjson, observation

PATIENT = {"resourceType": "Patient", "id": "p1", "meta": {"versionId": "1"}}
RESPONSE = {"resourceType": "QuestionnaireResponse", "id": "r1", "meta": {"versionId": "3"}}


def test_an_export_is_asked_for_taken_and_ended(bulk: Bulk) -> None:
    """The kick-off is as Bulk Data has it, every file comes into the folder for its owner only, the export is ended."""
    bulk.files(Patient=ndjson(PATIENT), Observation=ndjson(observation(1)), QuestionnaireResponse=ndjson(RESPONSE))

    found = bulk.export("2026-11-01T00:00:00Z")

    (kick_off,) = bulk.asked(KICK_OFF)
    assert parse_qsl(kick_off.query) == [
        ("_type", "Patient,Observation,QuestionnaireResponse"),
        ("_typeFilter", "Observation?category=http://terminology.hl7.org/CodeSystem/observation-category|survey"),
        ("_since", "2026-11-01T00:00:00Z"),
    ]
    assert (kick_off.headers["accept"], kick_off.headers["prefer"]) == ("application/fhir+json", "respond-async")
    assert bulk.asked(STATUS)[0].headers["accept"] == "application/json"
    assert [each.method for each in bulk.asked(STATUS)] == ["GET", "DELETE"]
    assert {each.headers["authorization"] for each in bulk.asked("/bulk/Patient")} == {f"Bearer {CANARY}"}
    assert found.counts == {"Patient": 1, "Observation": 1, "QuestionnaireResponse": 1}
    assert bulk.lines("Observation") == [observation(1)]
    manifest = json.loads((bulk.into / "manifest.json").read_bytes())
    assert (manifest["transactionTime"], manifest["complete"]) == ("2026-11-12T15:00:00Z", True)
    modes = {stat.S_IMODE(each.stat().st_mode) for each in bulk.into.iterdir()}
    assert (stat.S_IMODE(bulk.into.stat().st_mode), modes) == (0o700, {0o600})
    assert {each.name.partition(".")[2] for each in bulk.into.iterdir()} == {"ndjson", "json"}


def test_a_site_that_writes_flowsheet_rows_gets_its_category(bulk: Bulk) -> None:
    """Where scores are written under another category, that one is asked for, and kept, as well."""
    vital = json.loads(json.dumps(observation(1)).replace("survey", "vital-signs"))
    bulk.ehr = replace(bulk.ehr, write=replace(bulk.ehr.write, category="vital-signs"))
    bulk.files(Observation=ndjson(vital, observation(2)))

    bulk.export()

    assert [each["id"] for each in bulk.lines("Observation")] == ["o1", "o2"]
    assert bulk.asked(KICK_OFF)[0].query.count("_typeFilter") == 2


def test_each_version_is_kept_once_and_nothing_that_was_not_asked_for(bulk: Bulk) -> None:
    """Repeats over two files go, other versions stay; a laboratory result, and a type not asked for, are left out."""
    other = observation(9, category=[{"coding": [{"code": "laboratory"}]}])
    bulk.server.on("GET", "/bulk/a", ndjson(observation(1), observation(1), other))
    bulk.server.on("GET", "/bulk/b", ndjson(observation(1), observation(1, "2"), observation(2, meta=None)))
    bulk.manifest(("Observation", "a"), ("Observation", "/bulk/b"), ("Condition", f"{bulk.server.url}/bulk/c"))

    found = bulk.export()

    kept = [(each["id"], (each["meta"] or {}).get("versionId")) for each in bulk.lines("Observation")]
    assert kept == [("o1", "1"), ("o1", "2"), ("o2", None)]
    assert (found.left_out, bulk.asked("/bulk/c")) == (1, [])


@pytest.mark.parametrize("packed", ["plain", "by itself", "on its way"])
def test_a_file_may_be_packed(bulk: Bulk, packed: str) -> None:
    """A gzip file, one of several members, and gzip as content coding are read like a plain one."""
    body = ndjson(*(observation(number) for number in range(3000)))
    headers = {"Content_Encoding": "gzip"} if packed == "on its way" else {}
    sent = {"plain": body, "by itself": gzip.compress(body[:999]) + gzip.compress(body[999:])}
    bulk.server.on("GET", "/bulk/a", sent.get(packed, gzip.compress(body)), **headers)
    bulk.manifest(("Observation", "a"))

    bulk.export()

    assert (bulk.into / "Observation.ndjson").read_bytes() == body


def test_what_was_deleted_and_what_failed_is_kept(bulk: Bulk) -> None:
    """Deletions become references; an error makes the export incomplete, by its code alone, a warning does not."""
    gone = {"resourceType": "Bundle", "entry": [{"request": {"method": "DELETE", "url": "Observation/o7"}}] * 2}
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
    warned = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "not-supported"}]}
    bulk.server.on("GET", "/bulk/gone", ndjson(gone))
    bulk.server.on("GET", "/bulk/failed", ndjson(warned, failed))
    bulk.server.on("GET", "/bulk/warned", ndjson(warned))
    bulk.manifest(
        deleted=[{"type": "Bundle", "url": "gone"}],
        error=[{"type": "OperationOutcome", "url": "failed"}, {"url": "warned"}],
    )

    found = bulk.export()

    assert bulk.lines("deleted") == [{"reference": "Observation/o7"}]
    assert (found.deleted, found.problems, found.complete) == (1, ("timeout",), False)


def test_an_export_is_waited_for_as_the_ehr_says(bulk: Bulk) -> None:
    """Retry-After counts, in seconds or as a date, for 202, 429 and 503; without one each wait is twice the last."""
    for status, headers in [
        (202, {}),
        (202, {}),
        (202, {"Retry_After": "7"}),
        (429, {"Retry_After": "0"}),
        (503, {"Retry_After": "Thu, 12 Nov 2026 15:43:00 GMT"}),
    ]:
        bulk.server.on("GET", STATUS, status=status, **headers)
    bulk.manifest()

    bulk.export()

    assert bulk.waits == [2.0, 4.0, 7.0, 1.0, 39.0]


@pytest.mark.parametrize("status", [202, 429, 503])
def test_an_export_that_never_ends_is_given_up(bulk: Bulk, status: int) -> None:
    """After twelve hours of "not yet" or "too many requests" it is ended at the EHR, and nothing of it is left."""
    bulk.server.on("GET", STATUS, status=status)

    with pytest.raises(ExportFailed, match="in time"):
        bulk.export()

    assert 11 * 3600 < sum(bulk.waits) < 12 * 3600
    assert len(bulk.waits) < 200
    assert [each.method for each in bulk.asked(STATUS)][-1] == "DELETE"
    assert list(bulk.into.iterdir()) == []


def test_a_token_that_has_ended_is_renewed(bulk: Bulk) -> None:
    """A status that answers 401 is asked for again with a new token, once."""
    bulk.server.on("GET", STATUS, status=401)
    bulk.manifest()

    bulk.export()

    assert len(bulk.asked("/auth/token")) == 2


def test_the_token_goes_only_with_files_that_want_it(bulk: Bulk) -> None:
    """Where the manifest says that no token is needed, none is sent."""
    bulk.server.on("GET", "/bulk/a", ndjson(PATIENT))
    bulk.manifest(("Patient", "a"), requiresAccessToken=False)

    bulk.export()

    assert "authorization" not in bulk.asked("/bulk/a")[0].headers


@pytest.mark.parametrize("requires", [True, False])
def test_a_file_on_another_host_is_not_fetched(bulk: Bulk, sink: Any, requires: bool) -> None:
    """A manifest that names a file elsewhere ends the export before anything is sent there."""
    bulk.manifest(("Patient", f"{sink.url}/a"), requiresAccessToken=requires)

    with pytest.raises(ForeignUrl):
        bulk.export()

    assert list(bulk.into.iterdir()) == []


def test_files_may_be_where_the_site_says_and_get_no_token(bulk: Bulk) -> None:
    """From an origin that the site names a file is fetched without our token."""
    storage = FakeEhr()
    storage.start()
    storage.on("GET", "/a", ndjson(PATIENT))
    bulk.manifest(("Patient", f"{storage.url}/a?signature=1"), requiresAccessToken=False)

    bulk.export(files_at=(storage.url,))
    storage.stop()

    (seen,) = storage.seen
    assert "authorization" not in seen.headers


def test_a_file_elsewhere_that_wants_our_token_is_not_fetched(bulk: Bulk, sink: Any) -> None:
    """Not even from an origin that the site has named."""
    bulk.manifest(("Patient", f"{sink.url}/a"))

    with pytest.raises(ForeignUrl):
        bulk.export(files_at=(sink.url,))


def test_a_status_on_another_host_is_not_asked(bulk: Bulk, sink: Any) -> None:
    """A kick-off that is answered with an address elsewhere ends there."""
    bulk.server.on("GET", "/fhir/Group/other/$export", status=202, Content_Location=f"{sink.url}/status")

    with pytest.raises(ForeignUrl):
        bulk.bulk_server().kick_off("other", [("_type", "Patient")])


@pytest.mark.parametrize("path", [STATUS, "/bulk/a"])
def test_no_redirect_is_followed(bulk: Bulk, sink: Any, path: str) -> None:
    """Neither the status nor a file leads our token elsewhere."""
    if path == STATUS:
        bulk.server.on("GET", path, b"", status=302, Location=f"{sink.url}/x")
    else:
        bulk.server.on("GET", path, b"", status=307, Location=f"{sink.url}/x")
        bulk.manifest(("Patient", "a"))

    with pytest.raises(EhrError, match="redirect"):
        bulk.export()


CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\nConnection: close\r\n\r\n" + ndjson(observation(1))


def test_a_file_that_is_cut_off_is_asked_for_again(bulk: Bulk) -> None:
    """What came before the end of the connection counts once, and the rest comes with the next attempt."""
    bulk.server.raw("GET", "/bulk/a", lambda out, _: out.write(CUT) and None)
    bulk.server.on("GET", "/bulk/a", ndjson(observation(1), observation(2)))
    bulk.manifest(("Observation", "a"))

    bulk.export()

    assert [each["id"] for each in bulk.lines("Observation")] == ["o1", "o2"]


def test_a_file_that_is_always_cut_off_is_no_export(bulk: Bulk) -> None:
    """After three attempts it has failed, the EHR is told, and no file is left."""
    bulk.server.raw("GET", "/bulk/a", lambda out, _: out.write(CUT) and None)
    bulk.manifest(("Observation", "a"))

    with pytest.raises(EhrUnreachable):
        bulk.export()

    assert len(bulk.asked("/bulk/a")) == 3
    assert [each.method for each in bulk.asked(STATUS)] == ["GET", "DELETE"]
    assert list(bulk.into.iterdir()) == []


FILES: dict[str, bytes] = {
    "a page": b"<html>Please sign in</html>",
    "half a line": ndjson(observation(1))[:-9],
    "another type": ndjson(PATIENT),
    "a list": b"[]\n",
    "no id": ndjson({"resourceType": "Observation", "category": observation(1)["category"]}),
    "a key twice": b'{"resourceType": "Observation", "id": "a", "id": "b"}\n',
    "half a packed file": gzip.compress(ndjson(*map(observation, range(99))))[:-20],
    "damaged": b"\x1f\x8b" + b"\0" * 99,
}


@pytest.mark.parametrize("body", FILES.values(), ids=FILES)
def test_a_file_that_is_something_else_is_refused(bulk: Bulk, body: bytes) -> None:
    """One bad line, and there is no export: nobody takes a part for the whole."""
    bulk.server.on("GET", "/bulk/a", body, Content_Type="text/html")
    bulk.manifest(("Observation", "a"))

    with pytest.raises(ExportFailed):
        bulk.export()

    assert list(bulk.into.iterdir()) == []


def test_a_file_with_fewer_lines_than_said_is_refused(bulk: Bulk) -> None:
    """The manifest's count is compared with what came."""
    bulk.server.on("GET", "/bulk/a", ndjson(observation(1)))
    bulk.manifest(output=[{"type": "Observation", "url": "a", "count": 2}])

    with pytest.raises(ExportFailed, match="has 1 lines, the manifest says 2"):
        bulk.export()


def test_lines_and_files_have_limits() -> None:
    """A line that does not end, a file that does not, and a small one that unpacks into a large one stop early."""
    taken = []

    def endless(piece: bytes) -> Any:
        while True:
            taken.append(piece)
            yield piece

    bomb = gzip.compress(b" " * 10_000_000)

    for chunks, largest in [(endless(b"x"), 10**9), (endless(ndjson(PATIENT)), 5000), ([bomb], 5_000_000)]:
        with pytest.raises(ExportFailed, match=r"longer|larger"):
            list(lines.resources(chunks, "Patient", max_bytes=largest, max_line=1000))
    assert len(taken) < 1200


MANIFESTS: dict[str, dict[str, Any]] = {
    "no time": {"transactionTime": ...},
    "a day": {"transactionTime": "2026-11-12"},
    "token unsaid": {"requiresAccessToken": ...},
    "token as text": {"requiresAccessToken": "true"},
    "no output": {"output": ...},
    "output no list": {"output": {}},
    "a file without url": {"output": [{"type": "Patient"}]},
    "a type that is a path": {"output": [{"type": "../Patient", "url": "a"}]},
    "a file that is text": {"output": ["a"]},
    "count as text": {"output": [{"type": "Patient", "url": "a", "count": "1"}]},
    "count below zero": {"output": [{"type": "Patient", "url": "a", "count": -1}]},
    "too many": {"output": [{"type": "Patient", "url": "a"}] * 10_001},
    "an address that is none": {"output": [{"type": "Patient", "url": "http://[a"}]},
    "more pages": {"link": [{"relation": "next", "url": "b"}]},
}


@pytest.mark.parametrize("changes", MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_is_read_strictly(bulk: Bulk, changes: dict[str, Any]) -> None:
    """A manifest with a part that cannot be understood is no export."""
    bulk.manifest(**changes)

    with pytest.raises(ExportFailed):
        bulk.export()

    assert [each.method for each in bulk.asked(STATUS)] == ["GET", "DELETE"]


@pytest.mark.parametrize(
    ("body", "kind"), [(b"<html></html>", "text/html"), (b"{}", "text/html"), (b"[]", "application/json")]
)
def test_a_manifest_of_another_kind_is_refused(bulk: Bulk, body: bytes, kind: str) -> None:
    """What is not JSON by its type or its bytes is no manifest."""
    bulk.server.on("GET", STATUS, body, Content_Type=kind)

    with pytest.raises(EhrError):
        bulk.export()


def test_a_kick_off_whose_answer_is_lost_is_not_sent_again(bulk: Bulk) -> None:
    """The EHR may have begun: a second export would run beside it. The folder can be used again."""
    bulk.server.raw("GET", "/fhir/Group/lost/$export", lambda out, _: None)
    bulk.server.on("GET", "/fhir/Group/lost/$export", status=202, Content_Location=STATUS)

    with pytest.raises(ExportUnknown, match="no answer came"):
        export(bulk.bulk_server(), Folder(bulk.into), Wanted(ehr="harbor", group="lost"), bulk.ehr.write)

    assert len(bulk.asked("/fhir/Group/lost/$export")) == 1
    assert list(bulk.into.iterdir()) == []


def test_without_a_token_nothing_has_been_asked_for(bulk: Bulk) -> None:
    """When the token endpoint does not answer there is no doubt: no export has begun."""
    ehr = replace(bulk.ehr, token_endpoint=f"{bulk.server.base}/silent")
    bulk.server.raw("POST", "/fhir/silent", lambda out, _: None)
    bulk.ehr, bulk.registry = ehr, Registry(bulk.settings_of(ehr))

    with pytest.raises(EhrUnreachable):
        bulk.export()

    assert bulk.asked(KICK_OFF) == []


@pytest.mark.parametrize(
    ("status", "headers", "raised"),
    [(200, {}, ExportFailed), (202, {}, ExportFailed), (403, {}, FhirError), (404, {}, FhirError)],
)
def test_a_kick_off_that_begins_nothing_is_told(bulk: Bulk, status: int, headers: Any, raised: Any) -> None:
    """Anything but 202 with an address is no export, and leaves nothing behind."""
    bulk.server.on("GET", "/fhir/Group/none/$export", status=status, **headers)

    with pytest.raises(raised):
        bulk.bulk_server().kick_off("none", [("_type", "Patient")])


def test_an_export_that_was_stopped_goes_on(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped while waiting, the same command asks at the same address again and begins no second export."""
    bulk.server.on("GET", STATUS, status=202)
    with monkeypatch.context() as patched:
        patched.setattr(bulk, "waits", Stopping())
        with pytest.raises(KeyboardInterrupt):
            bulk.export()
    bulk.files(Patient=ndjson(PATIENT))

    found = bulk.export()

    assert len(bulk.asked(KICK_OFF)) == 1
    assert found.counts["Patient"] == 1
    assert "DELETE" in [each.method for each in bulk.asked(STATUS)]


class Stopping(list[float]):
    """Waits that somebody ends with Ctrl-C."""

    def append(self, _wait: float) -> None:
        raise KeyboardInterrupt


def test_a_folder_with_something_else_is_left_alone(bulk: Bulk, tmp_path: Path) -> None:
    """Nothing is asked of the EHR, and no file is changed, where another export or anything else lies."""
    bulk.into.mkdir()
    (bulk.into / "notes.txt").write_text("mine")
    with pytest.raises(ExportRefused, match="holds something else"):
        bulk.export()
    (bulk.into / "notes.txt").unlink()
    bulk.files()
    bulk.export()
    before = {each.name: each.read_bytes() for each in bulk.into.iterdir()}

    with pytest.raises(ExportRefused):
        bulk.export("2026-11-12T15:00:00Z")

    assert {each.name: each.read_bytes() for each in bulk.into.iterdir()} == before
    assert len(bulk.asked(KICK_OFF)) == 1
