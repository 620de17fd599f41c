"""The request to pass a link on says that a form is waiting, and nothing of what for."""

from datetime import UTC, datetime, timedelta

from fhir.resources.R4B.communicationrequest import CommunicationRequest

from fhir_alliance.records.communication import build_communication_request
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
