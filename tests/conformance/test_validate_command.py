"""`fhir-alliance validate` tells what it found, and its exit code says whether all is well."""

import json
import shutil
import sys
from pathlib import Path

import fhirkit
import pytest
from click.testing import CliRunner, Result

from fhir_alliance.conformance.validator import reading
from smart_app.cli import main

from .validating import DEFINITIONS_FOLDER, FORM, OBSERVATION, changed, definitions, errors


def run(*arguments: str | Path) -> Result:
    """Run the command with the fetched definitions, unless others are named."""
    own = () if "--definitions" in arguments else ("--definitions", str(DEFINITIONS_FOLDER))
    return CliRunner().invoke(main, ["validate", *map(str, arguments), *own])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of a valid form and an observation with an error and a warning."""
    (tmp_path / "form.json").write_text(json.dumps(FORM))
    broken = changed(OBSERVATION, ("status",), "bogus")
    broken = changed(broken, ("derivedFrom",), [{"reference": "urn:uuid:7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a10"}])
    (tmp_path / "observation.json").write_text(json.dumps(broken))
    return tmp_path


def test_what_is_valid_ends_well(folder: Path) -> None:
    """Without an error the command exits 0 and only counts."""
    result = run(folder / "form.json")

    assert (result.exit_code, result.output) == (0, "1 files, 1 resources, 0 errors, 0 warnings\n")


def test_errors_are_told_by_file(folder: Path) -> None:
    """Each finding stands below its file with severity, path, rule and sentence; the command exits 1."""
    result = run(folder)

    lines = result.output.splitlines()
    assert result.exit_code == 1
    assert lines[0] == str(folder / "observation.json")
    assert lines[1].split()[:4] == ["error", "Observation.status", "binding", "“bogus”"]
    assert lines[2].split()[:3] == ["warning", "Observation.derivedFrom[0]", "resolves"]
    assert lines[3] == "2 files, 2 resources, 1 errors, 1 warnings"


def test_findings_as_fhir(folder: Path) -> None:
    """As JSON there is one OperationOutcome a file, itself valid FHIR."""
    result = run(folder, "--format", "json")

    bundle = json.loads(result.output)
    form, observation = (entry["resource"] for entry in bundle["entry"])
    assert result.exit_code == 1
    assert errors(bundle) == []
    assert form["issue"][0]["severity"] == "information"
    assert observation["extension"][0]["valueString"] == str(folder / "observation.json")
    assert observation["issue"][0] == {
        "severity": "error",
        "code": "code-invalid",
        "expression": ["Observation.status"],
        "diagnostics": "binding: “bogus” is not from the required value set "
        "http://hl7.org/fhir/ValueSet/observation-status|4.0.1.",
    }


def test_a_line_is_told_as_fhir(tmp_path: Path) -> None:
    """In NDJSON the line stands in the words, and the expression stays FHIRPath."""
    (tmp_path / "all.ndjson").write_text(json.dumps(changed(OBSERVATION, ("status",), "bogus")) + "\n{")

    wrong, unreadable = json.loads(run(tmp_path, "--format", "json").output)["entry"][0]["resource"]["issue"]

    assert wrong["expression"] == ["Observation.status"]
    assert wrong["diagnostics"].startswith("line 1: binding: ")
    assert "expression" not in unreadable
    assert unreadable["diagnostics"].startswith("line 2: input: ")


def test_an_empty_folder_is_no_fault(tmp_path: Path) -> None:
    """Nothing to check gives an empty result in both forms."""
    assert run(tmp_path).output == "0 files, 0 resources, 0 errors, 0 warnings\n"
    assert "entry" not in json.loads(run(tmp_path, "--format", "json").output)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("nothing.txt", ""),
        ("broken.json", "{"),
        ("list.json", "[]"),
        ("patient.json", '{"resourceType": "Patient"}'),
        ("part.json", '{"resourceType": "ValueSet"}'),
    ],
)
def test_no_definitions_is_said_with_what_to_do(folder: Path, tmp_path: Path, name: str, content: str) -> None:
    """A folder that does not define FHIR R4 is named, with how to get the definitions."""
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / name).write_text(content)

    result = run(folder, "--definitions", tmp_path / "definitions")

    assert result.exit_code == 1
    assert str(tmp_path / "definitions") in result.output
    assert "make definitions" in result.output


def test_the_default_folder_is_below_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --definitions the folder of `make definitions` is used, here one that is missing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "form.json").write_text(json.dumps(FORM))

    result = CliRunner().invoke(main, ["validate", "form.json"])

    assert ".cache/definitions" in result.output


def test_a_missing_package_is_said_with_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the optional packages are not installed, one sentence says how to get them."""
    for name in [
        each for each in sys.modules if each.startswith(("smart_app.validation", "fhir_alliance.conformance"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fhirkit", None)

    result = run(folder)

    assert (result.exit_code, result.output) == (
        1,
        "fhirkit is missing. It comes with: pip install 'fhir-alliance[validate]'\n",
    )


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Make a folder of few definitions, quick to read."""
    found = tmp_path / "small"
    found.mkdir()
    base = json.loads((DEFINITIONS_FOLDER / "profiles-types.json").read_bytes())
    kept = [each for each in base["entry"] if each["resource"].get("id") in ("Element", "code")]
    structure = {"resourceType": "StructureDefinition", "kind": "resource", "type": "Observation"}
    observation = {**structure, "url": "x", "snapshot": {"element": [{"path": "Observation"}]}}
    statuses = {"resourceType": "ValueSet", "url": "y", "compose": {"include": [{"system": "z"}]}}
    entries = [*kept, {"resource": observation}, {"resource": statuses}]
    (found / "few.json").write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))
    return found


def test_definitions_are_kept_in_a_short_form(small: Path) -> None:
    """The second reading uses the short form, until a source changes; a damaged short form is made again."""
    read = reading.read_definitions(small)
    (kept,) = small.glob("compiled-*.json")
    first = kept.read_bytes()
    kept.write_bytes(first.replace(b'"Observation"', b'"Observatory"'))

    assert "Observation" in read.resources
    assert reading.read_definitions(small).resources == {"Observatory"}
    kept.write_bytes(b"{")
    assert reading.read_definitions(small).resources == {"Observation"}
    assert kept.read_bytes() == first
    shutil.copy(small / "few.json", small / "more.json")
    reading.read_definitions(small)
    assert kept.read_bytes() != first


def test_definitions_are_read_from_their_source(small: Path) -> None:
    """Types, choices and extensions are read as HL7 publishes them, with anything else in the folder passed over."""
    for name in ("profiles-types.json", "extension-definitions.json"):
        (small / name).symlink_to(DEFINITIONS_FOLDER / name)
    (small / "patient.json").write_text('{"resourceType": "Patient"}')

    found = reading.read_definitions(small)

    translation = found.extension("http://hl7.org/fhir/StructureDefinition/translation")
    assert translation is not None
    assert translation["values"] == []
    assert translation["parts"]["lang"] == {"min": 1, "values": ["code"], "value_min": 1, "parts": {}}
    value = found.child("Extension", "valueCodeableConcept")
    assert value is not None
    assert (value[0].path, value[1]) == ("Extension.value[x]", "CodeableConcept")
    assert found.child("Coding", "colour") is None
    assert [each.key for each in found.element("Quantity").constraints] == ["qty-3"]
    assert found.reuses("Coding") == []


def test_a_folder_that_cannot_be_written_to_still_works(small: Path) -> None:
    """Where the short form cannot be kept, the definitions are read anew each time."""
    (small / "compiled-3.part").mkdir()

    assert reading.read_definitions(small).resources == {"Observation"}
    assert not list(small.glob("compiled-*.json"))


def test_the_fetched_definitions_are_whole() -> None:
    """Every resource type of FHIR R4 is there; codes can be listed unless another standard defines them."""
    found = definitions()

    assert set(fhirkit.RESOURCE_TYPES) <= found.resources
    assert ("http://hl7.org/fhir/observation-status", "final") in (
        found.codes("http://hl7.org/fhir/ValueSet/observation-status|4.0.1") or ()
    )
    assert found.codes("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1") is None
