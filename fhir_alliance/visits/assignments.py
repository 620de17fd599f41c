"""Forms that were found due, each once: who is asked what about which visit, and what became of it."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, Row, bindparam, select, update

from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import SITE
from fhir_alliance.store import transaction
from fhir_alliance.tables import assignments
from fhir_alliance.visits import settling
from fhir_alliance.visits.due import Due
from fhir_alliance.visits.seeking import CANCELLED, MINE, OF_VISIT, SENT_ABOUT, Sought, seek
from fhir_alliance.visits.standing import Assignment, Standing, assignment_of


class Trigger(StrEnum):
    """What made us look whether something is due (spec row W06)."""

    LAUNCH = "launch"
    HAND = "hand"
    POLL = "poll"
    CARD = "card"
    SUBSCRIPTION = "subscription"


class Assignments:
    """Keeps what was found due; the same twice, from whatever trigger, is one assignment.

    `covered_by` names, by the canonical of a form without version, the forms that answer it: itself and longer ones.
    """

    def __init__(self, engine: Engine, covered_by: Mapping[str, frozenset[str]], clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._covered_by = covered_by
        self._clock = clock

    def assign(
        self,
        ehr: str,
        patient: str,
        encounter: str,
        found: Iterable[Due],
        pins: Mapping[str, str],
        trigger: Trigger,
        *,
        schedule: str = SITE,
    ) -> int:
        """Assign what is due about a visit; returns how many forms of it were not assigned before.

        `pins` is the canonical with version by the canonical without. A form that is assigned for the visit already
        stays pinned to its version, and one that was cancelled stays so. Raises StoreError when nothing was saved.
        """
        forms = tuple(found)
        if not forms:
            return 0
        visit = {"ehr": ehr, "patient": patient, "encounter": encounter}
        with transaction(self._engine) as connection:
            how = {"trigger": trigger.value, "schedule": schedule}
            return settling.add(connection, visit, forms, pins, **how, at=self._clock())

    def settle(
        self,
        ehr: str,
        patient: str,
        encounter: str,
        found: Sequence[Due],
        pins: Mapping[str, str],
        trigger: Trigger,
        *,
        opens: datetime,
        closes: datetime,
        schedule: str = SITE,
        clinic: str = "",
        therapist: str = "",
    ) -> int:
        """Bring what is assigned about a visit up to date, as `assign` does; returns how many forms are new.

        What is assigned already moves with the visit; what is not due any more is cancelled if it has not opened yet,
        and asked again when it is due after all. Raises StoreError when nothing was saved.
        """
        now, kept = self._clock(), {each.form.url for each in found}
        known = self.of_visit(ehr, patient, encounter)
        waiting = [each for each in known if each.planned and each.standing is Standing.DUE]
        needless = [each.id for each in waiting if opens > now and each.form.partition("|")[0] not in kept]
        placed = all((each.clinic, each.therapist) == (clinic, therapist) for each in known)
        if not needless and placed and _is_settled(known, found, (opens, closes, schedule)):
            return 0
        visit = {"ehr": ehr, "patient": patient, "encounter": encounter}
        with transaction(self._engine) as connection:
            settling.move(connection, visit, opens=opens, closes=closes, schedule=schedule)
            settling.renew(connection, visit, found)
            settling.drop(connection, needless, at=now)
            how = {"trigger": trigger.value, "schedule": schedule}
            added = settling.add(connection, visit, found, pins, **how, at=now)
            settling.place(connection, visit, clinic=clinic, therapist=therapist)
            return added

    def of_visit(self, ehr: str, patient: str, encounter: str) -> tuple[Assignment, ...]:
        """Return what was assigned about one visit, in the order assigned."""
        return self._read(OF_VISIT, {"of_ehr": ehr, "of_patient": patient, "of_visit": encounter})

    def is_cancelled(self, ehr: str, patient: str, encounter: str, form_url: str) -> bool:
        """Whether a form about a visit, by its canonical without version, is asked no more and nobody has answered."""
        which = {"of_ehr": ehr, "of_patient": patient, "of_visit": encounter, "of_form": form_url}
        if not CANCELLED.read(self._engine, which).all():
            return False
        known = self.of_visit(ehr, patient, encounter)
        return any(each.standing is Standing.CANCELLED for each in known if each.form.partition("|")[0] == form_url)

    def of_patient(self, ehr: str, patient: str, *, since: datetime) -> tuple[Assignment, ...]:
        """Return what was assigned to a patient or about them and closes after an instant, in the order assigned."""
        return self._read(seek(MINE & (assignments.c.closes_at > since)), {"of_ehr": ehr, "of_patient": patient})

    def of_ehr(
        self, ehr: str, *, patients: Collection[str] | None, raters: Collection[Rater], after: int, most: int
    ) -> tuple[Assignment, ...]:
        """Return what was assigned in an EHR, in the order assigned, from after an id on; `patients` None is all."""
        which = (assignments.c.ehr == ehr) & (assignments.c.id > after) & assignments.c.rater.in_(raters)
        if patients is not None:
            which &= assignments.c.patient.in_(patients)
        first = select(assignments.c.id).where(which).order_by(assignments.c.id).limit(most).subquery()
        return self._read(seek(assignments.c.id.in_(select(first.c.id))), {})

    def of_therapist(self, ehr: str, therapist: str) -> tuple[Assignment, ...]:
        """Return what was assigned about the visits of one therapist and has not closed yet, in the order assigned."""
        mine = (assignments.c.ehr == bindparam("of_ehr")) & (assignments.c.therapist == bindparam("of_therapist"))
        later = mine & (assignments.c.closes_at > self._clock())
        return self._read(seek(later), {"of_ehr": ehr, "of_therapist": therapist})

    def opened_between(self, ehr: str, since: datetime, until: datetime) -> tuple[Assignment, ...]:
        """Return what was to be asked of patients from one moment until before another, in the order assigned."""
        then = (assignments.c.opens_at >= since) & (assignments.c.opens_at < until)
        which = then & (assignments.c.ehr == bindparam("of_ehr")) & (assignments.c.rater == Rater.PATIENT.value)
        return self._read(seek(which), {"of_ehr": ehr})

    def cancel_visit(self, ehr: str, patient: str, encounter: str, *, why: str) -> int:
        """Ask nothing more about a visit that did not take place; returns how many forms could still be answered."""
        now = self._clock()
        open_ones = [each.id for each in self.of_visit(ehr, patient, encounter) if each.is_open(now)]
        change = update(assignments).where(assignments.c.id.in_(open_ones), assignments.c.cancelled_at.is_(None))
        with transaction(self._engine) as connection:
            return connection.execute(change.values(cancelled_at=self._clock(), cancelled_why=why)).rowcount

    def cancel_elsewhere(self, ehr: str, encounter: str, *, patient: str, why: str) -> None:
        """Ask nobody but this patient about a visit: its record was merged, or it was filed wrongly; "" is nobody."""
        other = (assignments.c.ehr == ehr) & (assignments.c.encounter == encounter) & (assignments.c.patient != patient)
        with self._engine.connect() as connection:
            patients = connection.scalars(select(assignments.c.patient).where(other).distinct()).all()
        for each in patients:
            self.cancel_visit(ehr, each, encounter, why=why)

    def open_visits(self, ehr: str) -> frozenset[str]:
        """Return the visits about which something was assigned whose time is not over."""
        waiting = (assignments.c.closes_at > self._clock()) & assignments.c.cancelled_at.is_(None)
        which = select(assignments.c.encounter).where(assignments.c.ehr == ehr, waiting)
        with self._engine.connect() as connection:
            return frozenset(connection.scalars(which.distinct()))

    def answered(self, ehr: str, patient: str) -> tuple[tuple[str, str | None, datetime], ...]:
        """Return what was sent about a patient and not taken back: form, visit and time, also what is on its way."""
        rows = SENT_ABOUT.read(self._engine, {"of_ehr": ehr, "of_patient": patient})
        return tuple((row.form, row.encounter, row.accepted_at) for row in rows)

    def decline(self, ehr: str, patient: str, encounter: str, form_url: str) -> int:
        """Note that the person did not want to answer today; returns how many assignments that was said of."""
        mine = (assignments.c.ehr == ehr) & (assignments.c.patient == patient) & (assignments.c.encounter == encounter)
        change = update(assignments).where(mine, assignments.c.form_url == form_url).values(declined_at=self._clock())
        with transaction(self._engine) as connection:
            return connection.execute(change).rowcount

    def ask_again(self, ehr: str, patient: str, encounter: str) -> int:
        """Ask once more what the person did not want to answer about a visit; returns how many forms that are."""
        mine = (assignments.c.ehr == ehr) & (assignments.c.patient == patient) & (assignments.c.encounter == encounter)
        change = update(assignments).where(mine, assignments.c.declined_at.is_not(None)).values(declined_at=None)
        with transaction(self._engine) as connection:
            return connection.execute(change).rowcount

    def _read(self, sought: Sought, values: Mapping[str, str]) -> tuple[Assignment, ...]:
        now = self._clock()
        with self._engine.connect() as connection:
            rows = sought.rows(connection, values).all()
            if not rows:
                return ()
            sent = sought.sent(connection, values).all()
            begun = {tuple(each) for each in sought.begun(connection, values)}
        about: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for each in sent:
            about[each.patient, each.encounter].append(each)
        return tuple(
            assignment_of(row, self._answer(row, about[row.patient, row.encounter]), now, begun=(row.id,) in begun)
            for row in rows
        )

    def _answer(self, row: Row[Any], sent: Sequence[Any]) -> Any:
        """Return the latest submission that answers an assignment, of those about its visit."""
        answers = self._covered_by.get(row.form_url, frozenset({row.form_url}))
        return next((each for each in sent if each.form.partition("|")[0] in answers), None)


def _is_settled(known: Sequence[Assignment], found: Sequence[Due], wanted: tuple[datetime, datetime, str]) -> bool:
    """Whether there is nothing to write: most looks at a visit find it as it was."""
    in_time = all((each.opens, each.closes, each.schedule) == wanted for each in known if each.planned)
    stands = {(each.form.partition("|")[0], each.number) for each in known if each.standing is not Standing.CANCELLED}
    return in_time and all((each.form.url, each.number or 0) in stands for each in found)
