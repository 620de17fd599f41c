"""A harvest that is cut off, lagged behind, or done by several at once still leaves every score once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from flask import Flask

from fhir_alliance.delivery.harvested import HarvestedResponses
from fhir_alliance.delivery.receipts import Source
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.paging import SearchResult
from fhir_alliance.errors import EhrUnreachable, FhirError
from fhir_alliance.settings import read_settings
from fhir_alliance.tables import attempts, harvest_rounds, submissions
from smart_app.demo.site import Site
from smart_app.web.app import create_app
from tests import postgres

from .house import THOMAS, House
from .test_web_backend import granting, key_of, sent
from .test_web_harvest import SCOPES, change, filled, look, put, scores, standings, told

MakeHouse = Callable[..., House]
BOTH = {"visit-check-in": ("final", None), "visit-check-in-core": ("final", 7.5)}
WRITES = f"{SCOPES} system/QuestionnaireResponse.crs"


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    """Open a house whose backend client may look for responses, and deliver."""
    return make_house(change=granting(WRITES))


def outcomes(house: House) -> list[str | None]:
    """Return what became of each send."""
    return [row["outcome"] for row in house.rows(attempts)]


@pytest.mark.parametrize("arrived", [0, 1, 2], ids=["nothing", "one of two", "everything"])
def test_lost_reply(house: House, monkeypatch: pytest.MonkeyPatch, arrived: int) -> None:
    """Whatever of a send has arrived when its reply is lost, only what is missing is sent after a time (F07, F10)."""
    name = put(house, filled(house))
    look(house)
    send = FhirClient.transaction

    def cut(client: FhirClient, bundle: bytes) -> Any:
        value = orjson.loads(bundle)
        if arrived:
            send(client, orjson.dumps({**value, "entry": value["entry"][:arrived]}))
        raise EhrUnreachable("cut")

    with monkeypatch.context() as patch:
        patch.setattr(FhirClient, "transaction", cut)
        house.deliver()
    unknown = standings(house)
    house.services.courier.deliver_due(house.now() + (soon := timedelta(seconds=20)))
    too_early = len(outcomes(house))
    house.services.courier.deliver_due(house.now() + soon + timedelta(minutes=16))

    assert (unknown, too_early) == ([("unknown", "ehr.unreachable")], 1)
    assert standings(house) == [("delivered", None)]
    assert told(scores(house, name)) == BOTH
    assert outcomes(house) == ["unknown"] if arrived == 2 else ["unknown", "written"]


def test_condition_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An EHR that refuses conditions is sent the scores without them, after another look."""
    name = put(house, filled(house))
    look(house)
    send = FhirClient.transaction

    def picky(client: FhirClient, bundle: bytes) -> Any:
        if b"ifNoneExist" in bundle:
            raise FhirError(400, "no conditions")
        return send(client, bundle)

    monkeypatch.setattr(FhirClient, "transaction", picky)
    house.deliver()

    assert told(scores(house, name)) == BOTH
    assert outcomes(house) == ["refused", "written"]


