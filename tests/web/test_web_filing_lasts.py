"""A filed page through its whole life, on both databases: pressed at once, come twice, withdrawn, deleted."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from fhir_alliance.delivery.receipts import State
from fhir_alliance.settings import read_settings
from fhir_alliance.tables import attempts, audit, submissions
from smart_app.demo.browser import Page
from smart_app.demo.site import Site, offer_filing
from smart_app.web.app import create_app
from tests import postgres

from .house import SESSION, THOMAS, House, Person
from .test_web_filing import (
    asked,
    documents,
    file,
    known,
    later,
    lose_answers,
    refuse_documents,
    standings,
)

MakeHouse = Callable[..., House]
HOUR = timedelta(hours=1)


@pytest.fixture
def on_postgresql(postgresql: postgres.Cluster) -> Callable[[Site], None]:
    """Return what gives a site that offers filing a PostgreSQL database."""

    def change(site: Site) -> None:
        offer_filing(site)
        text = site.settings.read_text()
        file = next(line for line in text.splitlines() if line.startswith("database = "))
        site.settings.write_text(text.replace(file, f'database = "{postgresql.database()}"'))

    return change


@pytest.fixture(params=["sqlite", "postgresql"])
def filing(request: pytest.FixtureRequest, make_house: MakeHouse) -> House:
    """Open a house whose EHR takes documents, on each database."""
    on_sqlite = request.param == "sqlite"
    return known(make_house(change=offer_filing if on_sqlite else request.getfixturevalue("on_postgresql")))


@pytest.fixture
def several(make_house: MakeHouse, on_postgresql: Callable[[Site], None]) -> Iterator[tuple[House, list[Flask]]]:
    """Open a house on PostgreSQL, with more processes of the same site."""
    house = known(make_house(change=on_postgresql))
    others = [create_app(read_settings(house.site.settings), clock=house.now) for _ in range(3)]
    yield house, [house.app, *others]
    for each in others:
        each.extensions["alliance"].engine.dispose()


def withdraw(house: House, person: Person, delivery: Page) -> None:
    """Let a clinician take the page back, and let that go out."""
    question = person.open(delivery.link("/withdraw"))
    person.submit(question, question.form("/withdraw"), cause="mistake")
    house.deliver()


def told(house: House) -> list[dict[str, Any]]:
    """Return what the chart was told about who corrected what."""
    found: list[dict[str, Any]] = house.ehr.extensions["sandbox_store"].search("Provenance", []).resources
    return [each for each in found if each.get("activity", {}).get("coding", [{}])[0].get("code") == "NULLIFY"]


def copy(house: House) -> None:
    """Write the page once more, as a slow EHR does long after it was asked."""
    (document,) = documents(house)
    store = house.ehr.extensions["sandbox_store"]
    first = {name: value for name, value in document.items() if name not in ("id", "meta")}
    store.create({**first, "status": "current"})


def test_its_whole_life(filing: House) -> None:
    """Filed, there, withdrawn with a word about who did so, filed anew, and all of it deleted here a month later."""
    person, delivery = file(filing)
    there = [each["status"] for each in documents(filing)]
    withdraw(filing, person, delivery)
    taken_back = [each["status"] for each in documents(filing)]

    file(filing)
    filing.services.courier.purge_due(filing.now() + timedelta(days=31))

    rows = filing.rows(submissions)
    assert (there, taken_back) == (["current"], ["entered-in-error"])
    assert sorted(each["status"] for each in documents(filing)) == ["current", "entered-in-error"]
    assert standings(filing) == [(State.DELIVERED, None)] * 3
    assert {row["payload"] for row in rows} == {b""}
    assert [row["event"] for row in filing.rows(audit)].count("submission.purged") == 3


def test_pressed_at_once_in_several_processes(several: tuple[House, list[Flask]]) -> None:
    """Whoever presses twice, and whichever process gets it, sees where the page is; one is filed (F09)."""
    house, apps = several
    person, question = asked(house)
    form = question.form("/filing")
    headers = {"Cookie": f"{SESSION}={person.cookie(SESSION)}", "Origin": house.site.app_url}

    def press(app: Flask) -> tuple[int, str]:
        browser = app.test_client(use_cookies=False)
        reply = browser.post(form.action, data=form.hidden, headers=headers)
        return reply.status_code, reply.headers.get("Location", "").rpartition("/")[2]

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(press, apps * 2))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda app: app.extensions["alliance"].courier.deliver_due(house.now()), apps))

    assert seen == [(303, "delivery")] * 8
    assert standings(house) == [(State.DELIVERED, None)]
    assert len(documents(house)) == 1
    assert [row["step"] for row in house.rows(attempts)] == ["document"]


def test_a_page_that_comes_twice_goes_to_a_person(filing: House) -> None:
    """A send that was given up lands hours after the next one: within the hour a person is told (F07)."""
    filing.ehr.before_request_funcs.setdefault(None, []).insert(0, refuse_documents)
    file(filing)
    filing.ehr.before_request_funcs[None].remove(refuse_documents)
    later(filing)
    before = filing.services.courier.look_again(filing.now() + 2 * HOUR)
    copy(filing)

    looked = filing.services.courier.look_again(filing.now() + 4 * HOUR)

    assert (before, looked) == (1, 1)
    assert standings(filing) == [(State.HELD, "possible-duplicate")]
    assert [row["outcome"] for row in filing.rows(attempts)] == ["unknown", "written"]


def test_a_page_that_comes_after_its_withdrawal_is_marked(filing: House) -> None:
    """What lands when it was taken back already is found by the sweep, and entered in error as well (F07)."""
    lose_answers(filing, times=1)
    person, delivery = file(filing)
    withdraw(filing, person, delivery)
    copy(filing)

    looked = filing.services.courier.look_again(filing.now() + 2 * HOUR)
    filing.services.courier.deliver_due(filing.now() + 3 * HOUR)

    assert looked == 1
    assert [each["status"] for each in documents(filing)] == ["entered-in-error"] * 2
    assert [state for state, _ in standings(filing)] == [State.REPLACED, State.DELIVERED]


def test_the_chart_is_told_who_withdrew_it(filing: House) -> None:
    """Beside the page that is entered in error stands who took it back, and why, once."""
    person, delivery = file(filing)

    withdraw(filing, person, delivery)
    later(filing)

    (document,) = documents(filing)
    (word,) = told(filing)
    assert word["target"] == [{"reference": f"DocumentReference/{document['id']}"}]
    assert word["agent"][0]["who"] == {"reference": "Practitioner/ada-okafor"}
    assert word["reason"] == [{"text": "There was a mistake in it."}]


def test_a_page_that_never_left_needs_no_word(filing: House) -> None:
    """What was taken back before it was sent leaves nothing in the chart, not even who did so."""
    person, question = asked(filing, THOMAS)
    delivery = person.submit(question, question.form("/filing"))

    withdraw(filing, person, delivery)

    assert documents(filing) == told(filing) == []
