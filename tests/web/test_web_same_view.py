"""Fourteen visits at EHRs that allow everything, single values, or notes: the clinician sees the same."""

import contextlib
import json
import re
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from fhir_alliance.delivery.ladder import way_into
from fhir_alliance.delivery.receipts import State
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.patient import read_patient
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import Rung
from fhir_alliance.tables import grants, submissions

from .house import MARIA, House

VISITS = 14
RUNGS = {"generous": "observations", "flowsheet": "flowsheet", "notes-only": "note"}
DIP = {8: -4, 9: -2}
"""Answers drop at visit 8 and come back: a course with something to see."""


GONE = """
DELETE FROM term WHERE key IN (SELECT key FROM resource WHERE type IN ('Observation', 'QuestionnaireResponse'));
DELETE FROM resource WHERE type IN ('Observation', 'QuestionnaireResponse');
"""


def without_ratings(house: House) -> None:
    """Take out of the EHR what it holds of ratings, so that each kind begins with the same."""
    database = json.loads(house.site.sandbox.read_text())["database"]
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.executescript(GONE)


def answers(number: int) -> dict[str, str]:
    """Return what is answered at a visit; at the fifth one question is skipped."""
    given = {str(item): str(min(10, 5 + (item + number * number) % 4 + DIP.get(number, 0))) for item in range(1, 7)}
    return {item: each for item, each in given.items() if (number, item) != (5, "3")}


def fourteen_visits(house: House, make_submission: Callable[..., Submission]) -> None:
    """Let every visit be answered when it was, each in its turn, and deliver it."""
    house.clinician()
    grant = next(row["id"] for row in house.rows(grants) if row["patient"] == MARIA)
    store = house.ehr.extensions["sandbox_store"]
    shown = read_patient(store.read("Patient", MARIA))
    write = house.services.settings.ehrs["harbor"].write
    for number in range(1, VISITS + 1):
        encounter = store.read("Encounter", f"{MARIA}-v{number}")
        at = datetime.fromisoformat(encounter["period"]["start"])
        for rater in (Rater.PATIENT, Rater.THERAPIST) if number % 4 == 0 else (Rater.PATIENT,):
            submission = make_submission(
                answers(number),
                rater=rater,
                key=str(UUID(int=number * 2 + (rater is Rater.THERAPIST))),
                patient=shown,
                encounter=f"Encounter/{encounter['id']}",
                authored=at,
                scored=at,
                skipped=frozenset({"3"}) if number == 5 else frozenset(),
            )
            usual = house.services.keeping.usual_before(submission) if write.rung is Rung.NOTE else {}
            way = way_into(submission, write, now=house.now(), usual=usual)
            house.services.outbox.accept(submission, orjson.dumps(write_bundle(submission)), grant=grant, way=way)
            house.deliver()


def plain(text: str) -> str:
    """Return a chart page's main part without its marks, notes, tokens and addresses."""
    shown = re.sub(r'<details class="sent">.*?</details>', "", text[text.index("<main") :], flags=re.DOTALL)
    shown = re.sub(r' ?<span class="soft">kept here</span>|<p class="note" role="note">[^<]*</p>\s*', "", shown)
    shown = re.sub(r'/l/[A-Za-z0-9_-]+|\?v=\w+|nonce="[^"]*"|value="[^"]{40,}"', "", shown)
    return shown.replace("· kept here", "· in the chart")


def test_the_view_does_not_depend_on_the_rung(
    open_at: Callable[[str], House], make_submission: Callable[..., Submission]
) -> None:
    """First line, trend, tables and answers of fourteen visits are the same from the chart and from what is kept."""
    views: dict[str, str] = {}
    for profile, rung in RUNGS.items():
        house = open_at(profile)
        without_ratings(house)
        fourteen_visits(house, make_submission)
        views[profile] = house.clinician()[1].text
        patients: list[Any] = [row for row in house.rows(submissions) if row["rater"] == "patient"]
        assert [(row["rung"], row["state"]) for row in patients] == [(rung, State.DELIVERED)] * VISITS

    assert "kept here" not in views["generous"]
    assert "visits 1 to 5" in views["generous"]
    for profile in ("flowsheet", "notes-only"):
        assert "kept here" in views[profile]
        assert plain(views[profile]) == plain(views["generous"])
