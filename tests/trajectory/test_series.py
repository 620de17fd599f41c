"""Series are read from raw Observations: ours, of this patient, per therapist and rater, in order."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_alliance.instruments.catalogue import installed
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.terms import ALLIANCE
from fhir_alliance.trajectory.series import read_series, read_time, read_visits


def encounter(number: int, therapist: str = "okafor", **more: Any) -> dict[str, Any]:
    """Return the encounter of day `number`."""
    return {
        "id": f"v{number}",
        "status": "finished",
        "subject": {"reference": "Patient/maria"},
        "period": {"start": f"2026-03-{number:02}T09:00:00-05:00"},
        "participant": [{"individual": {"reference": f"Practitioner/{therapist}", "display": "Dr."}}],
        **more,
    }


def score(number: int, value: float | None, code: str = "visit-check-in-core", **more: Any) -> dict[str, Any]:
    """Return the Observation of a score at the visit of day `number`."""
    return {
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "1"}, {"system": ALLIANCE, "code": code}]},
        "subject": {"reference": "Patient/maria"},
        "encounter": {"reference": f"Encounter/v{number}"},
        "effectiveDateTime": f"2026-03-{number:02}T09:50:00-05:00",
        "derivedFrom": [{"reference": "Observation/x"}, {"reference": f"QuestionnaireResponse/r{number}"}],
        **({} if value is None else {"valueQuantity": {"value": value}}),
        **more,
    }


def test_one_series_per_therapist_and_rater(check_in: Instrument) -> None:
    """A change of therapist starts a new series, and the therapist's guess is a series of its own."""
    visits = read_visits([encounter(2), encounter(1), encounter(9, "reyes")], patient="maria")
    observations = [score(9, 5.5), score(2, 7), score(1, 6.1667), score(1, 8, "visit-check-in-therapist-core")]

    series = read_series(observations, visits, check_in, patient="maria")

    assert [(each.rater, each.therapist, each.values) for each in series] == [
        (Rater.PATIENT, "Practitioner/okafor", (Decimal("6.1667"), Decimal(7))),
        (Rater.PATIENT, "Practitioner/reyes", (Decimal("5.5"),)),
        (Rater.THERAPIST, "Practitioner/okafor", (Decimal(8),)),
    ]
    assert [(visit.encounter, visit.number) for visit in visits] == [
        ("Encounter/v1", 1),
        ("Encounter/v2", 2),
        ("Encounter/v9", 1),
    ]


def test_what_does_not_belong_is_left_out(check_in: Instrument) -> None:
    """Another patient's, withdrawn, undated and foreign Observations never become a point."""
    visits = read_visits([encounter(1)], patient="maria")
    observations = [
        score(1, 7),
        score(1, 1, subject={"reference": "Patient/thomas"}),
        score(1, 1, status="entered-in-error"),
        score(1, 1, effectiveDateTime="2026-03"),
        score(1, 1, effectiveDateTime="2026-03-01"),
        score(1, 1, code={"coding": [{"system": "http://loinc.org", "code": "44261-6"}]}),
        score(1, 1, "visit-check-in"),
    ]

    (series,) = read_series(observations, visits, check_in, patient="maria")

    assert series.values == (Decimal(7),)
    assert series.points[0].response == "QuestionnaireResponse/r1"


@pytest.mark.parametrize(
    "quantity", [{"value": 85, "code": "%"}, {"value": 85}, {"value": -1}, {"value": 5, "code": "mg"}]
)
def test_a_number_of_another_kind_is_no_point(check_in: Instrument, quantity: dict[str, Any]) -> None:
    """A score in another unit, or outside its scale, is left out: a line through it would be wrong."""
    visits = read_visits([encounter(1), encounter(2)], patient="maria")
    ours = {"value": 7, "code": "{score}", "system": "http://unitsofmeasure.org"}

    (series,) = read_series(
        [score(1, 7, valueQuantity=ours), score(2, 1, valueQuantity=quantity)], visits, check_in, patient="maria"
    )

    assert series.values == (Decimal(7),)


@pytest.mark.parametrize("value", [0, 10])
def test_the_ends_of_a_scale_are_points(check_in: Instrument, value: int) -> None:
    """The lowest and the highest score that there is are scores like others."""
    (series,) = read_series([score(1, value)], [], check_in, patient="maria")

    assert series.values == (Decimal(value),)


@pytest.mark.parametrize(
    ("at", "known"),
    [
        ("2026-03-01T09:50:00Z", True),
        ("2026-03-01T09:50:00", False),  # nobody knows where
        ("0001-01-01T00:00:00Z", False),  # what a server says that knows no time
        ("9999-12-31T23:59:59Z", False),
        ("0002-01-01T00:00:00Z", True),
        ("9998-12-31T23:59:59Z", True),
        ("yesterday", False),
        (None, False),
    ],
)
def test_a_time_that_is_one(at: str | None, known: bool) -> None:
    """A moment has an offset, and lies in a year that a clock in another zone can show, too."""
    assert (read_time(at) is not None) is known


