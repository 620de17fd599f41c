"""The sandbox's patients through the real reader and rules: a rupture made is found, steady courses raise nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pytest

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.trajectory.gaps import gaps_of
from fhir_alliance.trajectory.reasons import reasons_of
from fhir_alliance.trajectory.rules import RULES
from fhir_alliance.trajectory.ruptures import Level, find_episodes
from fhir_alliance.trajectory.seen import Name, Seen
from fhir_alliance.trajectory.series import Rating, Series, Visit, read_series, read_visits
from smart_app.sandbox.people.cast import Person, people
from smart_app.sandbox.people.population import population

TODAY: Final = date(2026, 11, 24)
RUPTURED: Final = ("repair", "unrepaired")
# One patient fell by less than the budget lets through: from ratings of 7.0 to 8.5 to one of 5.2.
TOO_SMALL: Final = {"fatima-al-hassan"}


@dataclass(frozen=True, kw_only=True)
class Followed:
    """One patient with one therapist: the ratings, and the reasons at each visit that was rated."""

    person: Person
    ratings: list[Rating]
    raised: dict[int, set[Name]]

    def within(self, first: int, last: int) -> set[Name]:
        """Return the reasons raised at some visits."""
        return {name for visit, names in self.raised.items() if first <= visit <= last for name in names}


@pytest.fixture(scope="module")
def followed(check_in: Instrument) -> list[Followed]:
    """Follow everybody of the sandbox, visit by visit, as somebody would have seen them then."""
    record = population(TODAY)
    return [each for person in people() for each in _follow(person, record, check_in)]


def _follow(person: Person, record: list[dict[str, Any]], instrument: Instrument) -> Iterator[Followed]:
    visits = read_visits((each for each in record if each["resourceType"] == "Encounter"), patient=person.id)
    observations = [each for each in record if each["resourceType"] == "Observation"]
    for series in read_series(observations, visits, instrument, patient=person.id):
        if (series.rater, series.scale) == (Rater.PATIENT, instrument.scales[0].name):
            yield _followed(person, series, visits, instrument)


def _followed(person: Person, series: Series, visits: tuple[Visit, ...], instrument: Instrument) -> Followed:
    mine = {each.encounter: each.number for each in visits if each.therapist == series.therapist}
    ratings = [
        Rating(visit=mine[point.encounter or ""], day="", value=point.value)
        for point in series.points
        if point.value is not None
    ]
    scale, course, raised = instrument.scales[0], RULES.start(instrument.scales[0]), {}
    for count, rating in enumerate(ratings, 1):
        course = course.after(rating.value)
        seen = Seen(
            name=person.given,
            scale=scale,
            validated=instrument.validated,
            ratings=ratings[:count],
            course=course,
            visit=rating.visit,
            gaps=gaps_of(range(1, rating.visit + 1), {each.visit for each in ratings}),
        )
        raised[rating.visit] = {reason.name for reason in reasons_of(seen)}
    return Followed(person=person, ratings=ratings, raised=raised)


def test_steady_courses_raise_nothing(followed: list[Followed]) -> None:
    """Nobody who answers steadily, always 10, ever higher, or unlike the therapist raises a reason at any visit."""
    quiet = [each for each in followed if each.person.course in ("steady", "ceiling", "rising", "disagreement")]

    assert len(quiet) == 14
    assert {each.person.id: each.within(1, 99) for each in quiet if each.within(1, 99)} == {}


def test_ruptures_are_found(followed: list[Followed]) -> None:
    """Each rupture made is raised at its turn or the next rating, but one that is too small, and nothing before it."""
    made = [each for each in followed if each.person.course in RUPTURED]

    found = {each.person.id for each in made if each.within(each.person.turn, each.person.turn + 2)}
    assert found == {each.person.id for each in made} - TOO_SMALL
    assert [each.person.id for each in made if each.within(1, each.person.turn - 1)] == []


def test_ruptures_are_drawn(followed: list[Followed], check_in: Instrument) -> None:
    """Each rupture made opens a marked episode at its turn, also the one that is too small for a reason."""
    made = [each for each in followed if each.person.course in RUPTURED]
    yardstick = RULES.start(check_in.scales[0]).marked.yardstick

    opened = {}
    for each in made:
        episodes = find_episodes([rating.value for rating in each.ratings], Level.MARKED, yardstick)
        opened[each.person.id] = {each.ratings[episode.opened - 1].visit for episode in episodes}
    turns = {each.person.id: range(each.person.turn, each.person.turn + 2) for each in made}
    assert {who for who, visits in opened.items() if not visits & set(turns[who])} == set()


def test_repaired_ruptures_go_quiet(followed: list[Followed]) -> None:
    """A rupture that was repaired is no reason at the last visit, one that was not still is."""
    last = {
        each.person.id: Name.LOW in each.within(each.ratings[-1].visit, 99)
        for each in followed
        if each.person.course in RUPTURED and each.person.id not in TOO_SMALL
    }

    assert {who for who, low in last.items() if low} == {
        each.person.id for each in followed if each.person.course == "unrepaired"
    }
