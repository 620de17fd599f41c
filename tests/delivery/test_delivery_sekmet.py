"""The same visit written to a FHIR server that is not ours."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import pytest
import requests

from fhir_alliance.delivery.correcting import Cause, Correction
from tests.sekmet import running_sekmet

if TYPE_CHECKING:
    from tests.delivery.conftest import Site


@pytest.fixture
def sekmet(tmp_path: Path) -> Iterator[str]:
    """Run sekmet-fhir on a free port of this machine; returns its FHIR base."""
    with running_sekmet(tmp_path) as base:
        yield base


def found(base: str, query: str, kind: str) -> list[dict[str, Any]]:
    """Return what a search of the other server finds."""
    entries = requests.get(f"{base}/{query}", timeout=10).json().get("entry", [])
    return [entry["resource"] for entry in entries if entry["resource"]["resourceType"] == kind]


@pytest.fixture
def at_sekmet(sekmet: str, make_site: Callable[[str, str], "Site"], records: tuple[dict[str, Any], ...]) -> "Site":
    """Wire the delivery parts to it, with the patient and the visit in its record."""
    for resource in records:
        url = f"{sekmet}/{resource['resourceType']}/{resource['id']}"
        requests.put(url, json=resource, timeout=10).raise_for_status()
    return make_site(sekmet, "http://127.0.0.1:9/token")


ONE_STORE = pytest.mark.parametrize("empty_store", ["sqlite"], indirect=True)


@ONE_STORE
def test_changed_and_then_taken_back(
    sekmet: str, at_sekmet: "Site", make_submission: Callable[..., Any], bundle_of: Callable[..., dict[str, Any]]
) -> None:
    """Its own versions are the conditions; there is one set, first amended, in the end entered in error (F33, F34)."""
    site, first, grant = at_sekmet, make_submission(), at_sekmet.grant()
    site.outbox.accept(first, orjson.dumps(bundle_of(first)), grant=grant)
    site.deliver(hours=1)
    changed = make_submission({str(item): "9" for item in range(1, 7)}, key=str(UUID(int=2)))
    about: dict[str, Any] = {"form_key": first.key, "cause": Cause.MISTAKE, "asked_by": "Patient/maria-lopez"}
    bundle = orjson.dumps(bundle_of(replace(changed, key=first.key)))

    site.corrections.amend(changed, bundle, Correction(**about, seen=1), grant=grant)
    site.deliver(hours=1)
    scores = found(sekmet, "Observation?patient=maria-lopez", "Observation")
    taken = Correction(**about, seen=2)
    site.corrections.withdraw(
        str(UUID(int=3)), taken, ehr="harbor", patient="maria-lopez", launch="launch-9", grant=grant
    )
    site.deliver(hours=1)

    ended = [
        *found(sekmet, "Observation?patient=maria-lopez", "Observation"),
        *found(sekmet, "QuestionnaireResponse?patient=maria-lopez", "QuestionnaireResponse"),
    ]
    assert [site.standing(str(UUID(int=number)))[0] for number in (2, 3)] == ["delivered", "delivered"]
    assert [each["status"] for each in scores] == ["amended"] * 2
    assert {each["valueQuantity"]["value"] for each in scores if "valueQuantity" in each} == {9}
    assert [each["status"] for each in ended] == ["entered-in-error"] * 3


def test_visit_is_written_and_read_back(
    sekmet: str,
    at_sekmet: "Site",
    make_submission: Callable[..., Any],
    bundle_of: Callable[..., dict[str, Any]],
) -> None:
    """It refuses conditional creates and ignores `identifier`; the visit is there once, and a repeat adds nothing."""
    site = at_sekmet
    submission = make_submission()
    bundle, grant = orjson.dumps(bundle_of(submission)), site.grant()

    for _ in range(2):
        site.outbox.accept(submission, bundle, grant=grant)
        site.deliver(hours=1)

    assert site.standing(submission.key) == ("delivered", None)
    assert len(found(sekmet, "QuestionnaireResponse?patient=maria-lopez", "QuestionnaireResponse")) == 1
    assert len(found(sekmet, "Observation?patient=maria-lopez", "Observation")) == 2
    assert len(found(sekmet, "Provenance", "Provenance")) == 1
