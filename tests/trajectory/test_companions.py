"""Outcome measures of the record are found by the codes that everybody knows them by, and by nothing else."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fhir_alliance.instruments.catalogue import installed
from fhir_alliance.terms import ALLIANCE, LOINC
from fhir_alliance.trajectory.companions import Companion, read_companions

ZONE = ZoneInfo("America/New_York")
PHQ9 = (LOINC, "44261-6")


def total(at: str, value: object, code: tuple[str, str] = PHQ9, **more: Any) -> dict[str, Any]:
    """Return an Observation with a total."""
    return {
        "status": "final",
        "code": {"coding": [{"system": code[0], "code": code[1]}]},
        "subject": {"reference": "Patient/maria"},
        "effectiveDateTime": at,
        "valueQuantity": {"value": value},
        **more,
    }


def read(*observations: dict[str, Any]) -> dict[str, list[tuple[date, Decimal]]]:
    """Return the totals found, by instrument."""
    found = read_companions(observations, installed(None).instruments, patient="maria", zone=ZONE)
    return {each.instrument.name: [(reading.on, reading.value) for reading in each.readings] for each in found}


def test_totals_by_the_codes_of_others_and_our_own() -> None:
    """LOINC's code and ours name one measure; days come in order, whoever wrote them, and measures stay apart."""
    found = read(
        total("2026-11-03T09:00:00-05:00", 12),
        total("2026-10-01", 15),
        total("2026-11-10T09:00:00-05:00", 9, (ALLIANCE, "phq-9-total")),
        total("2026-11-10T09:00:00-05:00", 7, (LOINC, "70274-6")),
    )

    assert found == {
        "phq-9": [(date(2026, 10, 1), Decimal(15)), (date(2026, 11, 3), Decimal(12)), (date(2026, 11, 10), Decimal(9))],
        "gad-7": [(date(2026, 11, 10), Decimal(7))],
    }


def test_two_measures_with_one_code_both_show_it() -> None:
    """Where two definitions name one code nobody is left without its totals, and each total is counted once."""
    phq9 = installed(None).instrument("phq-9")
    both = [{"system": LOINC, "code": "44261-6"}, {"system": ALLIANCE, "code": "phq-9-total"}]
    observation = total("2026-11-03T09:00:00-05:00", 12, code=PHQ9) | {"code": {"coding": both}}

    found = read_companions([observation], [phq9, replace(phq9, name="phq-9-copy")], patient="maria", zone=ZONE)

    assert [(each.instrument.name, len(each.readings)) for each in found] == [("phq-9", 1), ("phq-9-copy", 1)]


def test_the_later_of_a_day_counts_in_the_site_s_time() -> None:
    """Two totals of one day at the site are one reading, the later, also when they are written in other offsets."""
    found = read(
        total("2026-11-11T03:30:00+00:00", 20),
        total("2026-11-10T21:00:00-05:00", 10),
    )

    assert found == {"phq-9": [(date(2026, 11, 10), Decimal(20))]}


@pytest.mark.parametrize(
    "left_out",
    [
        total("2026-11-03", 12, subject={"reference": "Patient/thomas"}),
        total("2026-11-03", 12, status="entered-in-error"),
        total("2026-11-03", 12, status="preliminary"),
        total("2026-11-03", 28),
        total("2026-11-03", -1),
        total("2026-11-03", "many"),
        total("2026-11-03", "NaN"),
        total("2026-11-03", True),
        total("2026-11-03", 0, valueQuantity={}, valueInteger=True),
        total("2026-11-03", None),
        total("2026-11", 12),
        total("2026-11-03", 12, effectiveDateTime=None),
        total("2026-11-03", 12, (LOINC, "44249-1")),
        total("2026-11-03", 12, ("http://other.example.invalid", "44261-6")),
        total("2026-11-03", 12) | {"code": {}},
    ],
)
def test_what_is_no_total_of_this_patient_is_left_out(left_out: dict[str, Any]) -> None:
    """Another patient's, withdrawn, undated, impossible and foreign values never become a reading."""
    assert read(left_out) == {}


@pytest.mark.parametrize("value", [0, 27])
def test_the_ends_of_a_measure_are_readings(value: int) -> None:
    """The lowest and the highest total that there is are totals like others."""
    assert read(total("2026-11-03", value)) == {"phq-9": [(date(2026, 11, 3), Decimal(value))]}


def test_a_whole_number_of_another_type() -> None:
    """An EHR that writes totals as integers is understood."""
    observation = total("2026-11-03", 0)
    del observation["valueQuantity"]

    assert read(observation | {"valueInteger": 11}) == {"phq-9": [(date(2026, 11, 3), Decimal(11))]}


def test_a_measure_without_codes_of_others_is_no_companion() -> None:
    """The alliance itself has none, so it never stands beside itself."""
    check_in = installed(None).instrument("visit-check-in")
    found: tuple[Companion, ...] = read_companions(
        [total("2026-11-03", 7, (ALLIANCE, "visit-check-in-core"))], [check_in], patient="maria", zone=ZONE
    )

    assert found == ()
