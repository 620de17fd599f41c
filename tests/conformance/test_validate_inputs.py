"""What can be checked, and what is said of files that cannot be read: the others are still checked."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from fhir_alliance.conformance.validator import inputs
from fhir_alliance.conformance.validator.findings import Checked
from fhir_alliance.conformance.validator.validator import validate

from .validating import BUNDLE, FORM, OBSERVATION, RESPONSE, changed, definitions

BROKEN = json.dumps(changed(OBSERVATION, ("status",), "bogus")).encode()
VALID = json.dumps(OBSERVATION).encode()


def checked(*paths: Path) -> dict[str, Checked]:
    """Check files and return the result by file name."""
    return {Path(each.name).name: each for each in validate(paths, definitions())}


def package(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write a package of these files."""
    with tarfile.open(path, "w:gz") as archive:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return path


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"not json", "Not JSON"),
        ('{"resourceType": "Patient", "language": "\u00e9"}'.encode("latin-1"), "Not JSON"),
        (b'{"resourceType": "Patient", "id": "1", "id": "2"}', "a key occurs twice"),
        (b'{"resourceType": ' + b'{"a":' * 100 + b"1" + b"}" * 101, "nested too deeply"),
        (b'{"resourceType": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001, "Not JSON"),
        (b'{"resourceType": "Observation", "valueInteger": NaN}', "Not JSON"),
        (b"[]", "no object"),
        (b"", "Not JSON"),
    ],
    ids=["text", "latin-1", "key-twice", "deep", "very-deep", "nan", "list", "empty"],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, body: bytes, sentence: str) -> None:
    """The reason stands beside the file's name, and the file next to it is checked all the same."""
    (tmp_path / "bad.json").write_bytes(body)
    (tmp_path / "good.json").write_bytes(VALID)

    found = checked(tmp_path)

    (finding,) = found["bad.json"].findings
    assert (finding.severity, finding.rule) == ("error", "input")
    assert sentence in finding.sentence
    assert (found["good.json"].resources, found["good.json"].findings) == (1, ())


def test_a_file_over_the_bound_is_not_read(tmp_path: Path) -> None:
    """A file of 50 MB is refused by its size, before it is read."""
    with (tmp_path / "big.json").open("wb") as file:
        file.truncate(50_000_000)

    (finding,) = checked(tmp_path)["big.json"].findings

    assert finding.sentence == "The file is larger than 32 MiB."


def test_a_file_that_may_not_be_opened_is_told(tmp_path: Path) -> None:
    """A link that leads nowhere is a finding and no crash."""
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere.json")

    (finding,) = checked(tmp_path)["gone.json"].findings

    assert "cannot be read" in finding.sentence


def test_each_line_of_ndjson_is_checked(tmp_path: Path) -> None:
    """Lines are counted from one and blank ones skipped; a line that is no JSON does not stop the next."""
    (tmp_path / "all.ndjson").write_bytes(b"\n".join([VALID, b"", b"{", BROKEN]))

    found = checked(tmp_path)["all.ndjson"]

    assert [(each.where, each.rule) for each in found.findings] == [
        ("line 3", "input"),
        ("line 4: Observation.status", "binding"),
    ]
    assert found.resources == 2


def test_a_folder_is_read_to_its_depth(tmp_path: Path) -> None:
    """Folders in folders are checked; hidden files, other kinds and a package's own files are not resources."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "one.json").write_bytes(VALID)
    for name in (".index.json", "package.json", ".hidden.json", "notes.txt"):
        (tmp_path / "a" / name).write_bytes(b"{}")

    assert list(checked(tmp_path)) == ["one.json"]


def test_a_package_is_checked_as_it_is(tmp_path: Path) -> None:
    """Resources and examples of a package are named by archive and member; its manifest is no resource."""
    files = {"package/package.json": b"{}", "package/form.json": json.dumps(FORM).encode()}
    path = package(tmp_path / "forms.tgz", {**files, "package/example/observation.json": BROKEN})

    found = validate([path], definitions())

    assert [each.name for each in found] == [
        f"{path}!package/form.json",
        f"{path}!package/example/observation.json",
    ]
    assert [[finding.rule for finding in each.findings] for each in found] == [[], ["binding"]]


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_a_broken_package_is_told(tmp_path: Path, share: float) -> None:
    """An archive that ends too early is told as that."""
    path = package(tmp_path / "forms.tgz", {"package/form.json": json.dumps(FORM).encode()})
    body = path.read_bytes()
    path.write_bytes(body[: int(len(body) * share)])

    (found,) = validate([path], definitions())

    assert found.findings[-1].sentence == "The file is not a whole gzipped tar archive."


def test_a_package_that_is_no_gzip_is_told(tmp_path: Path) -> None:
    """Something else under the name of a package is told as that."""
    (tmp_path / "forms.tgz").write_bytes(b"PK plain")

    (finding,) = checked(tmp_path / "forms.tgz")["forms.tgz"].findings

    assert "gzipped tar" in finding.sentence


def test_a_package_that_unpacks_too_large_is_refused(tmp_path: Path) -> None:
    """A small archive that would unpack to more than the bound is stopped at its member's size."""
    path = tmp_path / "bomb.tgz"
    member = tarfile.TarInfo("package/bomb.json")
    member.size = inputs.MAX_BYTES + 1
    path.write_bytes(gzip.compress(member.tobuf() + b"\0" * 10_000))

    (found,) = validate([path], definitions())

    assert "larger than 32 MiB when unpacked" in found.findings[0].sentence


def test_the_bounds_are_those_of_the_whole_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small members add up: their bytes, and their number."""
    path = package(tmp_path / "many.tgz", {f"package/{number}.json": VALID for number in range(3)})

    monkeypatch.setattr(inputs, "MAX_PACKAGE_FILES", 2)
    assert [each.rule for each in validate([path], definitions())[-1].findings] == ["input"]
    monkeypatch.setattr(inputs, "MAX_PACKAGE_FILES", 3)
    assert [each.findings for each in validate([path], definitions())] == [(), (), ()]
    monkeypatch.setattr(inputs, "MAX_BYTES", 2 * len(VALID))
    assert [each.rule for each in validate([path], definitions())[-1].findings] == ["input"]


def test_resources_inside_others_are_counted_and_checked(tmp_path: Path) -> None:
    """A Bundle of two is three resources; findings in an entry name its place."""
    bundle = changed(BUNDLE, ("entry", 1, "resource", "entity", 0, "role"), "bogus")
    (tmp_path / "bundle.json").write_text(json.dumps(bundle))

    found = checked(tmp_path)["bundle.json"]

    assert found.resources == 3
    assert [each.path for each in found.findings] == ["Bundle.entry[1].resource.entity[0].role"]


def test_files_are_checked_against_each_other(tmp_path: Path) -> None:
    """A form in one file is what a response in another one is held against."""
    (tmp_path / "form.json").write_text(json.dumps(FORM))
    wrong = changed(RESPONSE, ("item", 0, "item", 1, "linkId"), "else")
    (tmp_path / "response.json").write_text(json.dumps(wrong))

    rules = [each.rule for each in checked(tmp_path)["response.json"].findings]

    assert rules == ["form-item"]
