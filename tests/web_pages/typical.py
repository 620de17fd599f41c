"""Eight typical courses as the view shows them, each named by what happens in it."""

from decimal import Decimal
from typing import Final

from course_samples import INSTRUMENT, Course, answers_of
from page_samples import thomas_chart

from fhir_alliance.scoring.answers import Answers
from fhir_alliance.trajectory.first_line import first_line
from fhir_alliance.trajectory.series import Rating
from fhir_alliance.trajectory.usual import usual_range
from smart_app.web.pages import ChartPage

# The patient's answer to every question at each visit, then the therapist's guess; a dash where nobody answered.
COURSES: Final = {
    "steady": ("8 8 7 8 8 8 7 8 8 8 8 7", "8 - 8 - 8 - 8 - 8 - 8 -"),
    "rising": ("5 5 6 6 6 7 7 7 8 8 8 9", "- - - - - - - - - - - -"),
    "rupture-repaired": ("8 8 7 8 8 8 4 5 8 8 8 8", "8 8 8 8 8 8 6 6 7 8 8 8"),
    "rupture-unrepaired": ("8 8 8 7 8 8 4 4 5 4 4 4 5", "8 8 8 8 8 8 7 7 7 7 7 7 7"),
    "slow-slide": ("9 8 9 9 8 8 8 7 7 6 6 5 5", "- - - - - - - - - - - - -"),
    "one-visit": ("7", "8"),
    "gaps": ("8 - 7 8 - - 8 7 - 8 - 8", "- - - - - - - - - - - -"),
    "therapist-differs": ("5 6 5 6 5 5 6 5 6 5 5 6", "9 9 8 9 9 9 8 9 9 9 9 8"),
}


def typical(name: str) -> ChartPage:
    """Return the view of a course, with the first line and the usual range that its ratings give."""
    pairs = list(zip(*(line.split() for line in COURSES[name]), strict=True))
    course: Course = {
        number: (_sheet(patient), _sheet(therapist)) for number, (patient, therapist) in enumerate(pairs, 1)
    }
    ratings = [
        Rating(visit=number, day=f"visit {number}", value=Decimal(patient))
        for number, (patient, _) in enumerate(pairs, 1)
        if patient != "-"
    ]
    scale = INSTRUMENT.scales[0]
    line = first_line("Thomas", ratings, scale)
    return thomas_chart(course, line, visits=len(pairs), usual=usual_range(ratings[:-1], scale))


def _sheet(answer: str) -> Answers | None:
    return None if answer == "-" else answers_of(" ".join([answer] * 6), harder="no")
