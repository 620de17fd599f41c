"""Batches, and what batches and transactions have in common."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Caller, problem
from .samples import BASE, answers, bundle, entry, observation


def test_batch_entries_stand_alone(ehr: Caller) -> None:
    """In a batch the bad entry fails with its outcome, the others are done."""
    response = ehr.post(
        "",
        bundle(
            "batch",
            entry("POST", "Observation", observation()),
            entry("POST", "Observation", observation(code=None)),
            entry("GET", f"{BASE}/Patient/ada"),
            entry("GET", "Observation?patient=ada&_summary=count"),
            {"resource": answers()},
        ),
    )

    created, bad, read, counted, empty = (entry["response"] for entry in response.json["entry"])
    assert response.json["type"] == "batch-response"
    assert created["status"] == "201 Created"
    assert bad["status"] == "422 Unprocessable Entity"
    assert bad["outcome"]["issue"][0]["expression"] == ["Bundle.entry[1]"]
    assert (read["status"], response.json["entry"][2]["resource"]["id"]) == ("200 OK", "ada")
    assert (counted["status"], response.json["entry"][3]["resource"]["total"]) == ("200 OK", 1)
    assert empty["status"] == "400 Bad Request"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"resourceType": "Bundle", "type": "collection"}, 422),
        ({"resourceType": "Patient"}, 422),
        ({"resourceType": "Bundle", "type": "batch", "entry": [1]}, 400),
        ({"resourceType": "Bundle", "type": "batch", "entry": {"a": 1}}, 400),
    ],
)
def test_what_is_no_bundle_to_carry_out(ehr: Caller, sent: dict[str, Any], status: int) -> None:
    """Only batches and transactions with entries can be posted to the base."""
    assert problem(ehr.post("", sent))[0] == status


def test_empty_bundle(ehr: Caller) -> None:
    """Nothing to do is done."""
    response = ehr.post("/", {"resourceType": "Bundle", "type": "transaction"})

    assert (response.status_code, response.json) == (200, {"resourceType": "Bundle", "type": "transaction-response"})


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_each_entry_needs_its_scope(caller: Callable[..., Caller], ehr: Caller, kind: str) -> None:
    """A token for Observations gets no Patient through a Bundle."""
    app = caller("user/Observation.cr")

    response = app.post("", bundle(kind, entry("POST", "Observation", observation()), entry("GET", "Patient/ada")))

    if kind == "transaction":
        assert problem(response) == (403, "forbidden")
    else:
        assert [part["response"]["status"] for part in response.json["entry"]] == ["201 Created", "403 Forbidden"]
    assert len(ehr.ids("/Observation")) == (kind == "batch")
