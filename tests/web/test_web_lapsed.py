"""An EHR that stops to take what it took (F19): nothing is lost, and the clinician knows before handing over."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from fhir_alliance.delivery.receipts import State
from fhir_alliance.ehr.findings import Kind, keep
from fhir_alliance.ehr.rungs import NEEDS
from fhir_alliance.settings import Rung
from fhir_alliance.store import transaction
from fhir_alliance.tables import submissions
from smart_app.web.pages.notes import LAPSED

from .house import CORE, House


def notes_only(site: Any) -> None:
    """Let the EHR take notes only, although the site writes on the first rung."""
    config = json.loads(site.sandbox.read_text())
    site.sandbox.write_text(json.dumps({**config, "profile": "notes-only"}))


def test_f19_a_form_is_accepted_and_held_with_the_reason(make_house: Callable[..., House]) -> None:
    """The view says beforehand that the EHR states less; what is sent is accepted, tried, held, and told."""
    house = make_house(change=notes_only)
    with transaction(house.services.engine) as connection:
        keep(connection, "harbor", Kind.STATED, NEEDS[Rung.OBSERVATIONS], at=house.now() - timedelta(days=2))
    before = house.clinician()[1]
    house.services.watch.check_due(house.now())
    warned = house.clinician()[1]
    patient, page = house.handed()
    review = patient.submit(page, page.form("/form"), **CORE, action="review")
    thanks = patient.submit(review, review.form("/send"))

    house.deliver()

    (row,) = house.rows(submissions)
    assert [LAPSED in each.text for each in (before, warned)] == [False, True]
    assert thanks.status == 200
    assert row["state"] == State.HELD
    assert "1 form is not in the chart yet: " in house.clinician()[1].text
