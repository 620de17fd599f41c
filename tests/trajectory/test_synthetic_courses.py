"""The sandbox's patients through the real reader and rules: what was made is found, steady courses raise nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pytest

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.precision import Origin, Precision, ReliabilityKind
from fhir_alliance.instruments.words import Rater
from fhir_alliance.trajectory.agreement import differing_over
from fhir_alliance.trajectory.gaps import gaps_of
from fhir_alliance.trajectory.reasons import reasons_of
from fhir_alliance.trajectory.rules import RULES
from fhir_alliance.trajectory.ruptures import Level, find_episodes
from fhir_alliance.trajectory.seen import Name, Seen
from fhir_alliance.trajectory.series import Point, Rating, read_series, read_visits
from smart_app.sandbox.people.cast import Person, people
from smart_app.sandbox.people.population import population

TODAY: Final = date(2026, 11, 24)
RUPTURED: Final = ("repair", "unrepaired")
# One patient fell by less than the budget lets through: from ratings of 7.0 to 8.5 to one of 5.2.
TOO_SMALL: Final = {"fatima-al-hassan"}
# What a clinic has learned of both forms: without it nobody can be said to disagree.
FIGURES: Final = Precision(
    sd=Decimal("1.5"),
    reliability=Decimal("0.9"),
    kind=ReliabilityKind.ALPHA,
    population="first ratings at this clinic",
    source="computed here",
    origin=Origin.SITE,
    people=143,
)


@dataclass(frozen=True, kw_only=True)
class Followed:
    """One patient with one therapist: the ratings, the visits that both rated, and the reasons at each rated visit."""

    person: Person
    ratings: list[Rating]
    both: list[int]
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
    series = read_series(observations, visits, instrument, patient=person.id)
    mine = [each for each in series if each.scale == instrument.scales[0].name]
    guesses = [point for each in mine if each.rater is Rater.THERAPIST for point in each.points]
    for each in mine:
        if each.rater is Rater.PATIENT:
            numbers = {visit.encounter: visit.number for visit in visits if visit.therapist == each.therapist}
            guessed = {rating.visit: rating.value for rating in _ratings(guesses, numbers)}
            yield _followed(person, _ratings(each.points, numbers), guessed, instrument)


def _ratings(points: Iterable[Point], numbers: dict[str, int]) -> list[Rating]:
    return [
        Rating(visit=numbers[point.encounter], day="", value=point.value)
        for point in points
        if point.value is not None and point.encounter in numbers
    ]


def _followed(person: Person, ratings: list[Rating], guesses: dict[int, Decimal], instrument: Instrument) -> Followed:
    scale, course, raised = instrument.scales[0], RULES.start(instrument.scales[0]), {}
    both = [(each.visit, each.value, guesses[each.visit]) for each in ratings if each.visit in guesses]
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
            precision=FIGURES,
            of_therapist=FIGURES,
        )
        so_far = [pair for pair in both if pair[0] <= rating.visit]
        least = seen.share(RULES.differing_share)
        differing = differing_over(so_far, of_patient=FIGURES, of_therapist=FIGURES, least=least)
        raised[rating.visit] = {reason.name for reason in reasons_of(replace(seen, differing=differing))}
    return Followed(person=person, ratings=ratings, both=[visit for visit, _, _ in both], raised=raised)


def test_steady_courses_raise_nothing(followed: list[Followed]) -> None:
    """Nobody who answers steadily, always 10 or ever higher raises a reason at any visit."""
    quiet = [each for each in followed if each.person.course in ("steady", "ceiling", "rising")]

    assert len(quiet) == 11
    assert {each.person.id: each.within(1, 99) for each in quiet if each.within(1, 99)} == {}


def test_disagreements_are_found(followed: list[Followed]) -> None:
    """All three who rate unlike their therapist have that as their one reason, from the fifth visit both rated on."""
    made = [each for each in followed if each.person.course == "disagreement"]

    assert len(made) == 3
    for each in made:
        fifth = each.both[4]
        found = {visit: names for visit, names in each.raised.items() if names}
        assert found == {visit: {Name.DIFFERING} for visit in each.raised if visit >= fifth}, each.person.id


def test_only_disagreements_are_found(followed: list[Followed]) -> None:
    """Nobody else is said to disagree with the therapist."""
    found = {each.person.course for each in followed if Name.DIFFERING in each.within(1, 99)}

    assert found == {"disagreement"}


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
        each.person.id: bool({Name.LOW, Name.FALL} & each.within(each.ratings[-1].visit, 99))
        for each in followed
        if each.person.course in RUPTURED and each.person.id not in TOO_SMALL
    }

    assert {who for who, low in last.items() if low} == {
        each.person.id for each in followed if each.person.course == "unrepaired"
    }
