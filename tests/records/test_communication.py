"""The request to pass a link on says that a form is waiting, and nothing of what for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fhir.resources.R4B.communicationrequest import CommunicationRequest

from fhir_alliance.records.communication import build_communication_request, key_in, link_in
from fhir_alliance.visits.message_words import WORDS, Saying

SAYING = WORDS["en"][Saying.LINK]

NOW = datetime(2026, 11, 12, 15, 42, tzinfo=UTC)


def test_it_is_fhir_and_says_nothing_more() -> None:
    """It is a valid R4 CommunicationRequest to this patient alone, without a reason, a topic or a visit."""
    made = build_communication_request(
        key="7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a10",
        patient="Patient/maria-lopez",
        requester="Practitioner/ada-okafor",
        text=SAYING,
        link="https://alliance.example.invalid/link/abc",
        authored=NOW,
        expires=NOW + timedelta(hours=48),
    )

    CommunicationRequest.model_validate(made)
    assert [each["contentString"] for each in made["payload"]] == [SAYING, "https://alliance.example.invalid/link/abc"]
    assert made["recipient"] == [{"reference": "Patient/maria-lopez"}]
    assert made["occurrencePeriod"]["end"] == "2026-11-14T15:42:00+00:00"
    assert not {"reasonCode", "category", "about", "encounter", "note"} & made.keys()


@pytest.mark.parametrize(
    ("request_in_the_ehr", "key", "link"),
    [
        (
            {"identifier": [{"value": "urn:uuid:b"}], "payload": [{"contentString": "t"}, {"contentString": "l"}]},
            "b",
            "l",
        ),
        ({"identifier": [{"value": "urn:uuid:c"}, "x"], "payload": [{"contentReference": {}}]}, None, ""),
        ({"identifier": {"value": "urn:uuid:a"}, "payload": "l"}, None, ""),
        ({}, None, ""),
    ],
)
def test_what_an_ehr_has_is_read_in_any_shape(request_in_the_ehr: dict[str, Any], key: str | None, link: str) -> None:
    """Whatever an EHR has made of a request, it is told as ours only by its identifier, and a lost link is none."""
    assert key_in(request_in_the_ehr, ["a", "b"]) == key
    assert link_in(request_in_the_ehr) == link
