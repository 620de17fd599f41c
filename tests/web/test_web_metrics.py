"""/metrics: counts for a monitoring system, behind a token of the site's own, without anybody in them."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from fhir_alliance.ehr.breaker import FAILURES
from fhir_alliance.store import transaction
from fhir_alliance.tables import backlog_alarms, harvest_refusals, submissions

from .house import MARIA, THOMAS, House, Person
from .test_web_delivery import send

TOKEN = "a-token-that-is-long-enough-to-be-one"


def switched_on(site: Any) -> None:
    """Give the site a token for its figures."""
    site.settings.write_text(site.settings.read_text() + '\n[operations]\nmetrics_token_file = "metrics.token"\n')
    token = site.settings.parent / "metrics.token"
    token.write_text(TOKEN)
    token.chmod(0o600)


@pytest.fixture
def watched(make_house: Callable[..., House]) -> House:
    """Open a house whose figures can be read."""
    return make_house(change=switched_on)


def scrape(house: House, token: str = TOKEN) -> requests.Response:
    """Ask for the figures with a token."""
    return Person().send("GET", house.url("/metrics"), Authorization=f"Bearer {token}")


def samples(reply: requests.Response) -> dict[tuple[str, ...], float]:
    """Return every figure by its name and labels, as a monitoring system reads them."""
    families = text_string_to_metric_families(reply.text)
    return {
        (sample.name.removeprefix("fhir_alliance_"), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_what_happened_is_counted(watched: House) -> None:
    """States, reasons, sends, totals and the oldest age, from the database; nothing yet is a zero."""
    before = samples(scrape(watched))
    send(watched, THOMAS)
    watched.deliver()
    key = send(watched, MARIA)
    with transaction(watched.services.engine) as connection:
        held = submissions.update().where(submissions.c.key == key).values(state="held", reason="not-allowed")
        connection.execute(held)
        row = {"ehr": "harbor", "level": "4 h", "opened_at": watched.now(), "tries": 0}
        connection.execute(backlog_alarms.insert().values(**row))

    reply = scrape(watched)

    found = samples(reply)
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert (before["accepted_total", "harbor"], before["oldest_waiting_seconds", "harbor"]) == (0, 0)
    assert (found["accepted_total", "harbor"], found["delivered_total", "harbor"]) == (2, 1)
    assert (found["submissions", "harbor", "held"], found["submissions", "harbor", "leased"]) == (1, 0)
    assert found["waiting", "harbor", "not-allowed"] == 1
    assert (found["backlog_alarms", "harbor", "4 h"], found["backlog_alarms", "harbor", "24 h"]) == (1, 0)
    assert (found["sends_total", "harbor", "written"], found["sends_total", "harbor", "refused"]) == (1, 0)
    assert found["oldest_waiting_seconds", "harbor"] > 0
    assert {name for name, *_ in found} == {name for name, *_ in before} | {"waiting", "breaker"}


def test_an_ehr_that_is_left_alone_is_told(watched: House) -> None:
    """The breaker of this process has one state at a time; while the EHR does not answer it is open (F03)."""
    send(watched, MARIA)
    door = watched.services.registry.door(watched.services.settings.ehrs["harbor"])
    before = samples(scrape(watched))
    for _ in range(FAILURES):
        with door._breaker.passage() as passage:
            passage.answered = False

    after = samples(scrape(watched))

    states = ("closed", "open", "half-open")
    assert [before["breaker", "harbor", state] for state in states] == [1, 0, 0]
    assert [after["breaker", "harbor", state] for state in states] == [0, 1, 0]


def test_what_the_harvest_refused_is_counted(watched: House) -> None:
    """Each version of a response of others that was not scored counts for its reason."""
    row = {"ehr": "harbor", "response": "r1", "patient": MARIA, "reason": "invalid", "found_at": watched.now()}
    with transaction(watched.services.engine) as connection:
        connection.execute(harvest_refusals.insert(), [{**row, "version": version} for version in ("1", "2")])

    assert samples(scrape(watched))["harvest_refused", "harbor", "invalid"] == 2


def test_nobody_is_in_the_figures(watched: House) -> None:
    """No patient, key, therapist or answer (T68)."""
    key = send(watched, MARIA)

    text = scrape(watched).text

    for canary in (MARIA, "Maria", "Lopez", key, "Practitioner", "visit-check-in", "MRN"):
        assert canary not in text


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], f"{TOKEN}x", TOKEN.upper()])
def test_without_the_token_there_is_no_such_page(watched: House, token: str) -> None:
    """A wrong token is answered as an address that was never there."""
    wrong = scrape(watched, token)
    none = Person().send("GET", watched.url("/metrics"))
    missing = Person().send("GET", watched.url("/nothing"))

    assert wrong.status_code == none.status_code == missing.status_code == 404
    assert "fhir_alliance_" not in wrong.text + none.text


def test_it_is_off_unless_switched_on(house: House) -> None:
    """A site that has no token has no such page, whatever is shown."""
    assert scrape(house).status_code == scrape(house, "None").status_code == 404


def test_a_new_token_needs_no_restart(watched: House) -> None:
    """The file is read each time: the old token ends with it."""
    (watched.site.settings.parent / "metrics.token").write_text(TOKEN[::-1])

    assert (scrape(watched).status_code, scrape(watched, TOKEN[::-1]).status_code) == (404, 200)
