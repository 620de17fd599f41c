"""What is due is found without looking through all that waits."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, insert, literal, select

from fhir_alliance.delivery.due import next_due
from fhir_alliance.store import transaction
from fhir_alliance.tables import submissions

if TYPE_CHECKING:
    from tests.delivery.conftest import Site

COPIED = [column.name for column in submissions.columns if column.name not in ("sequence", "key", "patient")]


def pile_up(engine: Engine, first: int, last: int) -> None:
    """Let more forms wait, each of a patient of its own."""
    with transaction(engine) as connection:
        for number in range(first, last):
            own = (literal(f"copy-{number}").label("key"), literal(f"patient-{number}").label("patient"))
            copy = select(*own, *(submissions.c[name] for name in COPIED)).limit(1)
            connection.execute(insert(submissions).from_select(["key", "patient", *COPIED], copy))


def steps(site: "Site") -> int:
    """Return how many steps SQLite's virtual machine makes to find the next."""
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    with site.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.set_progress_handler(count, 1)
        connection.execute(next_due(site.clock.now, "harbor")).one()
        raw.set_progress_handler(None, 0)
    return counted[0]


@pytest.mark.parametrize("empty_store", ["sqlite"], indirect=True)
def test_a_long_queue_costs_no_more_than_a_short_one(site: "Site", accept: Callable[..., str]) -> None:
    """With 400 forms waiting the next is found in as many steps as with 20."""
    accept()
    pile_up(site.engine, 0, 20)
    few = steps(site)
    pile_up(site.engine, 20, 400)

    assert steps(site) <= few * 1.1
