"""An instrument that may not be used is refused with its reason, wherever it could be used."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from fhir_alliance.errors import NotReady
from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.readiness import State, readiness, require_ready
from fhir_alliance.settings import AlertSettings, read_settings
from smart_app.demo.site import Site
from smart_app.publishing import ready_instruments

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("visit-check-in", State.READY, ""),
        ("gad-7", State.READY, ""),
        ("wai-sr", State.NEEDS_WORDING, "limited copyright release"),
        ("haq-ii", State.DRAFT, "Not verified: answers"),
        ("sparq", State.DRAFT, "CC BY"),
        ("phq-9", State.NEEDS_ALERT_WORKFLOW, "Item 9 may reveal danger"),
        ("phq-9", State.NEEDS_ALERT_WORKFLOW, "Add [alerts] to alliance.toml: recipients, escalation"),
    ],
)
def test_state_and_reason(name: str, state: State, reason: str) -> None:
    """Each instrument says whether it is ready, and what is missing when it is not."""
    found = readiness(shipped().instrument(name), today=TODAY)

    assert found.state is state
    assert reason in found.reason


def test_retired_version_is_not_used() -> None:
    """A retired version stays readable and is not published any more."""
    retired = replace(shipped().instrument("gad-7"), status="retired")

    assert readiness(retired, today=TODAY).state is State.RETIRED


def test_only_ready_instruments_are_published(site: Site) -> None:
    """Nothing without words, verification or an alert workflow is published."""
    assert {each.name for each in ready_instruments(read_settings(site.settings))} == {
        "gad-7",
        "phq-4",
        "visit-check-in",
    }


def test_refusal_says_why() -> None:
    """Using an instrument that is not ready is an error with the reason."""
    with pytest.raises(NotReady, match=r"wai-sr 1\.0\.0 cannot be used \(needs wording\)"):
        require_ready(shipped().instrument("wai-sr"), today=TODAY)


def test_alert_item_wins_over_everything() -> None:
    """An item on self-harm stops an instrument even when everything else is in order."""
    instrument = replace(shipped().instrument("gad-7"), alert_items=("7",))

    assert readiness(instrument, today=TODAY).state is State.NEEDS_ALERT_WORKFLOW


def test_alert_workflow_makes_the_instrument_ready() -> None:
    """Where a site has said who is told, the instrument can be used; a retired one still can not."""
    phq9 = shipped().instrument("phq-9")

    assert readiness(phq9, today=TODAY, alerts=True).state is State.READY
    assert require_ready(phq9, today=TODAY, alerts=True) is phq9
    assert readiness(replace(phq9, status="retired"), today=TODAY, alerts=True).state is State.RETIRED


@pytest.mark.parametrize("configured", [False, True])
def test_alert_workflow_decides_what_is_published(site: Site, configured: bool) -> None:
    """Publishing leaves out an instrument with an alert item until the site has configured alerts."""
    settings = read_settings(site.settings)
    alerts = AlertSettings(
        recipients=("on-call@clinic.example.invalid",),
        escalation=("head@clinic.example.invalid",),
        acknowledge_within=timedelta(minutes=30),
        smtp_host="localhost",
        smtp_port=25,
        smtp_security="none",
        sender="alliance@clinic.example.invalid",
        user="",
    )

    ready = ready_instruments(replace(settings, alerts=alerts if configured else None))

    assert ("phq-9" in {each.name for each in ready}) is configured
