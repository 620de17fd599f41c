"""What is drawn beside the values of a trend: ruptures and repairs by visit, and where a new version began."""

from collections.abc import Iterator, Sequence

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.words import Rater
from fhir_alliance.trajectory.drawn import signs_of
from fhir_alliance.trajectory.first_line import one_decimal
from fhir_alliance.trajectory.rules import RULES
from fhir_alliance.trajectory.ruptures import VERSION
from smart_app.web.layout.signs import Change
from smart_app.web.pages.visit_rows import VisitRow
from smart_app.web.saying import say


def with_signs(instrument: Instrument, rows: Sequence[VisitRow]) -> tuple[VisitRow, ...]:
    """Return all rows of a course with the signs that the patient's ratings of the first scale give."""
    scale = instrument.scales[0]
    rated = [
        (place, point.value)
        for place, row in enumerate(rows)
        if (point := row.point(Rater.PATIENT, scale.name)) and point.value is not None
    ]
    found = {rated[sign.rating - 1][0]: sign for sign in signs_of([value for _, value in rated], scale)}
    return tuple(row._replace(sign=found[place]) if place in found else row for place, row in enumerate(rows))


def changes_of(instrument: Instrument, rows: Sequence[VisitRow]) -> Iterator[Change]:
    """Yield where the patient's score was made with another version, or another instrument, than the one before."""
    before = ""
    for place, row in enumerate(rows):
        point = row.point(Rater.PATIENT, instrument.scales[0].name)
        measured = point.measured if point else ""
        if measured and before not in ("", measured):
            own = measured.startswith(f"{instrument.name}-")
            version = measured.removeprefix(f"{instrument.name}-")
            label = say("version %(version)s", version=version) if own else measured
            yield Change(place=place, label=label)
        before = measured or before


def how_signs_are_found(scale: Scale) -> tuple[str, ...]:
    """Say the rule by which ruptures and repairs are drawn, so that it can be checked by hand."""
    if not scale.has_range:
        return ()
    yardstick = RULES.start(scale).marked.yardstick
    rule = say(
        "▽ rupture, △ repair (our own rule set v%(version)s, not validated): the rating lies k × s or more under the "
        "highest of the 6 ratings before: a small fall with k = 1, which steady courses often have and which is no "
        "finding, a marked rupture with k = 2; s is the larger of %(between)s and the standard deviation of this "
        "person's changes before, from three changes on. Repaired when a rating lies as much above the lowest, fully "
        "when it reaches the highest again, unrepaired 5 ratings after the lowest.",
        version=VERSION,
        between=say(one_decimal(yardstick.between)),
    )
    return (rule,)
