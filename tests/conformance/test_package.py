"""The FHIR package: whole, the same bytes each time, and every code of ours defined in it."""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest

from fhir_alliance.conformance.codes import alliance_codes
from fhir_alliance.conformance.package import Package, build_package
from fhir_alliance.errors import InvalidDefinition
from fhir_alliance.instruments.catalogue import Catalogue, installed, shipped
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.readiness import State, readiness
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Scorer
from fhir_alliance.terms import CANONICAL_BASE

TODAY = date(2026, 11, 24)
Files = dict[str, Any]

# The words are ours, not the instrument's: only their shape matters.
PACK = """\
instrument: wai-sr
version: 1.0.0
language: en
provenance: {author: A licensed site, method: original}
copyright: "© the holder, used with permission"
anchors: {minimum: seldom, maximum: always}
sections: {all: Our work}
forms: {all: whole form}
raters: {patient: patient}
instructions: {patient: Choose one.}
options: {"1": seldom, "2": sometimes, "3": fairly often, "4": very often, "5": always}
licence: {holder: The holder, reference: Letter 17, expires: 2026-12-31, modes: [screen], item_text_in_ehr: true}
items:
""" + "".join(f'  "{number}": {{patient: Placeholder {number}}}\n' for number in range(1, 13))


def files_of(package: Package) -> Files:
    """Return the content of every file of a package by its path."""
    with tarfile.open(fileobj=io.BytesIO(package.data), mode="r:gz") as archive:
        names = archive.getnames()
        assert names == sorted(set(names))
        return {name: json.loads(archive.extractfile(name).read()) for name in names}  # type: ignore[union-attr]


def definitions_of(files: Files) -> list[dict[str, Any]]:
    """Return the definitions, without manifest, index and examples."""
    special = ("package/package.json", "package/.index.json")
    return [each for name, each in files.items() if name not in special and name.count("/") == 1]


def codings(value: Any) -> Iterator[dict[str, Any]]:
    """Walk every coding of a resource."""
    if isinstance(value, dict):
        if "system" in value and "code" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from codings(part)


def with_pack(folder: Path, text: str = PACK) -> Catalogue:
    """Return the catalogue of a site with one pack."""
    (folder / "wai-sr.en.yaml").write_text(text, "utf-8")
    return installed(folder)


@pytest.fixture(scope="module")
def package() -> Package:
    """Make the package of what ships."""
    return build_package(shipped(), today=TODAY)


@pytest.fixture(scope="module")
def files(package: Package) -> Files:
    """Read it."""
    return files_of(package)


def test_same_bytes_elsewhere(package: Package) -> None:
    """Another process with another hash seed, time zone and day makes the same bytes."""
    program = (
        "from datetime import date; from fhir_alliance.conformance.package import build_package; "
        "from fhir_alliance.instruments.catalogue import shipped; "
        "print(build_package(shipped(), today=date(2030, 1, 1)).digest)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Kolkata", "LC_ALL": "C"}

    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == package.digest


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
    ready = [each for each in shipped().instruments if readiness(each, today=TODAY).state is State.READY]

    found = {each["url"] for each in files.values() if each.get("resourceType") == "Questionnaire"}

    assert found == {form.url for instrument in ready for form in instrument.forms}


def resources_of(files: Files) -> list[dict[str, Any]]:
    """Return all resources, definitions and examples."""
    return [each for each in files.values() if "resourceType" in each]


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


READY = [
    (instrument, form)
    for instrument in shipped().instruments
    if readiness(instrument, today=TODAY).state is State.READY
    for form in instrument.forms
]


@pytest.mark.parametrize(("instrument", "form"), READY, ids=lambda each: each.name)
@pytest.mark.parametrize("option", [0, -1], ids=["first", "last"])
def test_every_code_of_a_record_is_defined(
    files: Files, make_submission: Callable[..., Submission], instrument: Instrument, form: Form, option: int
) -> None:
    """Whatever a form writes: each coding in a system of ours is in the package, with the same words."""
    given = {item.link_id: item.options[option].code for item in form.items}
    submission = make_submission(
        given, instrument=instrument, rater=form.rater, form=form.form, scores=Scorer(form).score(Answers(given=given))
    )
    defined = {
        (system["url"], concept["code"]): concept["display"]
        for system in files.values()
        if system.get("resourceType") == "CodeSystem"
        for concept in system["concept"]
    }

    written = [each for each in codings(write_bundle(submission)) if each["system"].startswith(CANONICAL_BASE)]

    assert {each["system"] for each in written} == {instrument.answers_system, f"{CANONICAL_BASE}/CodeSystem/alliance"}
    assert {(each["system"], each["code"]): each["display"] for each in written}.items() <= defined.items()


def test_code_systems_are_complete_and_unambiguous(files: Files) -> None:
    """No code stands twice, the count is right, and codes of drafts are not there."""
    systems = [each for each in files.values() if each.get("resourceType") == "CodeSystem"]
    drafts = {each.name for each in shipped().instruments if each.status == State.DRAFT}

    assert len(systems) > 1
    for each in systems:
        codes = [concept["code"] for concept in each["concept"]]
        assert len(codes) == len(set(codes)) == each["count"]
        assert not drafts & set(codes)


