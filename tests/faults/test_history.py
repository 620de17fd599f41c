"""The history check itself: it is silent about what is right, and names what is not."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import insert, update

from fhir_alliance.audit import Event, record
from fhir_alliance.delivery.receipts import State, place
from fhir_alliance.store import transaction
from fhir_alliance.tables import attempts, submissions

from .bench import Bench
from .history import check_history

Chart = list[dict[str, Any]]


def as_written(chart: Chart) -> None:
    """Leave all as it should be."""


def without_response(chart: Chart) -> None:
    """Lose the response."""
    del chart[0]


def twice(chart: Chart) -> None:
    """Write a score again."""
    chart.append({**chart[1], "id": "again"})


def other_patient(chart: Chart) -> None:
    """Write a score into another chart."""
    chart[1]["subject"] = {"reference": "Patient/thomas-reyes"}


def other_value(chart: Chart) -> None:
    """Write another number."""
    chart[1]["valueQuantity"] = {**chart[1]["valueQuantity"], "value": 1}


def extra(chart: Chart) -> None:
    """Write what nobody has accepted."""
    identifier = {**chart[0]["identifier"], "value": f"urn:uuid:{uuid4()}"}
    chart.append({**chart[0], "identifier": identifier})


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (as_written, []),
        (without_response, ["lost"]),
        (twice, ["duplicated"]),
        (other_patient, ["wrong_patient"]),
        (other_value, ["altered"]),
        (extra, ["extra"]),
    ],
)
def test_each_invariant_is_checked(bench: Bench, change: Callable[[Chart], None], broken: list[str]) -> None:
    """A chart that differs in one way from what was accepted breaks just that invariant."""
    key = bench.accept()
    payload = bench.vault.open(bench.row(key).payload, place=place("harbor", key, "payload"))
    chart = [dict(entry["resource"]) for entry in orjson.loads(payload)["entry"]][:-1]
    say_delivered(bench, key)
    change(chart)

    tally = check_history(bench.store, bench.vault, chart, thanked=[key])

    assert list(tally.broken) == broken
    assert (tally.accepted, tally.delivered, tally.held, tally.waiting) == (1, 1, 0, 0)


def test_a_receipt_without_a_row_and_a_send_without_its_audit_row_are_told(bench: Bench) -> None:
    """Who was thanked for nothing is lost; what was sent behind the audit trail's back is named."""
    key = bench.accept()
    with transaction(bench.store) as connection:
        connection.execute(insert(attempts).values(submission=key, started_at=datetime.now(UTC), step="whole"))

    tally = check_history(bench.store, bench.vault, [], thanked=[key, "nobody"])

    assert tally.broken == {"lost": {"nobody"}, "unaudited": {key}}
    assert tally.waiting == 1


def say_delivered(bench: Bench, key: str) -> None:
    """Write down, with its audit row, that a submission was sent and is in the chart."""
    now = datetime.now(UTC)
    with transaction(bench.store) as connection:
        connection.execute(update(submissions).values(state=State.DELIVERED))
        connection.execute(insert(attempts).values(submission=key, started_at=now, step="whole", outcome="written"))
        about = {"actor": "courier", "ehr": "harbor", "patient": "maria-lopez", "launch": "launch-1"}
        record(connection, at=now, event=Event.SUBMISSION_SENT, outcome="whole", request_id=key, **about)
