"""Scores over time as the EHR's Observations tell them: one series per patient, therapist, score and rater."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.words import Rater
from fhir_alliance.terms import ALLIANCE

RawResource = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One encounter; `number` counts this patient's visits with this therapist from 1, oldest first.

    It is None where not all of the patient's visits could be read.
    """

    encounter: str
    number: int | None
    start: datetime
    therapist: str | None
    therapist_name: str


class Point(NamedTuple):
    """One score at one visit; `value` is None when it was not scorable, `answered` None when not stated.

    `measured` is the code of the instrument and version that it was made with, empty when not stated; `amended` says
    that it is of answers that were corrected later. A plain tuple, for a long course has thousands.
    """

    at: datetime
    value: Decimal | None
    answered: int | None
    encounter: str | None
    response: str | None
    absent: str = ""
    measured: str = ""
    amended: bool = False


@dataclass(frozen=True, kw_only=True)
class Series:
    """The points of one score code by one rater about one therapist, oldest first."""

    code: str
    scale: str
    rater: Rater
    therapist: str | None
    points: tuple[Point, ...]

    @property
    def values(self) -> tuple[Decimal, ...]:
        """The scorable values, oldest first."""
        return tuple(point.value for point in self.points if point.value is not None)


class Rating(NamedTuple):
    """One scorable rating; `visit` is the visit's number and `day` its date in words."""

    visit: int
    day: str
    value: Decimal


@dataclass(frozen=True, kw_only=True)
class UsualRange:
    """A person's own usual range on a scale, made from their ratings of two visits and those between, frozen."""

    low: Decimal
    high: Decimal
    first_visit: int
    last_visit: int


def read_visits(encounters: Iterable[RawResource], *, patient: str, numbered: bool = True) -> tuple[Visit, ...]:
    """Return a patient's visits, oldest first; cancelled, undated and another patient's encounters are left out.

    They are not to be `numbered` where some of the patient's encounters are not among these.
    """
    numbers: dict[str | None, int] = {}
    visits = []
    for start, encounter in sorted(_dated(encounters, patient), key=lambda pair: pair[0]):
        therapist, name = therapist_of(encounter)
        numbers[therapist] = number = numbers.get(therapist, 0) + 1
        own = f"Encounter/{encounter['id']}"
        visits.append(
            Visit(
                encounter=own,
                number=number if numbered else None,
                start=start,
                therapist=therapist,
                therapist_name=name,
            )
        )
    return tuple(visits)


def read_series(
    observations: Iterable[RawResource], visits: Iterable[Visit], instrument: Instrument, *, patient: str
) -> tuple[Series, ...]:
    """Return every series of an instrument's scores that the Observations hold.

    Left out: what is about another patient, entered in error, undated, not a score of ours, in another unit, or off
    its scale. Of two scores for one visit the later counts. A visit nobody knows belongs to therapist None.
    """
    therapists = {visit.encounter: visit.therapist for visit in visits}
    scores = {
        instrument.code(form.rater, scale.name): (scale, form.rater)
        for form in instrument.forms
        for scale in form.scales
    }
    systems = {code: system for system, code in score_codes(instrument)}
    found: defaultdict[tuple[str, str | None], list[Point]] = defaultdict(list)
    for each in observations:
        code = _score_code(each, systems)
        if code and is_about(each, patient) and each.get("status") in COUNTS:
            point = _point(each)
            if point and _is_on(scores[code][0], point.value):
                found[code, therapists.get(point.encounter or "")].append(point)
    return tuple(
        Series(
            code=code, scale=scores[code][0].name, rater=scores[code][1], therapist=who, points=_one_per_visit(points)
        )
        for (code, who), points in sorted(found.items(), key=lambda each: (each[0][0], each[0][1] or ""))
    )


def score_codes(instrument: Instrument) -> frozenset[tuple[str, str]]:
    """Return the codes of an instrument's scores by every rater, each as (system, code)."""
    return frozenset(
        (instrument.system(scale.name), instrument.code(form.rater, scale.name))
        for form in instrument.forms
        for scale in form.scales
    )


