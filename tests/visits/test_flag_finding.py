"""An answer that a clinician is shown as it is asks the therapist at the first visit after it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import read_settings
from fhir_alliance.store import open_store
from fhir_alliance.visits.assignments import Assignments, Trigger
from fhir_alliance.visits.due import SeenVisit
from fhir_alliance.visits.finder import DueFinder, PatientRecord
from fhir_alliance.visits.planning import covering, newest_forms
from fhir_alliance.visits.wishes import Wishes
from smart_app.demo.site import write_site
from smart_app.web.asked import site_catalogue

FIRST = datetime(2026, 1, 5, 9, tzinfo=UTC)
WEEK = timedelta(weeks=1)
ADA, BEN = "Practitioner/ada", "Practitioner/ben"


def visit(number: int, *, therapist: str = ADA, status: str = "finished") -> SeenVisit:
    """Return a visit in its week."""
    return SeenVisit(encounter=f"Encounter/{number}", start=FIRST + number * WEEK, status=status, therapist=therapist)


@pytest.mark.parametrize(
    ("sixth", "after"),
    [(visit(6), [6]), (visit(6, status="noshow"), [7]), (visit(6, therapist=BEN), [6, 7])],
    ids=["held", "missed", "with somebody else"],
)
def test_the_first_visit_after_it_asks_the_therapist(
    empty_store: str, tmp_path: Path, sixth: SeenVisit, after: list[int]
) -> None:
    """What was noticed after the fifth visit is asked about at the next one that counts, of each therapist."""
    settings = read_settings(write_site(tmp_path, ehr_port=18080, app_port=18081).settings)
    engine, catalogue = open_store(empty_store), site_catalogue(settings)
    forms = covering(newest_forms(catalogue.instruments).values())
    now = FIRST + 9 * WEEK
    find = DueFinder(
        settings,
        catalogue,
        Assignments(engine, forms, lambda: now),
        Wishes(engine),
        unanswered=lambda *_: frozenset(),
        clock=lambda: now,
    ).find
    form = catalogue.instrument("visit-check-in").form(Rater.PATIENT, "core")
    low = {"linkId": "4", "answer": [{"valueCoding": {"code": "2"}}]}
    noticed = {
        "questionnaire": form.canonical,
        "status": "completed",
        "encounter": {"reference": "Encounter/5"},
        "authored": (FIRST + 5 * WEEK + timedelta(hours=1)).isoformat(),
        "item": [low],
    }
    visits = (*map(visit, range(1, 6)), sixth, visit(7), visit(8))
    record = PatientRecord(ehr="harbor", patient="maria", visits=visits, responses=(noticed,))

    found = {each: find(record, f"Encounter/{each}", Trigger.LAUNCH) or () for each in (5, 6, 7, 8)}

    engine.dispose()
    assert [each for each, due in found.items() if any(it.form.rater is Rater.THERAPIST for it in due)] == after
