"""The Notes tab of the sandbox EHR's chart."""

from base64 import b64encode
from typing import Any

import pytest
from flask.testing import FlaskClient

from smart_app.sandbox.fhir.store import ResourceStore

PDF = b"%PDF-1.7 scores"
NOTES = "/patients/ada/notes"


def _attachment(media_type: str, content: bytes) -> dict[str, Any]:
    return {"attachment": {"contentType": media_type, "data": b64encode(content).decode()}}


def _note(**changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"text": "Progress note"},
        "subject": {"reference": "Patient/ada"},
        "date": "2026-11-24T10:00:00Z",
        "author": [{"display": "Ada Lovelace"}],
        "content": [
            _attachment("text/plain; charset=utf-8", b"Bond: 7.\n<b>8</b>"),
            _attachment("application/pdf", PDF),
        ],
        **changes,
    }


@pytest.fixture
def chart(empty: Any, empty_store: ResourceStore, sign_in: Any) -> FlaskClient:
    """Sign a clinician in to an EHR that knows two patients."""
    people = ({"resourceType": "Patient", "id": name, "name": [{"given": [name]}]} for name in ("ada", "ben"))
    empty_store.load([*people, {"resourceType": "Practitioner", "id": "mori", "name": [{"family": "Mori"}]}])
    browser: FlaskClient = empty.test_client()
    sign_in(browser, "Practitioner/mori")
    return browser


def test_notes_are_read_newest_first(chart: FlaskClient, empty_store: ResourceStore) -> None:
    """Each note shows its kind, author and words, escaped, the newest above the older."""
    empty_store.load([_note(id="old", date="2026-11-01T10:00:00Z", type={"text": "Old note"}), _note(id="new")])

    page = chart.get(NOTES).text

    assert page.index("Progress note") < page.index("Old note")
    assert "by Ada Lovelace · Current" in page
    assert "Bond: 7.\n&lt;b&gt;8&lt;/b&gt;" in page


@pytest.mark.parametrize("status", ["superseded", "entered-in-error"])
def test_notes_that_no_longer_hold_are_struck_out(chart: FlaskClient, empty_store: ResourceStore, status: str) -> None:
    """What was replaced or was never right stays readable, struck out."""
    empty_store.load([_note(id="old", status=status)])

    page = chart.get(NOTES).text

    assert "<del>Progress note</del>" in page
    assert '<del class="note-text">Bond' in page


def test_attachments_open_as_what_they_are(chart: FlaskClient, empty_store: ResourceStore) -> None:
    """A PDF of a note is linked with its size and comes back byte for byte, guarded like every page of a chart."""
    empty_store.load([_note(id="new")])

    answer = chart.get(f"{NOTES}/new/1")

    assert f'href="{NOTES}/new/1">Open as PDF, 1 KB' in chart.get(NOTES).text
    assert (answer.data, answer.mimetype) == (PDF, "application/pdf")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "address", ["/patients/ada/notes/new/7", "/patients/ada/notes/new/2", "/patients/ben/notes/new/1", f"{NOTES}/no/0"]
)
def test_only_safe_attachments_of_this_chart_open(chart: FlaskClient, empty_store: ResourceStore, address: str) -> None:
    """No active content, nothing that is not there, and no note of another patient is given out."""
    page = _attachment("text/html", b"<script>")
    empty_store.load([_note(id="new", content=[*_note()["content"], page, {"attachment": {"data": "%"}}])])

    assert chart.get(address).status_code == 404


def test_a_chart_without_notes_says_so(chart: FlaskClient) -> None:
    """Where there is no note, the tab says that."""
    assert "No notes yet." in chart.get(NOTES).text
