"""Ages, places and what is not known of them: which rule holds for a patient."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_alliance.records.place import Place
from fhir_alliance.settings import FREE, AgeRule, Answering, Where
from fhir_alliance.visits.young import answering_of

TODAY = date(2026, 11, 29)
NOWHERE = Place()
CHILD = Answering(where=Where.ANYWHERE, ask_who=True)
TEEN = Answering(where=Where.ROOM_FIRST, ask_who=True)
ONLY = Answering(where=Where.ROOM_ONLY, ask_who=True)
ALONE = Answering(where=Where.ANYWHERE, beside=False)
CALIFORNIA = AgeRule(first=12, last=17, places=("US-CA",), answering=ONLY)
AMERICA = AgeRule(first=12, last=17, places=("US", "PR"), answering=ALONE)
EVERYWHERE = AgeRule(first=14, last=17, answering=Answering())
RULES = (EVERYWHERE, AMERICA, CALIFORNIA)


def held(born: str, place: Place = NOWHERE, *rules: AgeRule, today: date = TODAY) -> Answering:
    """Return what holds for a patient."""
    return answering_of(rules, birth_date=born, place=place, today=today)


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        ("2026-11-29", CHILD),
        ("2014-11-30", CHILD),  # 12 tomorrow
        ("2014-11-29", TEEN),  # 12 today
        ("2008-11-30", TEEN),  # 18 tomorrow
        ("2008-11-29", FREE),  # 18 today
        ("1988-03-04", FREE),
    ],
)
def test_a_birthday_is_the_first_day_of_the_next_rule(born: str, expected: Answering) -> None:
    """Without a rule of the site: asked who is there until 11, the room first from 12 to 17, nothing from 18 on."""
    assert held(born) == expected


@pytest.mark.parametrize(("day", "expected"), [(date(2026, 2, 28), TEEN), (date(2026, 3, 1), FREE)])
def test_who_was_born_on_a_leap_day(day: date, expected: Answering) -> None:
    """Where February has 28 days, the birthday is 1 March: the later of the two days that it could be."""
    assert held("2008-02-29", today=day) == expected


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        ("2008-11", TEEN),  # 17 or 18
        ("2008-10", FREE),
        ("2008-12", TEEN),
        ("2008", TEEN),
        ("2007", FREE),
        ("2014-11", TEEN),  # 11 or 12
        ("2014-12", CHILD),
        ("2014", TEEN),
        ("2026", CHILD),
    ],
)
def test_a_birth_date_without_day_or_month(born: str, expected: Answering) -> None:
    """Of every age that somebody can be, the strictest rule holds."""
    assert held(born) == expected


@pytest.mark.parametrize("born", ["", "unknown", "2008-13", "2008-02-30", "2026-11-30", "2050", "29.11.2008", "0000"])
def test_a_birth_date_that_cannot_be_meant(born: str) -> None:
    """Whoever may be of any age is treated by the strictest rule of all."""
    assert held(born) == TEEN
    assert held(born, NOWHERE, CALIFORNIA) == ONLY
    assert held(born, Place(country="US", part="NV"), CALIFORNIA) == TEEN


@pytest.mark.parametrize(
    ("country", "part", "expected"),
    [
        ("US", "CA", ONLY),
        ("US", "NV", ALONE),
        ("PR", "", ALONE),
        ("DE", "BE", Answering()),
        ("DE", "CA", Answering()),
        ("CA", "ON", Answering()),
    ],
)
def test_the_nearest_rule_holds(country: str, part: str, expected: Answering) -> None:
    """A state comes before its country, a country before everywhere, whatever their order in the settings."""
    place = Place(country=country, part=part)

    assert held("2010-01-01", place, *RULES) == held("2010-01-01", place, *reversed(RULES)) == expected


def test_where_a_site_has_no_rule_the_usual_one_holds() -> None:
    """The usual rules stay for the ages, and for the places, that the site says nothing of."""
    assert held("2013-06-01", Place(country="DE"), *RULES) == TEEN
    assert held("2010-01-01", Place(country="DE"), CALIFORNIA) == TEEN
    assert held("2020-01-01", Place(country="US", part="CA"), *RULES) == CHILD


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (Place(country="US"), Answering(where=Where.ROOM_ONLY, beside=False, ask_who=True)),  # California, or not
        (Place(), Answering(where=Where.ROOM_ONLY, beside=False, ask_who=True)),
        (Place(part="CA"), Answering(where=Where.ROOM_ONLY, beside=False, ask_who=True)),
        (Place(part="NV"), ALONE),  # of the United States, or of somewhere that no rule names
        (Place(country="DE"), Answering()),
    ],
)
def test_a_place_that_is_not_known_whole(place: Place, expected: Answering) -> None:
    """Of every place where somebody can live, the strictest of each that can be holds, and nothing else."""
    assert held("2010-01-01", place, *RULES) == expected


_CODES = st.sampled_from(["US", "US-CA", "US-NV", "DE", "CA"])
_RULES = st.builds(
    lambda first, more, places, where, beside, ask: AgeRule(
        first=first,
        last=first + more,
        places=tuple(places),
        answering=Answering(where=where, beside=beside, ask_who=ask),
    ),
    st.integers(0, 20),
    st.integers(0, 10),
    st.lists(_CODES, max_size=2),
    st.sampled_from(Where),
    st.booleans(),
    st.booleans(),
)


@given(
    rules=st.lists(_RULES, max_size=4),
    born=st.dates(date(2000, 1, 1), TODAY),
    country=st.sampled_from(["US", "DE", "CA", "FR"]),
    part=st.sampled_from(["CA", "NV", "BE"]),
)
def test_to_know_less_is_never_freer(rules: list[AgeRule], born: date, country: str, part: str) -> None:
    """Whoever leaves out a part of the place or of the birth date gets all of what held with it, or more."""
    known = held(born.isoformat(), Place(country=country, part=part), *rules)

    for less in (Place(country=country), Place(part=part), Place()):
        for date_of in (born.isoformat(), f"{born:%Y-%m}", f"{born:%Y}", ""):
            found = held(date_of, less, *rules)
            assert [*Where].index(found.where) >= [*Where].index(known.where)
            assert found.ask_who >= known.ask_who
            assert found.beside <= known.beside
