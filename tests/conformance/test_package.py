"""The FHIR package is whole, lists and resolves what is in it, and is the same bytes each time."""

import io
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from importlib.metadata import metadata
from typing import Any

import pytest

from fhir_alliance.conformance.package import Package, build_package
from fhir_alliance.instruments.catalogue import installed
from fhir_alliance.instruments.readiness import State, readiness
from fhir_alliance.terms import CANONICAL_BASE

from .packed import TODAY, Files, files_of, resources_of


def definitions_of(files: Files) -> list[dict[str, Any]]:
    """Return the definitions, without manifest, index and examples."""
    special = ("package/package.json", "package/.index.json")
    return [each for name, each in files.items() if name not in special and name.count("/") == 1]


@pytest.fixture(scope="module")
def package() -> Package:
    """Make the package of what ships."""
    return build_package(installed(None), today=TODAY)


@pytest.fixture(scope="module")
def files(package: Package) -> Files:
    """Read it."""
    return files_of(package)


def test_same_bytes_elsewhere(package: Package) -> None:
    """Another process with another hash seed, time zone and day makes the same bytes."""
    program = (
        "from datetime import date; from fhir_alliance.conformance.package import build_package; "
        "from fhir_alliance.instruments.catalogue import installed; "
        "print(build_package(installed(None), today=date(2030, 1, 1)).digest)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Kolkata", "LC_ALL": "C"}

    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == package.digest


def test_nothing_tells_where_it_was_made(package: Package) -> None:
    """Neither the archive nor a file in it has a time, an owner or the rights of a user's mask."""
    with tarfile.open(fileobj=io.BytesIO(package.data), mode="r:gz") as archive:
        entries = archive.getmembers()

    assert package.data[3:8] == bytes(5)  # no file name, and no time in the header of gzip
    assert {(each.mtime, each.uid, each.gid, each.uname, each.gname, each.mode) for each in entries} == {
        (0, 0, 0, "", "", 0o644)
    }


def test_manifest(files: Files) -> None:
    """The manifest says what a package tool needs, under our own name and the distribution's version and licence."""
    manifest = files["package/package.json"]

    assert manifest["name"] == "org.fhir-alliance.alliance"
    assert (manifest["version"], manifest["license"]) == (metadata("fhir-alliance")["Version"], "Apache-2.0")
    assert (manifest["type"], manifest["fhirVersions"]) == ("IG", ["4.0.1"])
    assert manifest["canonical"] == CANONICAL_BASE
    assert manifest["dependencies"]["hl7.fhir.us.core"] == "6.1.0"
    assert all(manifest[key] for key in ("url", "title", "description", "author"))


def test_index_lists_every_file(files: Files) -> None:
    """Each folder's index names its resources with their type, id, url and version, and nothing else."""
    for folder in {name.rpartition("/")[0] for name in files}:
        inside = {name for name in files if name.rpartition("/")[0] == folder}
        index = files[f"{folder}/.index.json"]

        assert index["index-version"] == 2
        assert {f"{folder}/{each['filename']}" for each in index["files"]} == inside - {
            f"{folder}/.index.json",
            "package/package.json",
        }
        for entry in index["files"]:
            resource = files[f"{folder}/{entry['filename']}"]
            assert entry["filename"] == f"{resource['resourceType']}-{resource['id']}.json"
            assert {key: resource.get(key) for key in entry if key != "filename"} == {
                key: value for key, value in entry.items() if key != "filename"
            }


def test_every_definition_says_what_it_is(files: Files) -> None:
    """Each has url, version, status, date, publisher and the rest (P03), with ours in its own address."""
    found = definitions_of(files)

    assert len(found) > 20
    for each in found:
        for key in ("version", "status", "name", "title", "date", "publisher", "description", "jurisdiction"):
            assert each[key], f"{each['url']} {key}"
        assert isinstance(each["experimental"], bool)
        assert each["url"].startswith(f"{CANONICAL_BASE}/{each['resourceType']}/")
        assert each["name"][0].isupper() or each["resourceType"] == "ViewDefinition"


def test_guide_lists_everything(files: Files) -> None:
    """The ImplementationGuide names each resource once, with its profile when it is an example of ours."""
    guide = files["package/ImplementationGuide-org.fhir-alliance.alliance.json"]

    listed = {each["reference"]["reference"]: each for each in guide["definition"]["resource"]}

    # A view is no resource of R4: it is listed as the guide of SQL on FHIR lists its own.
    there = {
        f"{each['resourceType']}/{each['id']}".replace("ViewDefinition/", "Binary/") for each in resources_of(files)
    }
    assert len(listed) == len(guide["definition"]["resource"])
    assert listed.keys() == there - {"ImplementationGuide/org.fhir-alliance.alliance"}
    assert listed["Binary/alliance-score"]["extension"][1]["valueString"].endswith("/ViewDefinition")
    score = listed["Observation/gad-7-patient-all-total"]
    assert score["exampleCanonical"] == f"{CANONICAL_BASE}/StructureDefinition/alliance-score|{guide['version']}"
    assert listed["Patient/example-patient"]["exampleBoolean"] is True


def test_questionnaires_of_what_is_ready(files: Files) -> None:
    """Every form of every ready instrument is there, and none of an instrument that waits for words."""
    ready = [each for each in installed(None).instruments if readiness(each, today=TODAY).state is State.READY]

    found = {each["url"] for each in files.values() if each.get("resourceType") == "Questionnaire"}

    assert found == {form.url for instrument in ready for form in instrument.forms}


def test_every_resource_has_the_shape_of_fhir(files: Files, package: Package) -> None:
    """The models of FHIR R4 accept each resource; a ViewDefinition is no resource of R4."""
    from fhir.resources.R4B import get_fhir_model_class

    found = resources_of(files)

    assert len(found) == package.resources
    for each in found:
        assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", each["id"])
        if each["resourceType"] != "ViewDefinition":
            get_fhir_model_class(each["resourceType"]).model_validate(each)


def test_references_lead_somewhere(files: Files) -> None:
    """Whatever an example refers to is in the package, and nothing waits for a server to resolve it."""
    found = resources_of(files)
    there = {f"{each['resourceType']}/{each['id']}" for each in found}
    examples = [each for name, each in files.items() if name.startswith("package/example/") and "resourceType" in each]

    named = set(values_of(examples, "reference"))

    assert {"Patient/example-patient", "Practitioner/example-therapist", "Encounter/example-visit"} <= named <= there


def test_our_canonicals_lead_somewhere(files: Files) -> None:
    """Each pinned address of ours is a definition of the package in that version."""
    found = resources_of(files)
    there = {f"{each['url']}|{each['version']}" for each in found if "url" in each}
    pinned = {
        text for text in texts_of(found) if re.fullmatch(rf"{re.escape(CANONICAL_BASE)}/[A-Z]\w+/[\w.-]+\|[\w.]+", text)
    }

    assert len(pinned) > 5
    assert pinned <= there


def values_of(value: Any, key: str) -> Iterator[str]:
    """Walk the values of one key."""
    if isinstance(value, dict):
        if isinstance(value.get(key), str):
            yield value[key]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from values_of(part, key)


def texts_of(value: Any) -> Iterator[str]:
    """Walk every text of a resource."""
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts_of(part)