def test_value_sets_hold_what_is_defined(files: Files) -> None:
    """A value set names its code system with its version, and only codes that are in it."""
    systems = {each["url"]: each for each in files.values() if each.get("resourceType") == "CodeSystem"}
    value_sets = [each for each in files.values() if each.get("resourceType") == "ValueSet"]

    assert {each["id"] for each in value_sets} >= {"alliance-panels", "alliance-scores", "alliance-methods"}
    for each in value_sets:
        (include,) = each["compose"]["include"]
        system = systems[include["system"]]
        assert include["version"] == system["version"]
        known = {concept["code"]: concept["display"] for concept in system["concept"]}
        assert {code["code"]: code["display"] for code in include.get("concept", [])}.items() <= known.items()


def test_reviewed_translations_are_designations(check_in: Instrument) -> None:
    """A code is said in another language once a named person has reviewed it."""
    reviewed = replace(check_in.wordings["de"], reviewed_by="A. Reviewer")
    instrument = replace(check_in, wordings={**check_in.wordings, "de": reviewed})
    files = files_of(build_package(Catalogue(instruments=(instrument,), faults=()), today=TODAY))

    concepts = {each["code"]: each for each in files["package/CodeSystem-alliance.json"]["concept"]}
    answers = {each["code"]: each for each in files["package/CodeSystem-visit-check-in-answers.json"]["concept"]}

    assert [each["language"] for each in concepts["visit-check-in-core"]["designation"]] == ["de"]
    assert answers["a-little"]["designation"] == [{"language": "de", "value": reviewed.option("a-little")}]


def test_the_newest_version_words_a_code(check_in: Instrument) -> None:
    """Versions share the codes of panel and scores; each has a method of its own, and the older one is retired."""
    older = replace(check_in, version="1.9.0", status="retired")
    newer = replace(check_in, version="1.10.0")

    found = {each.code: each for each in alliance_codes([newer, older])}

    assert (found["visit-check-in-core"].status, found["visit-check-in-1.10.0"].status) == ("active", "active")
    assert found["visit-check-in-1.9.0"].status == "retired"


def test_words_a_licence_allows_are_in(tmp_path: Path, package: Package) -> None:
    """A site's words that may be in the EHR are in the package, which then has a version of its own."""
    made = build_package(with_pack(tmp_path), today=TODAY)

    questionnaire = files_of(made)["package/Questionnaire-wai-sr-patient-all-1-0-0.json"]
    assert questionnaire["description"] == shipped().instrument("wai-sr").source
    assert [each.name for each in made.chosen.licensed] == ["wai-sr"]
    assert made.version.startswith(f"{package.version}+site.")
    assert made.chosen.left_out == ()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("item_text_in_ehr: true", "item_text_in_ehr: false", "keeps its words out of the EHR"),
        ("2026-12-31", "2026-11-23", "licence expired"),
        ("modes: [screen]", "modes: [paper]", "licence for paper only"),
    ],
)
def test_words_a_licence_does_not_allow_are_left_out(
    tmp_path: Path, package: Package, old: str, new: str, reason: str
) -> None:
    """Other words stay out, which is said, and the package is the one without them."""
    made = build_package(with_pack(tmp_path, PACK.replace(old, new)), today=TODAY)

    assert made.data == package.data
    assert len(made.chosen.left_out) == 1
    assert reason in made.chosen.left_out[0]


def test_words_in_one_other_language(tmp_path: Path) -> None:
    """An instrument whose only words are not English is published in these."""
    (tmp_path / "wai-sr.de.yaml").write_text(PACK.replace("language: en", "language: de"), "utf-8")

    files = files_of(build_package(installed(tmp_path), today=TODAY))

    assert files["package/Questionnaire-wai-sr-patient-all-1-0-0.json"]["language"] == "de"


LINES = """\
instrument: ors
version: 1.0.0
language: en
provenance: {author: A licensed site, method: original}
copyright: "© the holder, used with permission"
anchors: {minimum: low, maximum: high}
sections: {all: Last week}
forms: {all: whole form}
raters: {patient: patient}
instructions: {patient: Mark each line.}
licence: {holder: The holder, reference: Letter 18, modes: [screen], item_text_in_ehr: true}
items:
  "1": {patient: Placeholder 1}
  "2": {patient: Placeholder 2}
  "3": {patient: Placeholder 3}
  "4": {patient: Placeholder 4}
"""


def test_an_instrument_of_lines(tmp_path: Path) -> None:
    """A line between two ends has no answers to code; its example is marked in the middle, and scored."""
    (tmp_path / "ors.en.yaml").write_text(LINES, "utf-8")

    files = files_of(build_package(installed(tmp_path), today=TODAY))

    response = files["package/example/QuestionnaireResponse-ors-patient-all-response.json"]
    score = files["package/example/Observation-ors-patient-all-total.json"]
    assert "package/CodeSystem-ors-answers.json" not in files
    assert response["item"][0]["item"][0]["answer"] == [{"valueDecimal": 5}]
    assert score["valueQuantity"]["value"] == 20


def test_a_faulty_pack_makes_no_package(tmp_path: Path) -> None:
    """A package is whole or not made: the fault is told with its place."""
    with pytest.raises(InvalidDefinition, match=r"wai-sr\.en\.yaml:\d+"):
        build_package(with_pack(tmp_path, PACK.replace("raters:", "ratters:")), today=TODAY)
