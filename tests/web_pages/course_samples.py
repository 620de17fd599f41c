"""Courses of treatment as the EHR would give them back: visits, series of scores, answers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.words import Rater
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Scorer
from fhir_alliance.trajectory.series import Point, Series, Visit

TODAY = date(2026, 11, 12)
NOW = datetime(2026, 11, 12, 15, 40, tzinfo=UTC)
INSTRUMENT = shipped().instrument("visit-check-in")
THERAPIST = "Practitioner/okafor"

# By visit: the patient's answers, then the therapist's guess; None is a form nobody filled in.
Course = Mapping[int, tuple[Answers | None, Answers | None]]


def form(rater: Rater, name: str) -> Form:
    """Return one form of the shipped instrument."""
    return INSTRUMENT.form(rater, name)


def answers_of(numbers: str, **more: str) -> Answers:
    """Return answers from one word per item: a number, `s` for skipped, `-` for blank."""
    words = dict(enumerate(numbers.split(), start=1))
    given = {str(item): word for item, word in words.items() if word.isdigit()}
    skipped = frozenset(str(item) for item, word in words.items() if word == "s")
    return Answers(given={**given, **more}, skipped=skipped)


def visit(number: int, *, days_ago: int) -> Visit:
    """Return one visit with Dr. Okafor."""
    return Visit(
        encounter=f"Encounter/v{number}",
        number=number,
        start=NOW - timedelta(days=days_ago),
        therapist=THERAPIST,
        therapist_name="Dr. Okafor",
    )


def weekly(count: int) -> tuple[Visit, ...]:
    """Return visits a week apart, the last one today."""
    return tuple(visit(number, days_ago=7 * (count - number)) for number in range(1, count + 1))


COURSE: Course = {
    1: (answers_of("8 8 7 8 8 7", harder="no"), None),
    2: (answers_of("8 7 7 9 8 8", harder="no"), None),
    3: (answers_of("8 8 8 9 8 7 9 8 8 8 9 7", harder="no"), answers_of("8 7 7 8 8 8")),
    4: (answers_of("8 8 8 8 7 8 8 8 9 9 9 8", harder="no"), answers_of("8 8 8 8 8 8")),
    5: (answers_of("9 8 8 9 8 8", harder="no"), None),
    6: (answers_of("8 8 s 9 8 8", harder="no"), answers_of("8 8 7 8 8 8")),
    7: (None, None),
    8: (answers_of("8 9 8 9 8 8", harder="no"), None),
    9: (answers_of("9 8 8 9 9 8 9 8 9 9 9 8", harder="no"), answers_of("9 9 8 9 8 8")),
    10: (answers_of("8 8 - - 8 8", harder="no"), None),
    11: (None, None),
    12: (answers_of("8 7 7 8 7 8", harder="no"), answers_of("8 8 8 8 8 8")),
    13: (answers_of("6 6 5 6 6 6", harder="no"), answers_of("8 7 7 8 8 7")),
    14: (answers_of("5 5 4 3 6 6", harder="a-little", talk="yes"), answers_of("7 7 6 7 7 7")),
}
LONG_COURSE: Course = {
    number: (answers_of(f"{number % 5 + 4} 7 {number % 3 + 6} 8 7 6"), None) for number in range(1, 31)
}
HUNDREDS: Course = {
    number: (answers_of(f"{number % 5 + 4} 7 {number % 3 + 6} 8 7 6"), None) for number in range(1, 301)
}


def series_of(course: Course, visits: Sequence[Visit]) -> tuple[tuple[Series, ...], dict[str, Answers]]:
    """Score a course into the series an EHR would give back, with the answers by response."""
    points: dict[tuple[Rater, str], list[Point]] = {}
    sheets: dict[str, Answers] = {}
    for number, both in course.items():
        for rater, sheet in zip(Rater, both, strict=True):
            if sheet is not None:
                response = f"QuestionnaireResponse/{rater}-{number}"
                sheets[response] = sheet
                for scale, point in points_of(rater, visits[number - 1], response, sheet):
                    points.setdefault((rater, scale), []).append(point)
    series = tuple(
        Series(code=INSTRUMENT.code(rater, scale), scale=scale, rater=rater, therapist=THERAPIST, points=tuple(found))
        for (rater, scale), found in points.items()
    )
    return series, sheets


def corrected(series: Sequence[Series], *visits: Visit) -> tuple[Series, ...]:
    """Return the series with the patient's scores of these visits corrected after they were first given."""
    places = {visit.encounter for visit in visits}
    return tuple(
        replace(each, points=tuple(point._replace(amended=point.encounter in places) for point in each.points))
        if each.rater is Rater.PATIENT
        else each
        for each in series
    )


def points_of(rater: Rater, at_visit: Visit, response: str, sheet: Answers) -> list[tuple[str, Point]]:
    """Return the scores of one form by scale."""
    asked = form(rater, "full" if len(sheet.given) > 8 else "core")
    return [
        (
            score.scale.name,
            Point(
                at=at_visit.start,
                value=score.value,
                answered=score.answered,
                encounter=at_visit.encounter,
                response=response,
            ),
        )
        for score in Scorer(asked).score(sheet)
    ]
