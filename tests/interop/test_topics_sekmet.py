"""Another server's topic subscriptions: sekmet-fhir tells of a visit, and the app assigns what is due about it."""

from collections.abc import Callable
from datetime import timedelta
from threading import Event
from time import monotonic
from typing import Any

import pytest
import requests

from fhir_alliance.ehr.draft import TOPIC_SCOPES, VISIT_SCOPES
from fhir_alliance.tables import visit_looks, visit_subscriptions
from smart_app.demo.site import Site
from tests.sekmet import running_sekmet
from tests.web.conftest import MakeHouse, make_house, opener, record_of  # noqa: F401  # fixtures
from tests.web.test_web_backend import granting

TOPIC = "http://sekmet.dev/fhir/SubscriptionTopic/encounter-start"


def until(holds: Callable[[], object]) -> None:
    """Wait for what another process does."""
    end = monotonic() + 30
    while not holds():
        assert monotonic() < end
        Event().wait(0.05)


def made(base: str, resource: dict[str, Any]) -> str:
    """Create a resource on the server; returns its reference."""
    found = requests.post(f"{base}/{resource['resourceType']}", json=resource, timeout=10).json()
    return f"{found['resourceType']}/{found['id']}"


def test_a_visit_is_told(make_house: MakeHouse, tmp_path_factory: pytest.TempPathFactory) -> None:  # noqa: F811
    """After its handshake the server tells of a visit that begins; it has no `$events`, and none are missed."""
    with running_sekmet(tmp_path_factory.mktemp("sekmet"), validation={"inbound": "off"}) as base:

        def change(site: Site) -> None:
            granting(f"{VISIT_SCOPES} {TOPIC_SCOPES}")(site)
            text = site.settings.read_text().replace(f'fhir_base = "{site.fhir_base}"', f'fhir_base = "{base}"')
            site.settings.write_text(f'{text}\n[ehr.harbor.visits]\npoll_minutes = 1440\ntopic = "{TOPIC}"\n')

        house = make_house(change=change)
        house.services.visits.watch(house.now())
        house.services.topics.keep(house.now())
        until(lambda: house.rows(visit_subscriptions)[0]["state"] == "active")
        patient = made(base, {"resourceType": "Patient", "name": [{"family": "Lopez"}]})
        start = house.now() - timedelta(minutes=5)
        visit = made(
            base,
            {
                "resourceType": "Encounter",
                "status": "in-progress",
                "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
                "subject": {"reference": patient},
                "period": {"start": start.isoformat(timespec="seconds")},
            },
        )
        until(lambda: house.rows(visit_looks))
        house.services.visits.watch(house.now())

        assert house.services.assignments.of_visit("harbor", patient.removeprefix("Patient/"), visit)
        assert house.rows(visit_subscriptions)[0]["last_event"] == 1
