"""What the serving process holds after many accepted forms, beside what it held after the first few."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from time import monotonic
from typing import Final

import requests
from rich.console import Console

from fhir_alliance.settings import read_settings
from tests.prepared import Desk, Reviewed
from tests.soak.house import House

CLIENTS: Final = 16
# Until then every thread has served, and every part that is loaded late is there.
FIRST: Final = 100
GROWTH: Final = 1.1
_TOKENS: Final = {"access_token": "unused", "expires_in": 3600, "scope": "patient/Observation.c"}


def remember(forms: int, seed: int, console: Console) -> bool:
    """Accept so many forms without delivering any; returns whether the memory has grown by a tenth at most."""
    with tempfile.TemporaryDirectory(prefix="fhir-alliance-memory-") as name:
        house = House(Path(name), "", patients=FIRST + forms)
        waiting = _prepared(house, seed)
        with house.servers(0, deliver=False) as (app, *_):
            _accept(house, waiting[:FIRST])
            start = app.megabytes()
            began = monotonic()
            _accept(house, waiting[FIRST:])
            rate = forms / (monotonic() - began)
            end = app.megabytes()
    good = end <= start * GROWTH
    console.print(
        f"memory: {'good' if good else 'BAD'}, {start:.1f} MB after {FIRST} accepted forms, {end:.1f} MB after "
        f"{forms:,} more; {rate:.0f} a second at {CLIENTS} clients",
        highlight=False,
    )
    return good


def _prepared(house: House, seed: int) -> list[Reviewed]:
    desk = Desk.of(read_settings(house.site.settings), seed=seed)
    forms = list(_forms(desk, house))
    desk.close()
    return forms


def _forms(desk: Desk, house: House) -> Iterator[Reviewed]:
    for patient in house.people[::2]:
        yield from desk.prepare(patient, desk.permission(patient["id"], _TOKENS), 1)


def _accept(house: House, forms: list[Reviewed]) -> None:
    """Press Send for each form; raises when one is not accepted."""
    own = local()

    def send(form: Reviewed) -> None:
        if not hasattr(own, "session"):
            own.session = requests.Session()
            own.session.trust_env = False
        if form.send(house.site.app_url, own.session) != form.key:
            raise RuntimeError("a form was not accepted")

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(send, forms))