def test_refused_content(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An EHR that takes no such Observation at all is not asked for ever."""

    def never(client: FhirClient, bundle: bytes) -> Any:
        raise FhirError(422, "no")

    put(house, filled(house))
    look(house)
    monkeypatch.setattr(FhirClient, "transaction", never)

    house.deliver()

    assert standings(house) == [("rejected", "invalid")]


def test_lagging_index(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores that were written and cannot be found yet are waited for, and not sent again (F08)."""
    name = put(house, filled(house))
    look(house)
    search = FhirClient.search

    def lagging(client: FhirClient, kind: str, params: Any, **more: Any) -> Any:
        found = search(client, kind, params, **more)
        return replace(found, resources=()) if kind == "Observation" else found

    with monkeypatch.context() as patch:
        patch.setattr(FhirClient, "search", lagging)
        house.deliver()
        house.services.courier.deliver_due(house.now() + timedelta(minutes=16))
    waiting = standings(house)
    house.services.courier.deliver_due(house.now() + timedelta(minutes=40))

    assert waiting == [("unknown", "not-read-back")]
    assert (standings(house), outcomes(house)) == ([("delivered", None)], ["written"])
    assert told(scores(house, name)) == BOTH


def without_identifier(house: House) -> None:
    """Let the EHR drop the identifiers of the responses that it was sent today."""
    store = house.ehr.extensions["sandbox_store"]
    for each in store.search(
        "QuestionnaireResponse", [("_lastUpdated", f"ge{house.opened.isoformat()[:19]}Z")]
    ).resources:
        store.update({name: value for name, value in each.items() if name != "identifier"})


@pytest.mark.parametrize("dropped", [False, True])
def test_own_response_is_not_harvested(house: House, *, dropped: bool) -> None:
    """What we wrote ourselves is known by its identifier, and where the EHR drops that by its id."""
    _, receipt = sent(house)
    house.deliver()
    if dropped:
        without_identifier(house)

    found = look(house)

    assert (found, len(house.written(key_of(receipt))[1])) == ({}, 2)
    assert standings(house) == [("delivered", None)]


def test_own_response_on_its_way(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response without an identifier may be one of ours whose reply was lost: it is looked at when that is known."""
    send = FhirClient.transaction

    def cut(client: FhirClient, bundle: bytes) -> Any:
        send(client, bundle)
        raise EhrUnreachable("cut")

    sent(house)
    with monkeypatch.context() as patch:
        patch.setattr(FhirClient, "transaction", cut)
        house.deliver()
    without_identifier(house)

    found = look(house)

    assert (found, standings(house)) == ({}, [("unknown", "ehr.unreachable")])
    assert [row["looked_until"] for row in house.rows(harvest_rounds)] == [house.opened]


@pytest.fixture
def several(make_house: MakeHouse, postgresql: postgres.Cluster) -> Iterator[tuple[House, list[Flask]]]:
    """Open a house on PostgreSQL, with more processes of the same site."""

    def shared(site: Site) -> None:
        granting(SCOPES)(site)
        text = site.settings.read_text()
        file = next(line for line in text.splitlines() if line.startswith("database = "))
        site.settings.write_text(text.replace(file, f'database = "{postgresql.database()}"'))

    house = make_house(change=shared)
    others = [create_app(read_settings(house.site.settings), clock=house.now) for _ in range(3)]
    yield house, [house.app, *others]
    for each in others:
        each.extensions["alliance"].engine.dispose()


def test_several_at_once(several: tuple[House, list[Flask]]) -> None:
    """Four processes that look and deliver at the same time, twice, score each response once (F09)."""
    house, apps = several
    names = [put(house, filled(house)) for _ in range(6)]

    def work(app: Flask) -> None:
        parts = app.extensions["alliance"]
        parts.harvester.harvest("harbor", since=house.opened, again=True)
        parts.courier.deliver_due(house.now())

    for _ in range(2):
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(work, apps))

    assert [told(scores(house, name)) for name in names] == [BOTH] * 6
    assert standings(house) == [("delivered", None)] * 6
    assert outcomes(house) == ["written"] * 6
    assert len(house.rows(submissions)) == 6


def test_older_version_accepted_last(house: House) -> None:
    """When one process accepts an older version after another a newer one, the newer one is what is written."""
    name = put(house, filled(house))
    store = house.ehr.extensions["sandbox_store"]
    old = store.read("QuestionnaireResponse", name)
    change(house, name, item=filled(house)["item"][:5])
    look(house)
    found = house.services.harvester.round("harbor").look_at(old)

    house.deliver()
    house.deliver()

    assert found is not None
    assert sorted(standings(house)) == [("delivered", None), ("held", "superseded")]


def test_repeated_retraction(house: House) -> None:
    """Two processes that see the same withdrawal accept it once."""
    name = put(house, filled(house))
    look(house)
    house.deliver()
    change(house, name, status="entered-in-error")
    harvested = HarvestedResponses(house.services.engine, house.services.vault)
    accepted = harvested.latest("harbor", name)
    assert accepted
    source = Source(response=name, version="2")

    for _ in range(2):
        harvested.retract(accepted, key="k", source=source, grant=house.services.grants.own("harbor"), now=house.now())

    assert [row["answers_digest"] for row in house.rows(submissions)][1:] == ["retracted"]


Resources = list[dict[str, Any]]


def elsewhere(found: Resources) -> Resources:
    """Return scores that the EHR has filed under another patient."""
    return [{**each, "subject": {"reference": f"Patient/{THOMAS}"}} for each in found]


@pytest.mark.parametrize(
    ("distort", "complete", "reason"),
    [
        (lambda found: [*found, *({**each, "id": f"{each['id']}-2"} for each in found)], True, "possible-duplicate"),
        (elsewhere, True, "subject-rewritten"),
        (lambda found: found[:0], False, "cannot-read-back"),
        (lambda found: [{**each, "identifier": None} for each in found], True, "ehr.unreachable"),
    ],
)
def test_chart_that_cannot_be_trusted(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    distort: Callable[[Resources], Resources],
    complete: bool,
    reason: str,
) -> None:
    """Duplicates, another patient's, a part of what there is, or nonsense: nothing is sent, and that is told."""
    name = put(house, filled(house))
    look(house)
    house.deliver()
    change(house, name, item=filled(house)["item"][1:])
    look(house)
    search = FhirClient.search

    def distorted(client: FhirClient, kind: str, params: Any, **more: Any) -> Any:
        mine = [each for each in search(client, kind, params, **more).resources if each["id"] in known]
        return SearchResult(resources=tuple(distort(mine)), complete=complete)

    known = {each["id"] for each in scores(house, name).values()}
    monkeypatch.setattr(FhirClient, "search", distorted)

    house.deliver()

    assert standings(house)[-1][1] == reason
    assert outcomes(house) == ["written"]


def test_copies_in_error_do_not_count(house: House) -> None:
    """Scores that came twice, of which a person has marked one copy, are amended where they stand."""
    name = put(house, filled(house))
    look(house)
    house.deliver()
    copies = [{**each, "status": "entered-in-error"} for each in scores(house, name).values()]
    change(house, name, item=filled(house)["item"][1:])
    look(house)
    for each in copies:
        house.ehr.extensions["sandbox_store"].create(each)

    house.deliver()

    assert standings(house) == [("delivered", None)] * 2


@pytest.mark.parametrize(
    ("status", "kind", "standing"),
    [
        (404, "read", ("held", "superseded")),
        (403, "read", ("held", "needs-sign-in")),
        (503, "search", ("accepted", "ehr.refused")),
        (400, "search", ("held", "cannot-read-back")),
    ],
)
def test_chart_that_cannot_be_read(
    house: House, monkeypatch: pytest.MonkeyPatch, status: int, kind: str, standing: tuple[str, str]
) -> None:
    """What the EHR refuses to show before a send means that nothing is sent."""
    put(house, filled(house))
    look(house)
    plain = getattr(FhirClient, kind)

    def refuse(client: FhirClient, resource_type: str, *arguments: Any, **more: Any) -> Any:
        if resource_type in ("QuestionnaireResponse", "Observation"):
            raise FhirError(status, "")
        return plain(client, resource_type, *arguments, **more)

    monkeypatch.setattr(FhirClient, kind, refuse)

    house.deliver()

    assert (standings(house), outcomes(house)) == ([standing], [])


def test_late_arrival_is_found_by_the_next_version(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version whose send may still arrive is not given up before it could: the next one has to find what it left."""
    name = put(house, filled(house))
    look(house)
    send, late = FhirClient.transaction, list[Any]()

    def cut(client: FhirClient, bundle: bytes) -> Any:
        late.append((client, bundle))
        raise EhrUnreachable("cut")

    with monkeypatch.context() as patch:
        patch.setattr(FhirClient, "transaction", cut)
        house.deliver()
    change(house, name, status="entered-in-error")
    look(house)
    house.services.courier.deliver_due(house.now() + timedelta(seconds=20))
    waiting = standings(house)
    send(*late[0])
    for minutes in (16, 32):
        house.services.courier.deliver_due(house.now() + timedelta(minutes=minutes))

    assert waiting == [("unknown", "not-read-back"), ("accepted", None)]
    assert standings(house) == [("held", "superseded"), ("delivered", None)]
    assert {status for status, _ in told(scores(house, name)).values()} == {"entered-in-error"}
