"""The same visit written to a FHIR server that is not ours."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import requests

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


def test_visit_is_written_and_read_back(
    sekmet: str,
    make_site: Callable[[str, str], "Site"],
    make_submission: Callable[..., Any],
    bundle_of: Callable[..., dict[str, Any]],
    records: tuple[dict[str, Any], ...],
) -> None:
    """It refuses conditional creates and ignores `identifier`; the visit is there once, and a repeat adds nothing."""
    for resource in records:
        url = f"{sekmet}/{resource['resourceType']}/{resource['id']}"
        requests.put(url, json=resource, timeout=10).raise_for_status()
    site = make_site(sekmet, "http://127.0.0.1:9/token")
    submission = make_submission()
    bundle, grant = orjson.dumps(bundle_of(submission)), site.grant()

    for _ in range(2):
        site.outbox.accept(submission, bundle, grant=grant)
        site.deliver(hours=1)

    assert site.standing(submission.key) == ("delivered", None)
    assert len(found(sekmet, "QuestionnaireResponse?patient=maria-lopez", "QuestionnaireResponse")) == 1
    assert len(found(sekmet, "Observation?patient=maria-lopez", "Observation")) == 2
    assert len(found(sekmet, "Provenance", "Provenance")) == 1
