"""Definitions are read whole or refused whole, and every fault says file, line and reason."""

import tracemalloc
from importlib.resources import files
from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidDefinition
from fhir_alliance.instruments.catalogue import Catalogue, read_catalogue, shipped
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.source import MAX_BYTES
from fhir_alliance.instruments.words import Rater

WEIGHT = "scores.0.weights.0.weight: must be above 0 and at most 100, with at most 4 decimals"
SHIPPED = files("questionnaires") / "visit-check-in"
DEFINITION = (SHIPPED / "1.0.0.yaml").read_text("utf-8")
WORDING = (SHIPPED / "1.0.0.en.yaml").read_text("utf-8")


def catalogue_faults(tmp_path: Path, definition: str | bytes = DEFINITION, wording: str = WORDING) -> list[str]:
    """Write both files as an instrument of a site, beside an intact one, and return the faults of the catalogue."""
    intact = [(files("questionnaires") / "gad-7" / name).read_text("utf-8") for name in ("1.0.0.yaml", "1.0.0.en.yaml")]
    for name, first, second in (("broken", definition, wording), ("intact", *intact)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "1.0.0.yaml").write_bytes(first if isinstance(first, bytes) else first.encode())
        (folder / "1.0.0.en.yaml").write_text(second, "utf-8")
    catalogue = read_catalogue(tmp_path)
    assert [each.name for each in catalogue.instruments][-1:] == ["gad-7"]
    return list(catalogue.faults)


def line_of(text: str, part: str) -> int:
    """Return the line that holds a part."""
    return text[: text.index(part)].count("\n") + 1


def test_what_ships_has_no_fault() -> None:
    """Every definition that comes with the product loads."""
    assert shipped().faults == ()


def test_forms_and_codes(check_in: Instrument) -> None:
    """Core and full form share the core score; patient and therapist never share a code."""
    core, full = check_in.form(Rater.PATIENT, "core"), check_in.form(Rater.PATIENT, "full")

    assert [scale.name for scale in core.scales] == ["core"]
    assert full.scales[0].name == "core"
    assert check_in.code(Rater.PATIENT, "core") == "visit-check-in-core"
    assert check_in.code(Rater.THERAPIST, "core") == "visit-check-in-therapist-core"
    assert check_in.display(Rater.THERAPIST, "core") == "Visit check-in core score, therapist's guess"
    with pytest.raises(KeyError):
        check_in.form(Rater.PATIENT, "weekly")


@pytest.mark.parametrize("visit", [3, 4, 10, 16])
def test_long_form_is_advised(check_in: Instrument, visit: int) -> None:
    """The long form is advised at visits 3 and 4 and then at every sixth."""
    assert check_in.advised_form(visit) == "full"


@pytest.mark.parametrize("visit", [None, 1, 2, 5, 9, 11])
def test_short_form_is_advised(check_in: Instrument, visit: int | None) -> None:
    """The short form is advised at every other visit, and when the visit is not known."""
    assert check_in.advised_form(visit) == "core"


def test_look_up_by_name_and_canonical(check_in: Instrument) -> None:
    """An instrument is found by name and version, a form by its pinned canonical; anything else is a clear error."""
    catalogue = shipped()

    assert catalogue.instrument("visit-check-in", "1.0.0") == check_in
    assert catalogue.of_form(check_in.forms[0].canonical) == (check_in, check_in.forms[0])
    with pytest.raises(InvalidDefinition, match=r"no instrument visit-check-in 9\.0\.0"):
        catalogue.instrument("visit-check-in", "9.0.0")
    with pytest.raises(InvalidDefinition, match="no form"):
        catalogue.of_form("https://fhir-alliance.org/fhir/Questionnaire/visit-check-in-patient-core")


