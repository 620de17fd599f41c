"""A site's file of figures: looked at by a person, of scores that there are, and before those of a definition."""

from decimal import Decimal
from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.precision import Origin
from fhir_alliance.trajectory.figures import OwnFigures, own_figures

FILE = """reviewed_by: Dr. Ada Okafor
figures:
  - instrument: wai-sr
    version: 1.0.0
    rater: patient
    score: total
    people: 143
    sd: 7.5
    reliability: 0.93
    kind: alpha
    population: first ratings at this clinic
    source: computed here
    early: {people: 120, mean: 48.5, between: 6, within: 3.25}
"""


def read(folder: Path, text: str) -> OwnFigures:
    """Return what a site's file says."""
    file = folder / "figures.yaml"
    file.write_text(text)
    return own_figures(file, shipped())


def test_a_sites_figures_go_before_those_of_the_definition(tmp_path: Path) -> None:
    """What the file has counts in place of what the definition has; of other scores the definition's stay."""
    wai, check_in = shipped().instrument("wai-sr"), shipped().instrument("visit-check-in")
    own = read(tmp_path, FILE)

    measured = own.in_place(shipped())
    found = measured.instrument("wai-sr").measured_here
    assert found is not None
    assert (found.sd, found.people, found.origin) == (Decimal("7.5"), 143, Origin.SITE)
    early = own.early_of(wai, "total")
    assert early is not None
    assert (early.mean, early.between, early.within, early.people) == (Decimal("48.5"), 6, Decimal("3.25"), 120)
    assert measured.instrument("visit-check-in") is check_in
    assert check_in.measured_here is own.early_of(check_in, "core") is None
    without = own_figures(None, shipped())
    assert without.in_place(shipped()) == shipped()
    assert wai.precision
    assert wai.measured_here is None
    assert without.early_of(wai, "total") is None


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("Dr. Ada Okafor", '""', "figures.yaml:1: reviewed_by: needs the name of who has looked at these figures"),
        ("people: 143", "people: 99", "figures.yaml:7: figures.0.people: a clinic's own figures need 100 people"),
        ("people: 120", "people: 99", "figures.0.early.people: a clinic's own figures need 100 people"),
        ("sd: 7.5", "sd: 0", "figures.yaml:8: figures.0.sd: must be above 0"),
        ("between: 6", "between: 0", "figures.0.early.between: must be above 0"),
        ("within: 3.25", "within: -1", "figures.0.early.within: Must be"),
        ("0.93", "-0.01", "figures.yaml:9: figures.0.reliability: Must be"),
        ("0.93", "1.01", "figures.yaml:9: figures.0.reliability: Must be"),
        ("1.0.0", "9.0.0", "figures.yaml:6: figures.0.score: wai-sr 9.0.0 has no such score by a patient"),
        ("rater: patient", "rater: therapist", "figures.0.early: is for the patients' ratings only"),
        ("kind: alpha", "kind: alpha\n    colour: red", "figures.0.colour: Unknown field."),
        ("figures:\n", "figures:\n" + FILE.partition("figures:\n")[2], "figures.1.score: has its figures already"),
    ],
)
def test_a_file_that_does_not_hold(tmp_path: Path, old: str, new: str, fault: str) -> None:
    """What nobody has looked at, what rests on too few and what belongs to no score is refused, with its line."""
    with pytest.raises(InvalidSettings) as caught:
        read(tmp_path, FILE.replace(old, new, 1))

    assert any(fault in each for each in caught.value.faults), caught.value.faults
