"""Visits that the EHR tells of: the app hears of them, catches up on what it missed, and believes nobody else."""

import json
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
import requests

from fhir_alliance.ehr.draft import TOPIC_SCOPES, VISIT_SCOPES
from fhir_alliance.tables import visit_looks, visit_subscriptions
from smart_app.demo.site import Site
from smart_app.doctor.asking import examine
from smart_app.sandbox.fhir.topics import TOPIC, Topics

from .conftest import MakeHouse
from .house import AOIFE, MARIA, House
from .test_web_backend import granting
from .test_web_visits import encounter, of

PERIOD = 600  # seconds, as the app wants it
HEARD = f'\n[ehr.harbor.visits]\npoll_minutes = 1440\ntopic = "{TOPIC}"\n'


def hearing(site: Site) -> None:
    """Let a site's EHR tell of visits."""
    granting(f"{VISIT_SCOPES} {TOPIC_SCOPES}")(site)
    site.settings.write_text(site.settings.read_text() + HEARD)


@pytest.fixture
def own(make_house: MakeHouse) -> House:
    """Open a house that has subscribed, and polled once so that it will not again today."""
    house = make_house(change=hearing)
    house.services.visits.watch(house.now())
    keep(house)
    return house


def topics(house: House) -> Topics:
    """Return the side of the EHR."""
    found: Topics = house.ehr.extensions["sandbox_topics"]
    return found


def keep(house: House, *, minutes: int = 0) -> None:
    """Let the app see to its Subscription, as if some minutes later, and the EHR tell what it has to."""
    house.services.topics.keep(house.now() + timedelta(minutes=minutes))
    topics(house).settle()


def look(house: House, *, minutes: int = 0) -> None:
    """Let the app look at what it has heard of, as if some minutes later."""
    topics(house).settle()
    house.services.visits.watch(house.now() + timedelta(minutes=minutes))


def visit_now(house: House, patient: str = MARIA, **more: Any) -> str:
    """Begin a visit at the EHR; returns its reference."""
    return encounter(house, patient, start=house.now() - timedelta(minutes=5), status="in-progress", **more)


def known(house: House) -> dict[str, Any]:
    """Return what the app knows of its Subscription."""
    (row,) = house.rows(visit_subscriptions)
    return row


def test_a_visit_that_begins_is_assigned(own: House) -> None:
    """After the handshake the Subscription is active, and a visit is assigned without a poll or a launch, once."""
    visit = visit_now(own)
    look(own)
    visit_now(own, name=visit.removeprefix("Encounter/"))
    look(own)

    settings = own.services.settings
    doctor = "\n".join(examine(settings, settings.ehrs["harbor"], now=own.now()))
    assert "Subscription to visits: active, last heard on" in doctor
    assert (known(own)["state"], known(own)["last_event"]) == ("active", 2)
    assert len(of(own, visit)) == 1
    assert {row["trigger"] for row in own.rows(visit_looks) if row["reference"] == visit} == {"subscription"}


def test_a_lost_notification_is_recovered(own: House) -> None:
    """An event that was lost on the way is asked for when the next one shows the gap."""
    topics(own).muted = True
    lost = visit_now(own)
    topics(own).settle()
    topics(own).muted = False
    visit_now(own, AOIFE)
    look(own)
    before = of(own, lost)
    keep(own)
    look(own)

    assert before == ()
    assert len(of(own, lost)) == 1
    assert (known(own)["last_event"], known(own)["highest_event"]) == (2, 2)
    assert any("/$events" in each[1] for each in own.traffic)


def test_a_heartbeat_shows_what_was_lost(own: House) -> None:
    """When nothing follows a lost event, the next heartbeat tells of it."""
    topics(own).muted = True
    lost = visit_now(own)
    topics(own).settle()
    topics(own).muted = False
    topics(own).beat(monotonic() + PERIOD)
    keep(own)
    look(own)

    assert len(of(own, lost)) == 1


