"""What is fixed about one synthetic patient or therapist."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Therapist:
    """One made-up therapist; `id` is the id of the Practitioner."""

    id: str
    given: str
    family: str
    gender: str

    @property
    def name(self) -> str:
        """The name as people say it."""
        return f"Dr. {self.given} {self.family}"


@dataclass(frozen=True, kw_only=True)
class Person:
    """One made-up patient and the course of the care; `id` is the id of the Patient.

    `visits` counts today's visit; `hour` is when visits start; `level` is what the patient usually answers (0 to 10,
    far above 10: every answer is 10); `turn` is the visit number at which the course turns; `missed` are visit numbers
    without an answered form; `skips` is the chance that an item is skipped; `left_days` are the days since the last
    visit of somebody who no longer comes (0: still in care); `guess_gap` is how far the therapist's guesses lie from
    the patient's answers, and `guessed` the chance of a guess at visits that do not ask for one.
    """

    id: str
    given: str
    family: str
    gender: str
    born: date
    mrn: str
    therapists: tuple[str, ...]
    hour: int
    course: str
    visits: int
    level: float = 8.0
    turn: int = 0
    missed: tuple[int, ...] = ()
    skips: float = 0.03
    left_days: int = 0
    guess_gap: float = -0.6
    guessed: float = 0.0

    @property
    def name(self) -> str:
        """The name as people say it."""
        return f"{self.given} {self.family}"

    def therapist_at(self, visit: int) -> Therapist:
        """Return who saw the patient at visit number `visit`: the last therapist from the turn on, the first before."""
        return THERAPISTS[self.therapists[-1] if visit >= self.turn else self.therapists[0]]


@dataclass(frozen=True, kw_only=True)
class Relative:
    """Somebody who may use the portal for one patient; `code` and `relationship` are of HL7's v3-RoleCode."""

    id: str
    given: str
    family: str
    gender: str
    code: str
    relationship: str
    patient: str

    @property
    def name(self) -> str:
        """The name as people say it."""
        return f"{self.given} {self.family}"


THERAPISTS: Mapping[str, Therapist] = {
    therapist.id: therapist
    for therapist in (
        Therapist(id="ada-okafor", given="Ada", family="Okafor", gender="female"),
        Therapist(id="ruth-abramowitz", given="Ruth", family="Abramowitz", gender="female"),
        Therapist(id="soren-lindqvist", given="Søren", family="Lindqvist", gender="male"),
        Therapist(id="mei-ling-chen", given="Mei-Ling", family="Chen", gender="female"),
        Therapist(id="james-calloway", given="James", family="Calloway", gender="male"),
    )
}


def people() -> tuple[Person, ...]:
    """Return the synthetic patients of `cast.toml`, in its order."""
    return tuple(
        Person(**row | {"therapists": tuple(row["therapists"]), "missed": tuple(row.get("missed", ()))})
        for row in _read()["people"]
    )


def relatives() -> tuple[Relative, ...]:
    """Return who may use the portal for somebody else."""
    return tuple(Relative(**row) for row in _read()["relatives"])


def _read() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("cast.toml").read_text("utf-8"))