def precision(*scores: str, sd: str = "1.5", kind: str = "alpha", origin: str = "published") -> str:
    """Return the figures of some scores as a definition has them, with the part that comes after them."""
    known = f"rater: patient, sd: {sd}, reliability: 0.9, kind: {kind}, origin: {origin}, population: p, source: s"
    lines = "".join(f"  - {{score: {score}, {known}}}\n" for score in scores)
    return f"precision:\n{lines}raw_facts:"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("decimals: 4", "decimals: four", "decimals: Not a valid integer."),
        ("decimals: 4", "decimals: 4\ncolour: red", "colour: Unknown field."),
        ("validated: false", 'validated: "no"', "validated: Not a valid boolean."),
        ("version: 1.0.0", "version: first", "version: use a semantic version such as 1.0.0"),
        ("min_answered: 5}", "min_answered: 7}", "scores.0.min_answered: is more than the 6 items of the scale"),
        ('items: ["5", "10"]', 'items: ["5", "13"]', "scores.3.items: 13 is not an item"),
        ('- {id: "12", section', '- {id: "11", section', "items: 11 occurs more than once"),
        ("kind: numbers, ", "kind: options, ", "answers.kind: needs exactly options"),
        (
            "numbers, minimum: 0, maximum: 10",
            "options, options: [{code: a, value: 1}, {code: a, value: 2}]",
            "one code",
        ),
        ("decimals: 4", "decimals: 4\nnumbered: 12", "items: needs exactly one of items and numbered"),
        ("decimals: 4", "decimals: 4\nreversed: ['13']", "reversed: 13 is not an item"),
        ("decimals: 4", "decimals: 4\nreversed: ['1']", "evidence.reversed: has no evidence"),
        ("scores: {tag: D", "scores: {tag: M", "evidence.scores.tag: is only remembered (M)"),
        ("minimum: 0, maximum: 10", "minimum: 5, maximum: 5", "answers.maximum: must be above minimum by 1 to 100"),
        ("{question: harder, any_of", "{question: talk, any_of", "names no option of a question asked before it"),
        ("- {item: harder, any_of", "- {item: softer, any_of", "needs a known item and exactly one of"),
        ("instrument: visit-check-in", "instrument: visit-check-in\ninstrument: twice", "every key must be a word"),
        ("source: Written", "source: &a Written", None),
        ("source: Written from", "source: *a # ", "aliases are not accepted"),
        (
            "min_answered: 5}",
            "min_answered: 5, weights: [{items: ['1', '2'], weight: 2}, {items: ['2'], weight: 3}]}",
            "scores.0.weights.1.items: 2 has a weight already: weights may not overlap",
        ),
        (
            "min_answered: 5}",
            "min_answered: 5, weights: [{items: ['7'], weight: 2}]}",
            "scores.0.weights.0.items: 7 is not in the scale",
        ),
        ("min_answered: 5}", "min_answered: 5, weights: [{items: ['1'], weight: 0}]}", WEIGHT),
        ("min_answered: 5}", "min_answered: 5, weights: [{items: ['1'], weight: -2}]}", WEIGHT),
        ("min_answered: 5}", "min_answered: 5, weights: [{items: ['1'], weight: 100.5}]}", WEIGHT),
        ("min_answered: 5}", "min_answered: 5, weights: [{items: ['1'], weight: 0.00005}]}", WEIGHT),
        ("min_answered: 5}", "min_answered: 5, weights: [{items: ['1'], weight: 1e-999999999}]}", WEIGHT),
        ("min_answered: 5}", "min_answered: 5, weights: [{items: ['1'], weight: NaN}]}", "scores.0.weights.0.weight: "),
        ("min_answered: 5}", "min_answered: 5, weights: [{items: ['1'], weight: 1.5}]}", None),
        ("min_answered: 5}", "min_answered: 5, multiplier: 0}", "scores.0.multiplier: must be above 0"),
        ("min_answered: 5}", "min_answered: 5, multiplier: 2.5}", None),
        ("raw_facts:", precision("core"), "evidence.precision: has no evidence"),
        ("raw_facts:", precision("none"), "precision.0.score: is no score by a patient"),
        ("raw_facts:", precision("core", sd="0"), "precision.0.sd: a standard deviation is above 0"),
        ("raw_facts:", precision("core", origin="site"), "precision.0.origin: a site's own figures stand in a file"),
        ("raw_facts:", precision("core", kind="other"), "precision.0.kind: Must be one of: alpha, retest."),
        ("raw_facts:", precision("core", "core"), "precision.1.score: has its figures already"),
        pytest.param("decimals: 4", f"decimals: {'[' * 33}4{']' * 33}", "nested deeper than 32", id="deep"),
        pytest.param("decimals: 4", f"decimals: {'{a: ' * 9000}4{'}' * 9000}", "nested deeper than 32", id="very deep"),
        ("decimals: 4", "decimals: [4", "expected ',' or ']'"),
        ("decimals: 4", "decimals: \x07", "characters that YAML does not allow"),
    ],
)
def test_definition_fault_names_file_line_and_reason(tmp_path: Path, old: str, new: str, reason: str | None) -> None:
    """Each way to break a definition is refused with its file, a line and the reason; the intact one still loads."""
    faults = catalogue_faults(tmp_path, DEFINITION.replace(old, new, 1))

    if reason is None:
        assert faults == []
    else:
        assert any(fault.startswith("broken/1.0.0.yaml:") and reason in fault for fault in faults), faults


def test_every_fault_is_reported_at_its_line(tmp_path: Path) -> None:
    """Two faults in one file are both told, each at its own line."""
    broken = DEFINITION.replace("decimals: 4", "decimals: -1").replace("min_answered: 10", "min_answered: none")

    faults = catalogue_faults(tmp_path, broken)

    lines = {int(fault.split(":")[1]) for fault in faults}
    assert lines == {line_of(broken, "decimals: -1"), line_of(broken, "min_answered: none")}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("  our-work: About our work\n", "", "sections: has no words for our-work"),
        ("full: long form}", "full: long form, half: x}", "forms: half is not in the definition"),
        ("options: {", "scores: {core: kern}\noptions: {", "scores: has no words for full"),
        ("    therapist: My patient felt safe with me today.\n", "", "items.4: has no words for therapist"),
        ("version: 1.0.0", "version: 1.0.1", "version: is not the version of the definition it belongs to"),
        ("language: en", 'language: en\ntitle: ""', "title: is empty"),
    ],
)
def test_wording_fault_names_what_lacks(tmp_path: Path, old: str, new: str, reason: str) -> None:
    """Words that do not fit the definition are refused with what lacks or is too much."""
    faults = catalogue_faults(tmp_path, DEFINITION, WORDING.replace(old, new, 1))

    assert any(fault.startswith("broken/1.0.0.en.yaml:") and reason in fault for fault in faults), faults


