"""What a probe showed comes back from what is kept as it was, and leads to the right rung."""

import pytest

from fhir_alliance.delivery.retracting import why_not
from fhir_alliance.ehr.probed import CREATE, LABEL, READ, RETRACT, Left, Probed, Tried, Verdict, read_probed
from fhir_alliance.ehr.rungs import next_rung, not_granted, unchangeable
from fhir_alliance.settings import Rung
from smart_app.doctor.probe_table import probe_table

TRIED = (
    Tried(what="QuestionnaireResponse", step=CREATE, verdict=Verdict.WORKS),
    Tried(what="QuestionnaireResponse", step=READ, verdict=Verdict.FAILS, why="changed-by-ehr"),
    Tried(what="Observation", step=CREATE, verdict=Verdict.PENDING, why="in-review"),
    Tried(what="Observation", step=RETRACT, verdict=Verdict.FAILS, why="http-405"),
)
LEFT = (Left(place="Observation/1", why="http-405", key="k"), Left(place="QuestionnaireResponse", why="", key="k"))
WORKING = Probed(rung=Rung.OBSERVATIONS, verdict=Verdict.WORKS, why="")


def test_it_is_kept_as_it_was() -> None:
    """Facts have no order: types and steps come back in theirs."""
    probed = Probed(rung=Rung.OBSERVATIONS, verdict=Verdict.FAILS, why="changed-by-ehr", tried=TRIED, left=LEFT)

    assert read_probed(probed.facts) == probed
    assert read_probed(sorted(probed.facts, reverse=True)) == probed


@pytest.mark.parametrize(
    ("changes", "settled"),
    [
        ({}, True),
        ({"rung": Rung.HOLD, "verdict": Verdict.UNTRIED}, True),
        ({"left": LEFT[:1]}, False),
        ({"verdict": Verdict.PENDING}, False),
        ({"verdict": Verdict.OPEN}, False),
        ({"tried": (Tried(what="Observation", step=LABEL, verdict=Verdict.FAILS, why="label-dropped R"),)}, False),
        ({"tried": TRIED[:1]}, True),
    ],
)
def test_when_nobody_has_to_do_anything(changes: dict[str, object], settled: bool) -> None:
    """A person is needed for all that was left, not settled, or lost its label."""
    assert Probed(**{"rung": WORKING.rung, "verdict": WORKING.verdict, "why": "", **changes}).settled is settled


@pytest.mark.parametrize(
    ("rung", "facts", "lower"),
    [
        (Rung.OBSERVATIONS, {"Observation create", "DocumentReference create"}, Rung.FLOWSHEET),
        (Rung.OBSERVATIONS, {"DocumentReference create"}, Rung.NOTE),
        (Rung.FLOWSHEET, {"Observation create", "DocumentReference create"}, Rung.NOTE),
        (Rung.NOTE, {"Observation create", "DocumentReference create"}, Rung.HOLD),
    ],
)
def test_the_next_rung_is_a_lower_one(rung: Rung, facts: set[str], lower: Rung) -> None:
    """What was refused is not advised again, whatever the EHR states."""
    assert next_rung(rung, frozenset(facts)) is lower


def test_what_will_stay() -> None:
    """Each type that a rung writes needs its own word for being changed."""
    facts = frozenset({"Observation update"})

    assert unchangeable(Rung.OBSERVATIONS, facts) == ["QuestionnaireResponse"]
    assert unchangeable(Rung.FLOWSHEET, facts) == []
    assert unchangeable(Rung.HOLD, facts) == []


def test_scopes_in_both_grammars() -> None:
    """Every letter counts, and v1 has its own words for them."""
    wanted = ["system/Observation.crus"]

    assert not_granted(wanted, frozenset({"system/Observation.rs"})) == wanted
    assert not_granted(wanted, frozenset({"system/Observation.rs", "system/*.cu"})) == []
    assert not_granted(wanted, frozenset({"system/*.read", "system/*.write"})) == []
    assert not_granted(wanted, frozenset({"user/Observation.crus"})) == wanted


def test_a_fault_of_ours_has_a_name() -> None:
    """What nobody foresaw is told as such, without its words: they may hold a patient's."""
    probed = Probed(rung=Rung.NOTE, verdict=Verdict.OPEN, why=why_not(KeyError("Maria")))

    assert "could not be found out: this program failed." in " ".join(probe_table(probed, frozenset()))
