"""What is agreed with one patient about being asked, where that differs from the site's schedule."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Engine, bindparam, insert, select, update

from fhir_alliance.audit import Event, record
from fhir_alliance.fixed import Fixed
from fhir_alliance.store import transaction
from fhir_alliance.tables import patient_wishes
from fhir_alliance.visits.due import Pause


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A pause of some days, both included; `never` is the patient's; `schedule` names another one of the site's.

    Who is `unreminded` is asked, and not reminded; `unasked` are the canonicals, without version, of forms not asked.
    """

    pause: Pause | None = None
    never: bool = False
    schedule: str = ""
    unreminded: bool = False
    unasked: frozenset[str] = frozenset()

    def pauses_on(self, day: date) -> bool:
        """Whether nothing is asked on a day because of the pause."""
        return self.pause is not None and self.pause.first <= day <= self.pause.last

    def reminds_on(self, day: date) -> bool:
        """Whether the patient may be reminded on a day."""
        return not (self.never or self.unreminded or self.pauses_on(day))


NO_WISH: Final = Wish()
"""Of a patient with whom nothing is agreed."""

# A view asks three times.
_OF_PATIENT: Final = Fixed(
    select(patient_wishes).where(
        patient_wishes.c.ehr == bindparam("of_ehr"), patient_wishes.c.patient == bindparam("of_patient")
    )
)


class Wishes:
    """Keeps one wish per patient; who changed it when is in the audit trail."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, ehr: str, patient: str) -> Wish:
        """Return what is agreed with a patient, NO_WISH when nothing is."""
        row = _OF_PATIENT.read(self._engine, {"of_ehr": ehr, "of_patient": patient}).one_or_none()
        if row is None:
            return NO_WISH
        pause = Pause(first=row.pause_first, last=row.pause_last) if row.pause_last else None
        return Wish(
            pause=pause,
            never=row.never,
            schedule=row.schedule,
            unreminded=row.unreminded,
            unasked=frozenset(row.unasked.split()),
        )

    def keep(self, ehr: str, patient: str, wish: Wish, *, by: str, launch: str, at: datetime) -> None:
        """Write down what is agreed from now on, and who did; raises StoreError when nothing was saved."""
        mine = (patient_wishes.c.ehr == ehr) & (patient_wishes.c.patient == patient)
        values = {
            "pause_first": wish.pause and wish.pause.first,
            "pause_last": wish.pause and wish.pause.last,
            "never": wish.never,
            "schedule": wish.schedule,
            "unreminded": wish.unreminded,
            "unasked": " ".join(sorted(wish.unasked)),
        }
        outcome = "never" if wish.never else "paused" if wish.pause else "as-planned"
        with transaction(self._engine) as connection:
            if connection.execute(update(patient_wishes).where(mine).values(**values)).rowcount == 0:
                connection.execute(insert(patient_wishes).values(ehr=ehr, patient=patient, **values))
            record(
                connection,
                at=at,
                event=Event.WISH_CHANGED,
                actor=by,
                ehr=ehr,
                patient=patient,
                launch=launch,
                outcome=outcome,
                request_id=None,
            )
