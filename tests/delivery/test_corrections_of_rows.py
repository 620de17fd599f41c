"""Rows of a flowsheet and notes of a form that is changed or taken back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import pytest

from fhir_alliance.delivery.correcting import Cause, Correction
from fhir_alliance.delivery.ladder import Way, way_into
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.flowsheet import build_rows
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import FlowsheetRow, Rung, WriteSettings
from tests.delivery.corrected import (
    FORM,
    NINES,
    ONE_STORE,
    SECOND,
    SEVENS,
    Change,
)

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

ROWS = tuple(
    FlowsheetRow(score=f"visit-check-in-{name}", system="urn:rows", code=code, display=name, unit="score")
    for name, code in (("core", "1"), ("full", "2"))
)


@pytest.fixture
def in_rows(site: "Site", make_submission: Callable[..., Submission]) -> Callable[..., None]:
    """Accept a version of a form whose core score goes into a flowsheet row; `seen` is the version it corrects."""

    def make(given: dict[str, str], *, key: str, seen: int = 0, form: str = "core") -> None:
        submission = make_submission(given, key=key, form=form)
        filed = replace(submission, key=FORM)
        rows = build_rows(filed, ROWS, category="vital-signs")
        way = Way(
            rung=Rung.FLOWSHEET,
            pieces=orjson.dumps(rows) if rows else None,
            stays=None if rows else "not-in-chart",
            kept_until=site.clock.now + timedelta(days=30),
        )
        bundle, grant = orjson.dumps(write_bundle(filed)), site.grant()
        if not seen:
            site.outbox.accept(submission, bundle, grant=grant, way=way)
            return
        asked = Correction(form_key=FORM, seen=seen, cause=Cause.MISTAKE, asked_by="Patient/maria-lopez")
        site.corrections.amend(submission, bundle, asked, grant=grant, way=way)

    return make


@ONE_STORE
def test_rows_are_corrected_in_their_place(site: "Site", ehr: "FakeEhr", in_rows: Callable[..., None]) -> None:
    """A value is amended; without a number it is struck out, as rows hold numbers only; then it is a value again."""
    in_rows({**SEVENS}, key=FORM)
    site.deliver()
    told = []
    for seen, given in enumerate(({**NINES}, {}, {**SEVENS}), 1):
        in_rows(given, key=str(UUID(int=seen + 1)), seen=seen)
        site.deliver()
        row = ehr.only("Observation")
        told.append((row["status"], row["valueQuantity"]["value"]))

    assert told == [("amended", 9), ("entered-in-error", 9), ("amended", 7)]
    assert {site.standing(str(UUID(int=number))) for number in (1, 2, 3, 4)} == {("delivered", None)}


@ONE_STORE
def test_row_that_was_empty_is_filled(
    site: "Site", ehr: "FakeEhr", in_rows: Callable[..., None], make_fault: Callable[..., Any]
) -> None:
    """A score that newly is one gets a row of its own, also when nothing of the form had one: once (F10)."""
    in_rows({}, key=FORM)

    in_rows({**NINES}, key=SECOND, seen=1)
    site.deliver()

    assert (site.standing(FORM), site.standing(SECOND)) == (("replaced", None), ("delivered", None))
    assert ehr.only("Observation")["status"] == "final"


@ONE_STORE
@pytest.mark.parametrize("lost", [False, True], ids=["heard", "lost"])
def test_row_of_a_score_that_newly_is_one(
    site: "Site", ehr: "FakeEhr", in_rows: Callable[..., None], make_fault: Callable[..., Any], lost: bool
) -> None:
    """Beside a row that is corrected a new one is made, once, also when nobody hears whether it was (F10)."""
    in_rows({str(item): "7" for item in range(1, 7)}, key=FORM, form="full")
    site.deliver()
    if lost:
        ehr.with_location = False

    in_rows({**NINES}, key=SECOND, seen=1, form="full")
    site.deliver()
    site.deliver(minutes=15)

    rows = {each["code"]["coding"][0]["code"]: each["status"] for each in ehr.resources["Observation"].values()}
    assert (site.standing(SECOND), rows) == (("delivered", None), {"1": "amended", "2": "final"})
    assert ehr.count()["Observation"] == 2


@pytest.fixture
def noted(site: "Site", make_submission: Callable[..., Submission]) -> None:
    """Accept a form whose scores go into a note."""
    submission = make_submission(SEVENS, key=FORM)
    write = WriteSettings(rung=Rung.NOTE, keep=timedelta(days=30))
    way = way_into(submission, write, now=site.clock.now)
    site.outbox.accept(submission, orjson.dumps(write_bundle(submission)), grant=site.grant(), way=way)


@ONE_STORE
@pytest.mark.parametrize(
    ("status", "standing"),
    [
        (403, ("held", "no-updates")),
        (405, ("held", "no-updates")),
        (412, ("held", "conflict")),
        (429, ("accepted", "ehr.refused")),
        (200, ("unknown", "not-read-back")),
    ],
)
def test_refused_update_of_a_note(
    site: "Site",
    ehr: "FakeEhr",
    noted: None,
    withdraw: Change,
    make_fault: Callable[..., Any],
    status: int,
    standing: tuple[str, str],
) -> None:
    """A note that the EHR does not let us mark is for a person, or is tried again; it is never called taken back."""
    site.deliver()
    ehr.put_faults.append(make_fault(status=status))
    withdraw()

    site.deliver()

    assert (site.standing(FORM), site.standing(SECOND)) == (("delivered", None), standing)


@ONE_STORE
@pytest.mark.parametrize("gone", [True, False], ids=["gone", "without-version"])
def test_note_that_cannot_be_marked(site: "Site", ehr: "FakeEhr", noted: None, withdraw: Change, gone: bool) -> None:
    """A note that the chart no longer has, or counts no versions of, is left to a person."""
    site.deliver()
    note = ehr.only("DocumentReference")
    if gone:
        ehr.resources["DocumentReference"].clear()
    else:
        del note["meta"]["versionId"]
    withdraw()

    site.deliver()

    assert site.standing(SECOND) == ("held", "gone-from-chart" if gone else "no-updates")
    assert ehr.puts == []


@ONE_STORE
def test_row_that_somebody_changed_is_left_alone(site: "Site", ehr: "FakeEhr", in_rows: Callable[..., None]) -> None:
    """Another value, or another comment, in the row is theirs (F17)."""
    in_rows({**SEVENS}, key=FORM)
    site.deliver()
    ehr.edit({**ehr.only("Observation"), "note": [{"text": "Theirs."}]})

    in_rows({**NINES}, key=SECOND, seen=1)
    site.deliver()

    assert (site.standing(SECOND), ehr.puts) == (("held", "changed-in-chart"), [])


@ONE_STORE
@pytest.mark.parametrize("kept", [True, False], ids=["with-identifier", "without-identifier"])
def test_f34_rows_of_an_unknown_outcome_are_marked(
    site: "Site", ehr: "FakeEhr", in_rows: Callable[..., None], withdraw: Change, kept: bool
) -> None:
    """One row was written unheard, one cannot come any more: the first is struck out, and no other is sent (F34)."""
    ehr.change = lambda resource: None if kept else resource.pop("identifier", None)
    ehr.lose_single = 1
    in_rows({**SEVENS}, key=FORM, form="full")
    site.deliver()

    withdraw()
    site.deliver()
    waiting = site.standing(SECOND)
    site.deliver(minutes=15)

    assert waiting == ("unknown", "not-read-back")
    assert [site.standing(key) for key in (FORM, SECOND)] == [("replaced", None), ("delivered", None)]
    sent = [each["resourceType"] for each in ehr.singles]
    assert (ehr.only("Observation")["status"], sent) == ("entered-in-error", ["Observation", "Provenance"])


@ONE_STORE
def test_somebody_elses_value_in_the_row_is_left_alone(
    site: "Site", ehr: "FakeEhr", in_rows: Callable[..., None], withdraw: Change
) -> None:
    """Without our identifier a value that we never sent is theirs: a person looks, and it stays as it is (F17)."""
    ehr.change = lambda resource: resource.pop("identifier", None)
    ehr.lose_single = 1
    in_rows({**SEVENS}, key=FORM)
    site.deliver()
    theirs = ehr.only("Observation")
    ehr.edit({**theirs, "valueQuantity": {**theirs["valueQuantity"], "value": 3}})

    withdraw()
    site.deliver()

    assert (site.standing(SECOND), ehr.puts) == (("held", "changed-in-chart"), [])
