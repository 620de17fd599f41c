"""A site's own words are in its package where their licence allows it, and nowhere else."""

from pathlib import Path

import pytest

from fhir_alliance.conformance.package import Package, build_package
from fhir_alliance.errors import InvalidDefinition
from fhir_alliance.instruments.catalogue import Catalogue, installed
from tests.packs import wai_sr

from .packed import TODAY, files_of

PACK = wai_sr(expires="2026-12-31", in_ehr=True)


def with_pack(folder: Path, text: str = PACK) -> Catalogue:
    """Return the catalogue of a site with one pack."""
    (folder / "wai-sr.en.yaml").write_text(text, "utf-8")
    return installed(folder)


@pytest.fixture(scope="module")
def package() -> Package:
    """Make the package of what ships."""
    return build_package(installed(None), today=TODAY)


def test_words_a_licence_allows_are_in(tmp_path: Path, package: Package) -> None:
    """A site's words that may be in the EHR are in the package, which then has a version of its own."""
    made = build_package(with_pack(tmp_path), today=TODAY)

    questionnaire = files_of(made)["package/Questionnaire-wai-sr-patient-all-1-0-0.json"]
    assert questionnaire["description"] == installed(None).instrument("wai-sr").source
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
