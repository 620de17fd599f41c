"""Outcome measures that the record holds, whoever wrote them: shown beside the alliance, never merged with it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import NamedTuple
from zoneinfo import ZoneInfo

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.words import Rater
from fhir_alliance.terms import ALLIANCE
from fhir_alliance.trajectory.series import COUNTS, RawResource, is_about, read_time


class Reading(NamedTuple):
    """One total of the record; a plain tuple, for a long record has thousands."""

    on: date
    value: Decimal


@dataclass(frozen=True, kw_only=True)
class Companion:
    """One measure and its totals, oldest first, one a day."""

    instrument: Instrument
    scale: Scale
    readings: tuple[Reading, ...]


def read_companions(
    observations: Iterable[RawResource], instruments: Iterable[Instrument], *, patient: str, zone: ZoneInfo
) -> tuple[Companion, ...]:
    """Return the measures found, by the codes that others know their totals by (LOINC) and by our own.

    Left out: what is about another patient, not final, undated, or outside the range of the measure. Of two on one day
    the later counts. A day is the site's where the record says the time, else the one that is written.
    """
    measures = [each for each in map(_measure, instruments) if each]
    totals: list[list[RawResource]] = [[] for _ in measures]
    places: dict[tuple[str, str], list[int]] = {}
    for place, (_, _, codes) in enumerate(measures):
        for code in codes:
            places.setdefault(code, []).append(place)
    for each in observations:
        # The codes first: of thousands of observations a few are totals.
        for place in _places(each, places):
            if is_about(each, patient) and each.get("status") in COUNTS:
                totals[place].append(each)
    found = (
        Companion(instrument=instrument, scale=scale, readings=_one_a_day(mine, scale, zone))
        for (instrument, scale, _), mine in zip(measures, totals, strict=True)
    )
    return tuple(each for each in found if each.readings)


def companion_codes(instruments: Iterable[Instrument]) -> frozenset[tuple[str, str]]:
    """Return the codes by which measures are found, each as (system, code)."""
    return frozenset(code for each in map(_measure, instruments) if each for code in each[2])


def _measure(instrument: Instrument) -> tuple[Instrument, Scale, set[tuple[str, str]]] | None:
    """Return the scale of a measure that others know, and all codes of its total; None where there is none."""
    known = {code.scale: (code.system, code.code) for code in instrument.codes if code.scale}
    scale = next((each for each in instrument.scales if each.name in known), None)
    if scale is None:
        return None
    return instrument, scale, {known[scale.name], (ALLIANCE, instrument.code(Rater.PATIENT, scale.name))}


def _one_a_day(totals: Iterable[RawResource], scale: Scale, zone: ZoneInfo) -> tuple[Reading, ...]:
    by_day = {on: value for (on, _), value in sorted(_readings(totals, scale, zone))}
    return tuple(Reading(on=on, value=value) for on, value in by_day.items())


def _readings(
    totals: Iterable[RawResource], scale: Scale, zone: ZoneInfo
) -> Iterator[tuple[tuple[date, float], Decimal]]:
    """Yield day, moment and value of each total that is one."""
    for each in totals:
        value, when = _value(each), _when(each.get("effectiveDateTime"), zone)
        if when and value is not None and scale.minimum <= value <= scale.maximum:
            yield when, value


def _places(observation: RawResource, places: Mapping[tuple[str, str], list[int]]) -> Sequence[int]:
    for coding in observation.get("code", {}).get("coding", ()):
        code = str(coding.get("system")), str(coding.get("code"))
        if code in places:
            return places[code]
    return ()


def _value(observation: RawResource) -> Decimal | None:
    found = observation.get("valueQuantity", {}).get("value", observation.get("valueInteger"))
    try:
        value = None if found is None else Decimal(str(found))
    except InvalidOperation:
        return None
    return value if value is not None and value.is_finite() else None


def _when(text: object, zone: ZoneInfo) -> tuple[date, float] | None:
    """Return the day of a FHIR dateTime and the moment within all of them; one that is vaguer than a day has none."""
    if at := read_time(text):
        return at.astimezone(zone).date(), at.timestamp()
    try:
        return date.fromisoformat(str(text)), 0.0
    except ValueError:
        return None