def test_the_ehr_sends_a_heartbeat_when_it_is_time(own: House) -> None:
    """As long as the app wanted after it last heard something, and not before."""
    heard = []
    for later in (PERIOD - 60, PERIOD):
        own.ahead += timedelta(minutes=1)
        before = known(own)["heard_at"]
        topics(own).beat(monotonic() + later)
        heard.append(known(own)["heard_at"] > before)

    assert heard == [False, True]


def test_one_that_stopped_is_asked_for_again(own: House, quiet_log: list[dict[str, str]]) -> None:
    """A Subscription that the EHR has switched off works again after the next check, and what was missed is found."""
    store = own.ehr.extensions["sandbox_store"]
    store.update({**store.read("Subscription", known(own)["subscription"]), "status": "off"})
    topics(own).settle()
    missed = visit_now(own)
    keep(own, minutes=20)
    look(own, minutes=20)

    assert known(own)["state"] == "active"
    assert store.search("Subscription", []).total == 1
    assert len(of(own, missed)) == 1
    assert "topics.stopped" in {each["event"] for each in quiet_log}


def test_all_triggers_at_once(own: House) -> None:
    """A launch, a poll and two notifications of one visit make one assignment."""
    visit = visit_now(own)
    visit_now(own, name=visit.removeprefix("Encounter/"))
    look(own)
    own.services.visits.watch(own.now() + timedelta(days=1))
    own.clinician(MARIA)

    assert len({each.form for each in of(own, visit)}) == len(of(own, visit)) == 1


def told(house: House, body: bytes, *, secret: str | None = None, **more: str) -> int:
    """Call the app's endpoint; returns the status."""
    store = house.ehr.extensions["sandbox_store"]
    (given,) = store.read("Subscription", known(house)["subscription"])["channel"]["header"]
    header = given.partition(": ")[2] if secret is None else secret
    reply = requests.post(
        house.url("/ehr-notify/harbor"), data=body, headers={"Authorization": header, **more}, timeout=10
    )
    return reply.status_code


def notification(house: House, **changed: Any) -> dict[str, Any]:
    """Return a notification of a visit that is not there, with parameters changed or without (None)."""
    name = known(house)["subscription"]
    event = [
        {"name": "event-number", "valueString": "1"},
        {"name": "focus", "valueReference": {"reference": "Encounter/x"}},
    ]
    values: dict[str, Any] = {
        "subscription": {"valueReference": {"reference": f"Subscription/{name}"}},
        "type": {"valueCode": "event-notification"},
        "notification-event": {"part": event},
        **changed,
    }
    parameters = [{"name": each, **value} for each, value in values.items() if value]
    status = {"resourceType": "Parameters", "parameter": parameters}
    return {"resourceType": "Bundle", "type": "history", "entry": [{"resource": status}]}


def test_hostile_calls_do_nothing(own: House) -> None:
    """Without the secret, about another Subscription, too large, too deep or no notification: 4xx, nothing is done."""
    good = json.dumps(notification(own)).encode()
    before = (own.rows(visit_looks), known(own))
    wrong = [
        notification(own, subscription={"valueReference": {"reference": "Subscription/other"}}),
        notification(own, subscription=None),
        notification(own, type={"valueCode": "query-event"}),
        notification(own, type={"valueCode": ["handshake"]}),
        notification(own, **{"notification-event": {"part": [{"name": "event-number", "valueString": "-1"}]}}),
        notification(own, **{"notification-event": {"part": "x"}}),
        {"resourceType": "Bundle", "entry": [None]},
        [],
    ]
    statuses = [told(own, json.dumps(each).encode()) for each in wrong]
    statuses += [told(own, b"[" * 100_000), told(own, b"{" * 9), told(own, b"\xff"), told(own, b"")]
    secrets = [told(own, good, secret=each) for each in ("", "Bearer ", "Bearer x", "Basic eDp4")]

    assert set(statuses) == {400}
    assert set(secrets) == {401}
    assert told(own, good + b" " * 300_000) == 413
    assert (own.rows(visit_looks), known(own)) == before
    assert told(own, good) == 200
