"""Several processes on one database: a refresh token that is used up by one of them is not used by another."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, text

from fhir_alliance.errors import NotSent
from fhir_alliance.store import alone

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

pytestmark = pytest.mark.parametrize("empty_store", ["postgresql"], indirect=True)
_WAITING = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


class Slow(dict[str, Any]):
    """Refresh tokens of an EHR that answers only when somebody else asks as well, or waits for this answer."""

    def __init__(self, site: "Site", ehr: "FakeEhr", **values: Any) -> None:
        super().__init__(values)
        self._site = site
        self._ehr = ehr

    def pop(self, token: str, *default: Any) -> Any:
        """Use a token up."""
        with self._site.engine.connect() as connection:
            while len(self._ehr.refreshed) < 2 and not connection.scalar(_WAITING):
                pass
        return super().pop(token, *default)


def test_two_processes_refresh_once(site: "Site", ehr: "FakeEhr", make_site: Callable[..., "Site"]) -> None:
    """Both are told that the token is refused: one refresh, and both get the token that it brought (S27)."""
    grant = site.grant(refresh="r1")
    other = make_site(f"{ehr.origin}/fhir", f"{ehr.origin}/token")
    ehr.refreshes = Slow(site, ehr, r1={"access_token": "token-2", "refresh_token": "r2"})
    tokens: list[str] = []
    threads = [
        threading.Thread(target=lambda each=each: tokens.append(each.grants.token(grant, rejected="token-1")))
        for each in (site, other)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (tokens, ehr.refreshed) == (["token-2", "token-2"], ["r1"])


def test_another_process_that_does_not_end(site: "Site", ehr: "FakeEhr", make_site: Callable[..., "Site"]) -> None:
    """Nothing is sent while one holds on; afterwards, also when what it did failed, the next goes on."""
    hasty = make_site(f"{ehr.origin}/fhir", f"{ehr.origin}/token").engine
    hasty.dispose()
    event.listen(hasty, "connect", _soon)

    with alone(site.engine, "a"), alone(hasty, "b"), pytest.raises(NotSent), alone(hasty, "a"):
        raise AssertionError
    with pytest.raises(ZeroDivisionError), alone(site.engine, "a"):
        _ = 1 / 0

    with alone(hasty, "a"):
        pass


def test_a_connection_that_is_lost_holds_nothing(
    site: "Site", ehr: "FakeEhr", make_site: Callable[..., "Site"]
) -> None:
    """A database server that ends it in the middle breaks neither what was done nor the next one."""
    other = make_site(f"{ehr.origin}/fhir", f"{ehr.origin}/token").engine
    ending = text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")

    with alone(site.engine, "a"), other.connect() as connection:
        connection.execute(ending)

    with alone(site.engine, "a"):
        pass


def _soon(connection: Any, _: object) -> None:
    connection.autocommit = True
    connection.execute("SET lock_timeout = '50ms'")
    connection.autocommit = False
