"""A year of a clinic: visits are moved and missed, every trigger fires twice and at once, each form is asked once."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

from sqlalchemy import select

from fhir_alliance.settings import Settings, read_settings
from fhir_alliance.store import open_store
from fhir_alliance.tables import assignments
from fhir_alliance.visits.assignments import Assignments, Trigger
from fhir_alliance.visits.due import SeenVisit
from fhir_alliance.visits.finder import DueFinder, PatientRecord
from fhir_alliance.visits.planning import covering, newest_forms
from fhir_alliance.visits.wishes import Wishes
from smart_app.demo.site import write_site
from smart_app.web.asked import site_catalogue

PATIENTS, FEW, WEEKS = 200, 20, 20
FIRST = datetime(2026, 1, 5, 9, tzinfo=UTC)
LENGTH = timedelta(minutes=50)
# Every fourth visit is noticed the day before; nobody opens the app at it until it takes place.
BEFORE, AT = (Trigger.POLL,) * 2, (Trigger.POLL, Trigger.LAUNCH) * 2
CORE, FULL, THERAPIST = "patient-core", "patient-full", "therapist-core"


@dataclass
class Clinic:
    """The clinic's calendar, as its EHR tells it; the year is the same every time."""

    patients: int
    chance: Random = field(default_factory=lambda: Random("a year at Harbor"))  # noqa: S311  # the same every time
    now: datetime = FIRST
    visits: dict[str, list[SeenVisit]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Register the patients."""
        self.visits = {f"p{number}": [] for number in range(self.patients)}

    def plan(self, week: int) -> None:
        """Plan a visit of everybody, and let it be the day before."""
        self.now = FIRST + timedelta(weeks=week) - timedelta(days=1)
        for number, (patient, known) in enumerate(self.visits.items()):
            start = FIRST + timedelta(weeks=week, minutes=number)
            name = f"Encounter/{patient}-{week}"
            known.append(SeenVisit(encounter=name, start=start, end=start + LENGTH, status="planned"))

    def hold(self, week: int) -> None:
        """Let the day pass: some visits were moved by some days, some missed, the others took place."""
        self.now = FIRST + timedelta(weeks=week, hours=8)
        for known in self.visits.values():
            visit, drawn = known[-1], self.chance.random()
            if drawn < 0.1:
                known[-1] = visit._replace(status=self.chance.choice(["noshow", "cancelled"]))
            elif drawn < 0.25:
                moved = timedelta(days=self.chance.randint(-1, 4), hours=1)
                start = visit.start + moved
                known[-1] = visit._replace(start=start, end=start + LENGTH, status="finished")
            else:
                known[-1] = visit._replace(status="finished")

    def records(self) -> Iterator[PatientRecord]:
        """Yield what the EHR says of each patient now."""
        for patient, known in self.visits.items():
            yield PatientRecord(ehr="harbor", patient=patient, visits=tuple(known), responses=())

    def expected(self) -> dict[tuple[str, str], tuple[int, datetime]]:
        """Return what is to be asked, by visit and form, with its number and when it closes; counted by hand."""
        found = {}
        for known in self.visits.values():
            attended = [each for each in known if each.status == "finished"]
            for number, visit in enumerate(attended, 1):
                full = number in (3, 4) or (number > 4 and (number - 4) % 6 == 0)
                for form in (FULL if full else CORE, *([THERAPIST] if number in (3, 4) else [])):
                    assert visit.end
                    found[visit.encounter, form] = (number, visit.end + timedelta(hours=48))
        return found


@contextmanager
def finder(address: str, settings: Settings, clinic: Clinic) -> Iterator[DueFinder]:
    """Open a store as a process of its own would, and yield what finds out what is due there."""
    engine, catalogue = open_store(address), site_catalogue(settings)
    forms = covering(newest_forms(catalogue.instruments).values())
    yield DueFinder(
        settings,
        catalogue,
        Assignments(engine, forms, lambda: clinic.now),
        Wishes(engine),
        unanswered=lambda *_: frozenset(),
        clock=lambda: clinic.now,
    )
    engine.dispose()


def fire(
    pool: ThreadPoolExecutor,
    finders: Sequence[DueFinder],
    records: Iterable[PatientRecord],
    triggers: Sequence[Trigger],
) -> None:
    """Let triggers fire about everybody's latest visit, at the same time and in every process."""
    jobs = [
        pool.submit(finders[number % len(finders)].find, record, record.visits[-1].encounter, trigger)
        for record in records
        for number, trigger in enumerate(triggers)
    ]
    for job in jobs:
        job.result()


def test_each_due_form_is_assigned_once(empty_store: str, tmp_path: Path, *, long: bool) -> None:
    """Each form that is due is assigned once, at the time of its visit, and no other; with `--long` at 4,000 visits."""
    settings = read_settings(write_site(tmp_path, ehr_port=18080, app_port=18081).settings)
    clinic = Clinic(patients=PATIENTS if long else FEW)
    with (
        finder(empty_store, settings, clinic) as one,
        finder(empty_store, settings, clinic) as another,
        ThreadPoolExecutor(8) as pool,
    ):
        for week in range(WEEKS):
            clinic.plan(week)
            fire(pool, (one, another), islice(clinic.records(), 0, None, 4), BEFORE)
            clinic.hold(week)
            fire(pool, (one, another), clinic.records(), AT)

    engine = open_store(empty_store)
    with engine.connect() as connection:
        rows = connection.execute(select(assignments)).all()
    engine.dispose()
    asked = [row for row in rows if row.cancelled_at is None]
    found = {
        (row.encounter, row.form_url.rpartition("visit-check-in-")[2]): (row.number, row.closes_at) for row in asked
    }
    assert sum(map(len, clinic.visits.values())) == clinic.patients * WEEKS
    assert len(found) == len(asked)
    assert found == clinic.expected()
    assert len({(row.patient, row.encounter, row.form_url) for row in rows}) == len(rows)
    assert {row.cancelled_why for row in rows} == {None, "visit-cancelled"}
