"""What the serving process holds after many forms, and when it delivers them, too, beside what it first held."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import local
from time import monotonic
from typing import Final

import requests
from rich.console import Console

from fhir_alliance.databases import open_database
from fhir_alliance.settings import read_settings
from tests.prepared import Desk, Reviewed
from tests.soak.delivery import memory_when, tokens_of
from tests.soak.house import House

CLIENTS: Final = 16
# Until then every thread has served, and every part that is loaded late is there.
FIRST: Final = 100
GROWTH: Final = 1.1
DONE: Final = {False: "accepted", True: "accepted and delivered"}
_TOKENS: Final = {"access_token": "unused", "expires_in": 3600, "scope": "patient/Observation.c"}


def remember(forms: int, seed: int, console: Console) -> bool:
    """Accept so many forms, first without delivering any; returns whether memory has grown by a tenth at most."""
    measured = [_measured(forms, seed, console, deliver=deliver) for deliver in (False, True)]
    return all(measured)


def _measured(forms: int, seed: int, console: Console, *, deliver: bool) -> bool:
    with tempfile.TemporaryDirectory(prefix="fhir-alliance-memory-") as name, ExitStack() as stack:
        house = House(Path(name), "", patients=FIRST + forms)
        if deliver:
            stack.enter_context(house.ehr(share=0, seed=seed))
        waiting = _prepared(house, seed, deliver=deliver)
        engine = open_database(read_settings(house.site.settings).database).engine
        stack.callback(engine.dispose)
        with house.servers(0, deliver=deliver) as (app, *_):
            _accept(house, waiting[:FIRST])
            start = memory_when(engine, app, left=0 if deliver else FIRST)
            began = monotonic()
            _accept(house, waiting[FIRST:])
            end = memory_when(engine, app, left=0 if deliver else FIRST + forms)
            rate = forms / (monotonic() - began)
    good = end <= start * GROWTH
    console.print(
        f"memory: {'good' if good else 'BAD'}, {start:.1f} MB after {FIRST} {DONE[deliver]} forms, {end:.1f} MB after "
        f"{forms:,} more; {rate:.0f} a second at {CLIENTS} clients",
        highlight=False,
    )
    return good


def _prepared(house: House, seed: int, *, deliver: bool) -> list[Reviewed]:
    desk = Desk.of(read_settings(house.site.settings), seed=seed)
    forms = list(_forms(desk, house, deliver=deliver))
    desk.close()
    return forms


def _forms(desk: Desk, house: House, *, deliver: bool) -> Iterator[Reviewed]:
    for patient in house.people[::2]:
        tokens = tokens_of(house, patient["id"]) if deliver else _TOKENS
        yield from desk.prepare(patient, desk.permission(patient["id"], tokens), 1)


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
