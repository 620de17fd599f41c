"""What a write probe found out about an EHR, as values and as facts that can be kept with their date."""

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from enum import StrEnum
from typing import Final

from fhir_alliance.settings import Rung

CREATE: Final = "create"
FIND: Final = "search by identifier"
READ: Final = "read back"
LABEL: Final = "label kept"
RETRACT: Final = "retract"
STEPS: Final = (CREATE, FIND, READ, LABEL, RETRACT)

_APART: Final = "\t"
_TYPES: Final = ("QuestionnaireResponse", "Observation", "DocumentReference", "Provenance")


class Verdict(StrEnum):
    """How a step went; PENDING is with a person at the EHR, OPEN was sent without a usable answer."""

    WORKS = "works"
    FAILS = "does not"
    PENDING = "in review"
    OPEN = "unknown"
    UNTRIED = "not tried"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One step with one resource type; `why` is a plain code, or empty."""

    what: str
    step: str
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a probe could not retract: `place` is its type and id, or its type alone when it has not been seen.

    `why` is a plain code, `key` stands in its identifier or in its words.
    """

    place: str
    why: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A test entry that a person at the EHR reviews: all by which a later probe finds it again, and finishes.

    `encounter` is a relative reference or empty, `made` an instant as text, `steps` what was sent and answered.
    """

    key: str
    patient: str
    encounter: str
    made: str
    steps: str


@dataclass(frozen=True, kw_only=True)
class Probed:
    """A whole probe: the rung tried, whether the EHR takes it, each step, and what a person has to retract.

    While it is in review `waiting` says what a later probe goes on with.
    """

    rung: Rung
    verdict: Verdict
    why: str
    tried: tuple[Tried, ...] = ()
    left: tuple[Left, ...] = ()
    waiting: Waiting | None = None

    @property
    def settled(self) -> bool:
        """Whether nobody has to do anything: the rung works, labels too, or writes nothing; and nothing is left."""
        return not self.left and (self.rung is Rung.HOLD or (self.verdict is Verdict.WORKS and not self.unlabelled))

    @property
    def unlabelled(self) -> bool:
        """Whether the EHR drops a label that says who may see it."""
        return any(each.step == LABEL and each.verdict is Verdict.FAILS for each in self.tried)

    @property
    def facts(self) -> frozenset[str]:
        """All of it as words, for `findings.keep`."""
        return frozenset(_APART.join(each) for each in self._records())

    def _records(self) -> Iterator[tuple[str, ...]]:
        yield "probe", self.rung, self.verdict, self.why
        yield from (("tried", *astuple(each)) for each in self.tried)
        yield from (("left", *astuple(each)) for each in self.left)
        if self.waiting:
            yield "waiting", *astuple(self.waiting)


def read_probed(facts: Iterable[str]) -> Probed:
    """Return the probe that facts tell of, its steps in the order they are made."""
    records = sorted(fact.split(_APART) for fact in facts)
    ((_, rung, verdict, why),) = (each for each in records if each[0] == "probe")
    tried = [
        Tried(what=what, step=step, verdict=Verdict(how), why=said)
        for _, what, step, how, said in (each for each in records if each[0] == "tried")
    ]
    return Probed(
        rung=Rung(rung),
        verdict=Verdict(verdict),
        why=why,
        tried=tuple(sorted(tried, key=lambda each: (_TYPES.index(each.what), STEPS.index(each.step)))),
        left=tuple(Left(place=each[1], why=each[2], key=each[3]) for each in records if each[0] == "left"),
        waiting=next((_waiting(*each[1:]) for each in records if each[0] == "waiting"), None),
    )


def _waiting(key: str, patient: str, encounter: str, made: str, steps: str) -> Waiting:
    return Waiting(key=key, patient=patient, encounter=encounter, made=made, steps=steps)
