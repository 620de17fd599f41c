"""Forms on their way, for the pages that tell where they are."""

from datetime import timedelta
from typing import Any, Final

from course_samples import NOW

from fhir_alliance.delivery.entries import Entry
from fhir_alliance.delivery.receipts import State
from fhir_alliance.settings import Rung

FORM: Final = "https://fhir-alliance.org/fhir/Questionnaire/visit-check-in-patient-core|1.0.0"
TITLES: Final = {FORM: "Visit check-in (patient, short form)"}
FORM_TITLE: Final = TITLES.__getitem__


def entry(number: int, state: State, code: str | None = None, *, hours: float, **fields: Any) -> Entry:
    """Return a form that was accepted some hours ago; any field can be changed."""
    at = NOW - timedelta(hours=hours)
    values: dict[str, Any] = {
        "key": f"7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a{number:02}",
        "ehr": "harbor",
        "patient": "thomas-reyes",
        "form": FORM,
        "rung": Rung.OBSERVATIONS,
        "state": state,
        "code": code,
        "accepted_at": at,
        "since": at + timedelta(minutes=3),
        "next_at": None,
        "tries": 3,
        "fhir_base": "https://ehr.harbor.example.invalid/fhir",
    }
    return Entry(**{**values, **fields})


SENT: Final = (
    entry(1, State.UNKNOWN, "ehr.unreachable", hours=0.4, next_at=NOW + timedelta(minutes=4)),
    entry(2, State.HELD, "needs-sign-in", hours=5),
    entry(3, State.HELD, "not-allowed", hours=27),
    entry(4, State.DELIVERED, hours=100),
    entry(5, State.HELD, "own-rating", hours=100),
)