def therapist_of(encounter: RawResource) -> tuple[str | None, str]:
    """Return the practitioner of an encounter as (relative reference or None, name or empty)."""
    for participant in encounter.get("participant", []):
        individual = participant.get("individual", {})
        if str(individual.get("reference", "")).startswith("Practitioner/"):
            return individual["reference"], str(individual.get("display", ""))
    return None, ""


def read_time(text: object) -> datetime | None:
    """Return a FHIR dateTime that has a time and an offset; a vaguer one, or none, is None.

    So is one in the first or last year there is: servers say "0001-01-01T00:00:00Z" where they know no time, and the
    clock of another zone could not show it.
    """
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo and MINYEAR < at.year < MAXYEAR else None


# A score that may be compared; a preliminary or withdrawn one is not.
_AMENDED: Final = frozenset({"amended", "corrected"})
COUNTS = _AMENDED | {"final"}
_UNITLESS: Final = re.compile(r"1?|\{.*\}")
_ANSWERED: Final = (ALLIANCE, "items-answered")


def _dated(encounters: Iterable[RawResource], patient: str) -> Iterator[tuple[datetime, RawResource]]:
    for each in encounters:
        start = read_time(each.get("period", {}).get("start"))
        if start and each.get("id") and is_about(each, patient) and each.get("status") not in _NOT_HELD:
            yield start, each


_NOT_HELD = frozenset({"planned", "cancelled", "entered-in-error"})


def is_about(resource: RawResource, patient: str) -> bool:
    """Whether a resource is about this patient and nobody else."""
    return bool(resource.get("subject", {}).get("reference") == f"Patient/{patient}")


def _score_code(observation: RawResource, systems: Mapping[str, str]) -> str:
    """Return the first code that is of a score, empty when none is; `systems` are their code systems."""
    for coding in observation.get("code", {}).get("coding", ()):
        code = str(coding.get("code"))
        if code in systems and systems[code] == coding.get("system"):
            return code
    return ""


def _first_code(concept: Mapping[str, Any] | None) -> str:
    codings = concept.get("coding") if concept else None
    return str(codings[0].get("code", "")) if codings else ""


def _is_on(scale: Scale, value: Decimal | None) -> bool:
    """Whether a value lies on a scale; one that does not was made in another way, and would draw a wrong line."""
    return value is None or not scale.has_range or scale.minimum <= value <= scale.maximum


def _point(observation: RawResource) -> Point | None:
    quantity = observation.get("valueQuantity", {})
    at = read_time(observation.get("effectiveDateTime"))
    # A score has no unit, which UCUM writes as 1 or as a note in braces; an EHR may have left that out.
    if at is None or not _UNITLESS.fullmatch(str(quantity.get("code", ""))):
        return None
    value = quantity.get("value")
    return Point(
        at=at,
        value=None if value is None else Decimal(str(value)),
        answered=_answered(observation),
        encounter=observation.get("encounter", {}).get("reference"),
        response=_response(observation),
        absent=_first_code(observation.get("dataAbsentReason")),
        measured=_first_code(observation.get("method")),
        amended=observation["status"] in _AMENDED,
    )


def _response(observation: RawResource) -> str | None:
    for source in observation.get("derivedFrom", ()):
        reference = str(source.get("reference"))
        if reference.startswith("QuestionnaireResponse/"):
            return reference
    return None


def _answered(observation: RawResource) -> int | None:
    for component in observation.get("component", ()):
        count = component.get("valueQuantity", {}).get("value")
        if count is not None:
            for coding in component.get("code", {}).get("coding", ()):
                if (coding.get("system"), coding.get("code")) == _ANSWERED:
                    return int(count)
    return None


def _one_per_visit(points: Iterable[Point]) -> tuple[Point, ...]:
    latest: dict[object, Point] = {}
    for point in sorted(points, key=lambda point: point.at):
        latest[point.encounter or point.at] = point
    return tuple(sorted(latest.values(), key=lambda point: point.at))