def test_order_and_copies_do_not_matter(check_in: Instrument) -> None:
    """Three thousand visits in any order, each score sent twice, give one point a visit, oldest first."""
    start = datetime(2018, 1, 1, 9, tzinfo=UTC)
    encounters = [
        encounter(number, period={"start": (start + timedelta(days=number)).isoformat()}) for number in range(1, 3001)
    ]
    observations = [
        score(
            number, number % 10, effectiveDateTime=(start + timedelta(days=number, hours=1)).isoformat(), status=status
        )
        for number in range(1, 3001)
        for status in ("final", "amended")
    ]
    visits = read_visits(reversed(encounters), patient="maria")

    (series,) = read_series(reversed(observations), visits, check_in, patient="maria")

    assert series.values == tuple(Decimal(number % 10) for number in range(1, 3001))


def test_the_version_travels_with_the_point(check_in: Instrument) -> None:
    """The instrument and version that a score was made with are known, so that a change can be marked."""
    method = {"coding": [{"system": ALLIANCE, "code": "visit-check-in-1.0.0"}]}
    visits = read_visits([encounter(1), encounter(2)], patient="maria")

    (series,) = read_series([score(1, 7, method=method), score(2, 7)], visits, check_in, patient="maria")

    assert [point.measured for point in series.points] == ["visit-check-in-1.0.0", ""]


def test_what_was_corrected_is_known(check_in: Instrument) -> None:
    """A score whose answers were corrected after it was first given says so, whichever of FHIR's two words it has."""
    visits = read_visits([encounter(number) for number in (1, 2, 3)], patient="maria")
    scores = [score(number, 7, status=status) for number, status in enumerate(("final", "amended", "corrected"), 1)]

    (series,) = read_series(scores, visits, check_in, patient="maria")

    assert [(point.value, point.amended) for point in series.points] == [(7, False), (7, True), (7, True)]


def test_later_score_of_one_visit_counts(check_in: Instrument) -> None:
    """Of two scores for one visit the later one is the visit's score."""
    late = score(1, 9, effectiveDateTime="2026-03-01T11:00:00-05:00")

    (series,) = read_series(
        [late, score(1, 7)], read_visits([encounter(1)], patient="maria"), check_in, patient="maria"
    )

    assert series.values == (Decimal(9),)


def test_not_scorable_is_a_point_without_value(check_in: Instrument) -> None:
    """A score that could not be computed stays visible with its reason and its count."""
    items = {"coding": [{"system": ALLIANCE, "code": "items-answered"}]}
    other = {"coding": [{"system": ALLIANCE, "code": "other"}]}
    observation = score(
        1,
        None,
        dataAbsentReason={"coding": [{"code": "asked-declined"}]},
        component=[{"code": other}, {"code": items, "valueQuantity": {"value": 2}}],
    )

    (series,) = read_series([observation], [], check_in, patient="maria")

    assert series.values == ()
    assert (series.points[0].absent, series.points[0].answered, series.therapist) == ("asked-declined", 2, None)


def test_encounters_that_are_no_visits() -> None:
    """Planned, cancelled, undated and another patient's encounters are no visits; nobody named is no therapist."""
    encounters = [
        encounter(1, status="planned"),
        encounter(2, status="cancelled"),
        encounter(3, period={}),
        encounter(4, subject={"reference": "Patient/thomas"}),
        encounter(5, participant=[{"individual": {"reference": "RelatedPerson/x"}}]),
        encounter(6, participant=[{}, {"individual": {"reference": "PractitionerRole/x", "display": "Dr."}}]),
    ]

    visits = read_visits(encounters, patient="maria")

    nobody = [(visit.encounter, visit.therapist, visit.therapist_name) for visit in visits]
    assert nobody == [("Encounter/v5", None, ""), ("Encounter/v6", None, "")]


def test_scores_of_a_site_s_own_form() -> None:
    """A site's score is known by code and system: the same code of any other system is somebody else's."""
    examples = Path(__file__).parents[2] / "docs" / "examples"
    instrument = installed(None, own_forms=examples).instrument("session-feedback")
    visits = read_visits([encounter(1), encounter(2)], patient="maria")
    code, system = "session-feedback-overall", instrument.system("overall")
    observations = [
        score(1, 70, code=code) | {"code": {"coding": [{"system": system, "code": code}]}},
        score(2, 10, code=code),
    ]

    [series] = read_series(observations, visits, instrument, patient="maria")

    assert (series.scale, series.values) == ("overall", (Decimal(70),))
