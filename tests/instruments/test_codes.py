"""What others call our scores: only exact codes, with good check digits, and SNOMED CT only where a site may use it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fhir_alliance.instruments.catalogue import installed, read_catalogue, shipped
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.facts import Code
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.terms import ALLIANCE, LOINC, LOINC_NOTICE, SNOMED
from fhir_alliance.trajectory.series import read_series

# instruments.md, section 4, tag S: (system, code, score), "" for the panel.
CODES = {
    "gad-7": {(LOINC, "69737-5", ""), (LOINC, "70274-6", "total"), (SNOMED, "445455005", "total")},
    "phq-4": {(LOINC, "69724-3", ""), (LOINC, "70272-0", "total")},
    "phq-9": {(LOINC, "44249-1", ""), (LOINC, "44261-6", "total"), (SNOMED, "720433000", "total")},
    "srs": {(SNOMED, "720482000", "total")},
    "ors": {(SNOMED, "716613004", "total")},
    "gsrs": {(SNOMED, "718441000", "total")},
    "csrs": {(SNOMED, "718762000", "total")},
}
ALL_CODES = [pytest.param(code, id=code.code) for each in shipped().instruments for code in each.codes]

# Verhoeff's scheme: the dihedral group of ten elements, and the permutation of each place.
_GROUP = [[(a + b) % 5 + 5 * (b > 4) if a < 5 else (a - b) % 5 + 5 * (b < 5) for b in range(10)] for a in range(10)]
_FIRST = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def mod_10(code: str) -> bool:
    """Whether the check digit of a LOINC code is right: Luhn's Mod 10 (LOINC Users' Guide, appendix C)."""
    number, _, check = code.partition("-")
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(number))]
    return (sum(value // 10 + value % 10 for value in doubled) + int(check)) % 10 == 0


def verhoeff(code: str) -> bool:
    """Whether the check digit of a SNOMED CT identifier is right (Verhoeff 1969)."""
    check = 0
    for place, digit in enumerate(reversed(code)):
        value = int(digit)
        for _ in range(place % 8):
            value = _FIRST[value]
        check = _GROUP[check][value]
    return check == 0


@pytest.mark.parametrize("instrument", [pytest.param(each, id=each.name) for each in shipped().instruments])
def test_codes_are_those_of_the_reference(instrument: Instrument) -> None:
    """Each instrument has exactly the codes that were found for it, each of its panel or of a score."""
    found = {(code.system, code.code, code.scale) for code in instrument.codes}

    assert found == CODES.get(instrument.name, set())
    assert {code.scale for code in instrument.codes} <= {"", *(scale.name for scale in instrument.scales)}
    assert not instrument.codes or instrument.evidence["codes"].tag == "S"


@pytest.mark.parametrize("code", ALL_CODES)
def test_check_digit(code: Code) -> None:
    """No code was mistyped, and one in which any digit is changed would be noticed."""
    check = {LOINC: mod_10, SNOMED: verhoeff}[code.system]
    changed = [
        code.code[:place] + digit + code.code[place + 1 :]
        for place, old in enumerate(code.code)
        for digit in "0123456789"
        if old != "-" and digit != old
    ]

    assert check(code.code)
    assert not any(map(check, changed))


def test_snomed_only_where_the_site_may_use_it(tmp_path: Path) -> None:
    """Its codes need a licence of the site: by default none is there, with or without a folder of words."""
    without = [installed(None), installed(tmp_path)]

    systems = [{code.system for each in found.instruments for code in each.codes} for found in without]

    assert systems == [{LOINC}, {LOINC}]
    assert installed(None, snomed=True) is shipped()


def codings(submission: Submission) -> dict[str, list[str]]:
    """Return the codes of each Observation by its code in our own system, which comes first."""
    written = [entry["resource"] for entry in write_bundle(submission)["entry"]]
    found = [each["code"]["coding"] for each in written if each["resourceType"] == "Observation"]
    assert all(each[0]["system"] == ALLIANCE for each in found)
    return {each[0]["code"]: [coding["code"] for coding in each[1:]] for each in found}


@pytest.mark.parametrize(("snomed", "more"), [(False, []), (True, ["445455005"])])
def test_scores_carry_the_codes_after_our_own(
    make_submission: Callable[..., Submission], snomed: bool, more: list[str]
) -> None:
    """Panel and score of the GAD-7 can be found by LOINC, and by SNOMED CT where that is switched on."""
    gad7 = installed(None, snomed=snomed).instrument("gad-7")
    given = {str(item): "several-days" for item in range(1, 8)}

    found = codings(make_submission(given, instrument=gad7, form="all"))

    assert found == {"gad-7": ["69737-5"], "gad-7-total": ["70274-6", *more]}


def test_our_own_reader_takes_our_own_code(make_submission: Callable[..., Submission]) -> None:
    """A score with codes of others is read back as the same series."""
    gad7 = installed(None, snomed=True).instrument("gad-7")
    given = {str(item): "several-days" for item in range(1, 8)}
    written = write_bundle(make_submission(given, instrument=gad7, form="all"))["entry"]
    observations = [each["resource"] for each in written if each["resource"]["resourceType"] == "Observation"]

    (series,) = read_series(observations, (), gad7, patient="maria-lopez")

    assert (series.code, [int(point.value or 0) for point in series.points]) == ("gad-7-total", [7])


def test_codes_are_of_the_patients_view(make_submission: Callable[..., Submission]) -> None:
    """A therapist's rating is something else, so it has no code of others."""
    gad7 = shipped().instrument("gad-7")

    assert gad7.other_codings(Rater.THERAPIST, "total") == []
    assert gad7.other_codings(Rater.PATIENT, "none") == []


def test_questionnaire_carries_the_code_and_its_notice(check_in: Instrument) -> None:
    """A published form is found by LOINC and says whose codes these are; one without such a code says nothing."""
    gad7 = shipped().instrument("gad-7")

    form, other = (build_questionnaire(each, each.forms[0]) for each in (gad7, check_in))

    assert [coding["code"] for coding in form["code"]] == ["gad-7", "69737-5"]
    assert form["copyright"].endswith(LOINC_NOTICE)
    assert form["copyright"].startswith("Copyright © Pfizer Inc.")
    assert "LOINC" not in other["copyright"]


def test_snomed_never_changes_what_is_published() -> None:
    """Switching SNOMED CT on does not change a Questionnaire, so a published version stays what it is."""
    forms = [
        build_questionnaire(each, each.forms[0])
        for snomed in (False, True)
        for each in [installed(None, snomed=snomed).instrument("phq-9")]
    ]

    assert forms[0] == forms[1]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("for: total}", "for: sum}", "codes.1.for: is neither panel nor a score"),
        ("system: loinc", "system: icd", "codes.0.system: Must be one of: loinc, snomed."),
        ('code: "69737-5"', 'code: "69737-five"', "codes.0.code: is no such code"),
    ],
)
def test_code_fault_names_its_place(tmp_path: Path, old: str, new: str, fault: str) -> None:
    """A code of an unknown system, of no score, or of no such shape is refused where it stands."""
    folder = Path(__file__).parents[2] / "questionnaires" / "gad-7"
    (tmp_path / "gad-7").mkdir()
    for path in folder.iterdir():
        (tmp_path / "gad-7" / path.name).write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")

    (found,) = read_catalogue(tmp_path).faults

    assert found.startswith("gad-7/1.0.0.yaml:")
    assert found.endswith(fault)