def test_unreadable_files(tmp_path: Path) -> None:
    """A file that is not UTF-8 is refused at the line of the first bad byte."""
    faults = catalogue_faults(tmp_path, b"instrument: x\nversion: \xff\n")

    assert faults == ["broken/1.0.0.yaml:2: the file is not UTF-8"]


def test_huge_file(tmp_path: Path) -> None:
    """A file of 50 MB is refused without being read into memory."""
    folder = tmp_path / "broken"
    folder.mkdir()
    with (folder / "1.0.0.yaml").open("wb") as file:
        file.truncate(50_000_000)
    tracemalloc.start()

    faults = read_catalogue(tmp_path).faults

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert faults == ("broken/1.0.0.yaml:1: the file is larger than 256 KiB",)
    assert peak < 4 * MAX_BYTES


@pytest.mark.parametrize(
    ("link", "target", "fault"),
    [
        ("loop", "loop", "loop:1: is no folder that can be read"),
        ("one/1.0.0.yaml", "1.0.0.yaml", "one/1.0.0.yaml:1: is no file that can be read"),
        ("one/1.0.0.yaml", "..", "one/1.0.0.yaml:1: is no file that can be read"),
        ("one/1.0.0.yaml", "/proc/self/mem", "one/1.0.0.yaml:1: cannot be read: Input/output error"),
        ("one", "nowhere", "one:1: is no folder that can be read"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, link: str, target: str, fault: str) -> None:
    """A link that leads round in a circle or to nothing, a folder called a file, and a bad disk: each is told."""
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to(target)

    assert read_catalogue(tmp_path).faults == (fault,)


def test_folder_that_cannot_be_listed_is_told() -> None:
    """A folder that is not there has no instruments, and says so."""
    found = read_catalogue(Path("/nowhere"))

    assert (found.instruments, found.faults) == ((), ("nowhere:1: cannot be read: No such file or directory",))


def two_of_one_version(tmp_path: Path, definition: str, wording: str = WORDING) -> Catalogue:
    """Return a catalogue in which a second folder defines the same version, beside another instrument."""
    for name, first, second in (("first", DEFINITION, WORDING), ("second", definition, wording)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.0.0.yaml").write_text(first, "utf-8")
        (tmp_path / name / "1.0.0.en.yaml").write_text(second, "utf-8")
    (tmp_path / "srs").mkdir()
    (tmp_path / "srs" / "1.0.0.yaml").write_bytes((files("questionnaires") / "srs" / "1.0.0.yaml").read_bytes())
    return read_catalogue(tmp_path)


@pytest.mark.parametrize("part", ["definition", "wording"])
def test_one_version_with_two_contents_is_refused(tmp_path: Path, part: str) -> None:
    """Two files that say different things under one url and version are both refused; the rest still loads."""
    changed = {
        "definition": (DEFINITION.replace("min_answered: 5}", "min_answered: 4}"), WORDING),
        "wording": (DEFINITION, WORDING.replace("I felt safe", "I felt very safe")),
    }[part]

    found = two_of_one_version(tmp_path, *changed)

    line = line_of(DEFINITION, "version: 1.0.0")
    assert [each.name for each in found.instruments] == ["srs"]
    assert found.faults == (
        f"first/1.0.0.yaml:{line}: version: visit-check-in 1.0.0 is also in second/1.0.0.yaml, with other content",
        f"second/1.0.0.yaml:{line}: version: visit-check-in 1.0.0 is also in first/1.0.0.yaml, with other content",
    )


def test_one_version_twice_with_one_content(tmp_path: Path) -> None:
    """The same content twice, however it is written, is one version and no fault."""
    found = two_of_one_version(tmp_path, f"# A comment of the copy.\n{DEFINITION}")

    assert [each.name for each in found.instruments] == ["visit-check-in", "srs"]
    assert found.faults == ()


def test_definition_without_words(tmp_path: Path) -> None:
    """A definition alone cannot be shown, and says that its words are missing."""
    (tmp_path / "silent").mkdir()
    (tmp_path / "silent" / "1.0.0.yaml").write_text(DEFINITION)

    assert read_catalogue(tmp_path).faults == ("silent/1.0.0.yaml:2: there is no file with its words",)


def test_empty_file(tmp_path: Path) -> None:
    """An empty definition is a fault, not a crash."""
    assert catalogue_faults(tmp_path, b"") == ["broken/1.0.0.yaml:1: Invalid input type."]
