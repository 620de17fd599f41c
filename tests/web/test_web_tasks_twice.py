"""Several processes of one site, on one PostgreSQL database, make one Task of a form and one Subscription at an EHR."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from fhir_alliance.ehr.draft import TASK_SCOPES, TOPIC_SCOPES, VISIT_SCOPES
from fhir_alliance.settings import read_settings
from fhir_alliance.tables import task_mirrors, visit_subscriptions
from smart_app.demo.site import Site
from smart_app.web.app import create_app
from tests import postgres

from .conftest import MakeHouse
from .house import House
from .test_web_backend import granting
from .test_web_tasks import assigned, tasks
from .test_web_topics import HEARD, topics


@pytest.fixture
def several(make_house: MakeHouse, postgresql: postgres.Cluster) -> Iterator[tuple[House, list[Flask]]]:
    """Open a house on PostgreSQL, with more processes of the same site."""

    def shared(site: Site) -> None:
        granting(f"{VISIT_SCOPES} {TASK_SCOPES} {TOPIC_SCOPES}")(site)
        text = site.settings.read_text().replace("[ehr.harbor]\n", '[ehr.harbor]\ntasks = ["form"]\n') + HEARD
        file = next(line for line in text.splitlines() if line.startswith("database = "))
        site.settings.write_text(text.replace(file, f'database = "{postgresql.database()}"'))

    house = make_house(change=shared)
    others = [create_app(read_settings(house.site.settings), clock=house.now) for _ in range(2)]
    yield house, [house.app, *others]
    for each in others:
        each.extensions["alliance"].engine.dispose()


def test_several_at_once(several: tuple[House, list[Flask]]) -> None:
    """Three processes that work at the same time, twice, make each Task and the Subscription once."""
    house, apps = several
    visit = assigned(house)

    def work(app: Flask) -> None:
        parts = app.extensions["alliance"]
        parts.tasks.mirror(house.now())
        parts.topics.keep(house.now())

    for _ in range(2):
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(work, apps))
    topics(house).settle()

    posted = [each for each in house.traffic if each[0] == "POST" and each[1].endswith(("/Task", "/Subscription"))]
    assert len(tasks(house, visit)) == 1
    assert len(posted) == len(tasks(house)) + 1
    assert {row["state"] for row in house.rows(task_mirrors)} == {"written"}
    assert [row["state"] for row in house.rows(visit_subscriptions)] == ["active"]
    assert house.ehr.extensions["sandbox_store"].search("Subscription", []).total == 1
