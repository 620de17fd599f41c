"""Forms on their way, for the pages that tell where they are."""

from datetime import timedelta
from typing import Any, Final

from course_samples import NOW, TODAY
from page_samples import NOBODY

from fhir_alliance.delivery.entries import Attempt, Decision, Entry
from fhir_alliance.delivery.figures import Figures
from fhir_alliance.delivery.outcomes import Outcome
from fhir_alliance.delivery.receipts import Kind, State
from fhir_alliance.harvest.book import Refused
from fhir_alliance.settings import Rung
from smart_app.web.pages.outbox import Choice, ItemPage, OutboxPage, item_page, outbox_page

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
WITHDRAWN: Final = (entry(8, State.ACCEPTED, hours=0.1, kind=Kind.WITHDRAWAL),)
LISTED: Final = (
    entry(6, State.HELD, "ehr-changed", hours=53),
    entry(2, State.HELD, "conflict", hours=27),
    entry(1, State.UNKNOWN, "ehr.unreachable", hours=0.4, next_at=NOW + timedelta(minutes=4)),
    entry(3, State.HELD, "not-allowed", hours=5, ehr="hillside"),
)
TITLES_OF_EHRS: Final = {"harbor": "Harbor EHR", "hillside": "Hillside Hospital"}
NOTHING: Final = Figures(states={}, reasons={}, outcomes={}, alarms={}, ages={}, oldest={})
FIGURES: Final = Figures(
    states={("harbor", "delivered"): 1204, ("hillside", "delivered"): 87, ("harbor", "held"): 2},
    reasons={
        ("harbor", "ehr-changed"): 1,
        ("harbor", "conflict"): 1,
        ("harbor", "ehr.unreachable"): 1,
        ("hillside", "not-allowed"): 1,
    },
    outcomes={},
    alarms={},
    ages={("harbor", "15 min"): 3, ("harbor", "4 h"): 2, ("harbor", "24 h"): 2, ("hillside", "15 min"): 1},
    oldest={"harbor": LISTED[0].accepted_at, "hillside": LISTED[3].accepted_at},
)


def _choices(*labels: str) -> tuple[Choice, ...]:
    return tuple(Choice(label=label, url="/admin/?x=1" if number else "") for number, label in enumerate(labels))


FILTERS: Final = (
    ("Health record", _choices("all", "Harbor EHR", "Hillside Hospital")),
    ("Waiting for more than", _choices("all", "15 min", "4 h", "24 h")),
)


REFUSED: Final = tuple(
    Refused(ehr="harbor", response=response, version="1", code=code, found_at=NOW)
    for response, code in (("qr-20931", "invalid"), ("7c1f0a52-55f1-4f53-9b3b-0c8f3d0a9d11", "foreign-visit"))
)


def _outbox(figures: Figures, listed: tuple[Entry, ...]) -> OutboxPage:
    return outbox_page(
        NOBODY,
        figures,
        listed,
        admin="Jo Park",
        titles=TITLES_OF_EHRS,
        filters=FILTERS,
        more=bool(listed),
        refused=REFUSED if listed else (),
        refused_in_all=640 if listed else 0,
        today=TODAY,
    )


OUTBOX: Final = _outbox(FIGURES, LISTED)
OUTBOX_NONE: Final = _outbox(NOTHING, ())


def item_of(number: int) -> ItemPage:
    """Return the administrator's page of one of the forms listed."""
    (found,) = (each for each in LISTED if each.key.endswith(f"{number:02}"))
    sent = Attempt(at=found.accepted_at, step="whole", outcome=Outcome.REFUSED, status=409)
    said = Decision(at=NOW, what="submission.released", by="Jo Park", said="conflict: not-in-chart, ticket 4711")
    return item_page(
        NOBODY,
        found,
        admin="Jo Park",
        titles=TITLES_OF_EHRS,
        form=FORM_TITLE(found.form),
        present_base="https://fhir.harbor.example.invalid/r4",
        attempts=[sent],
        decisions=[said],
        today=TODAY,
    )
