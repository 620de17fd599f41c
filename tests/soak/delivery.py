"""Many forms on their way to a bad EHR, sent through the real app, whose processes are killed every few seconds."""

import random
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any, NamedTuple

import requests
from rich.console import Console
from sqlalchemy import Engine, func, select

from fhir_alliance.databases import open_database
from fhir_alliance.settings import read_settings
from fhir_alliance.tables import submissions
from tests import postgres
from tests.machine.history import History, check
from tests.prepared import Desk, Reviewed
from tests.soak.house import House, Killer, Process

CLIENTS = 8
WORKERS = 4
FORMS_PER_PATIENT = 3
MOVING = ("accepted", "leased", "unknown")


class Load(NamedTuple):
    """How much, how bad: `faults` is the share of writes that fail, `kill_every` and `longest` are seconds.

    `longest` is the longest wait for the next try, None for the product's own.
    """

    forms: int
    faults: float
    kill_every: float
    seed: int
    longest: int | None = None


def soak(kind: str, load: Load, console: Console) -> bool:
    """Run a load on one kind of database; prints the figures and returns whether all of them are as they must be."""
    began = monotonic()
    with tempfile.TemporaryDirectory(prefix="fhir-alliance-soak-") as name, _database(kind) as database:
        patients = max(1, load.forms // FORMS_PER_PATIENT)
        visits = -(-load.forms // patients)
        house = House(Path(name), database, patients=patients, visits=visits, longest=load.longest)
        with house.ehr(share=load.faults, seed=load.seed):
            history, told = _run(house, load, workers=WORKERS if database else 0)
            asked = requests.get(f"{house.site.ehr_url}/soak/faults", timeout=60).json()
        settings = read_settings(house.site.settings)
        engine = open_database(settings.database).engine
        found = check(history, engine, house.chart, asked["posts"])
        engine.dispose()
    _tell(console, kind, found, [*told, _faults_line(asked["faults"])], monotonic() - began)
    return found.good


@contextmanager
def _database(kind: str) -> Iterator[str]:
    """Yield the address of an empty database; none is a file of the site's own."""
    if kind == "sqlite":
        yield ""
        return
    with postgres.running() as cluster:
        yield cluster.database()


def _run(house: House, load: Load, *, workers: int) -> tuple[Mapping[str, Reviewed], list[str]]:
    """Send every form and wait until each is in the chart or held; returns the receipts, and what there is to tell."""
    settings = read_settings(house.site.settings)
    desk = Desk.of(settings, seed=load.seed)
    marks = [monotonic()]
    forms = list(_prepared(desk, house, load))
    marks.append(monotonic())
    engine = open_database(settings.database).engine
    with house.servers(workers) as processes:
        # One worker lives from the beginning to the end: its memory is what is looked at.
        mortal, survivor = (processes[:-1], processes[-1]) if workers else (processes, None)
        killer = Killer(mortal, every=load.kill_every, seed=load.seed)
        try:
            with ThreadPoolExecutor(CLIENTS) as clients:
                keys = clients.map(lambda form: _send(house, form), forms)
                receipts = dict(zip(keys, forms, strict=True))
            marks.append(monotonic())
            before = memory_when(engine, survivor, left=len(forms) * 9 // 10)
            after = memory_when(engine, survivor, left=len(forms) // 10)
        finally:
            killer.stop()
        memory_when(engine, survivor, left=0)
        again = _sign_in_again(desk, house, engine)
        memory_when(engine, survivor, left=0)
        marks.append(monotonic())
    engine.dispose()
    desk.close()
    prepared, accepted, delivered = (after - before for before, after in pairwise(marks))
    told = [f"{prepared:,.0f} s to prepare, {accepted:,.0f} s to accept, {delivered:,.0f} s until all was settled"]
    told += [f"processes killed {sum(each.kills for each in processes)} times; patients signed in again {again}"]
    if survivor:
        told.append(f"memory of a worker: {before:.1f} MB after the first tenth, {after:.1f} MB after nine tenths")
    return receipts, told


def _prepared(desk: Desk, house: House, load: Load) -> Iterator[Reviewed]:
    patients = [each for each in house.people if each["resourceType"] == "Patient"]
    forms = []
    for number, patient in enumerate(patients):
        grant = desk.permission(patient["id"], tokens_of(house, patient["id"]))
        count = load.forms // len(patients) + (number < load.forms % len(patients))
        forms += desk.prepare(patient, grant, count)
    random.Random(load.seed).shuffle(forms)  # noqa: S311  # test data
    return iter(forms)


def tokens_of(house: House, patient: str) -> Mapping[str, Any]:
    """Return what the EHR's token endpoint answers for a patient."""
    tokens: dict[str, Any] = requests.get(f"{house.site.ehr_url}/soak/tokens/{patient}", timeout=30).json()
    return tokens


def _send(house: House, form: Reviewed) -> str:
    """Press Send until there is a receipt, as a patient would; returns the key it shows."""
    with requests.Session() as session:
        session.trust_env = False
        while True:
            try:
                if key := form.send(house.site.app_url, session):
                    return key
            except requests.RequestException:
                pass
            Event().wait(0.1)


def memory_when(engine: Engine, survivor: Process | None, *, left: int) -> float:
    """Wait until no more than so many forms are on their way; returns the survivor's memory then."""
    moving = select(func.count()).where(submissions.c.state.in_(MOVING))
    while True:
        with engine.connect() as connection:
            if int(connection.scalar(moving) or 0) <= left:
                return survivor.megabytes() if survivor else 0.0
        Event().wait(0.2)


def _sign_in_again(desk: Desk, house: House, engine: Engine) -> int:
    """Launch anew for each patient whose forms wait for it."""
    held = (submissions.c.state == "held") & (submissions.c.reason == "needs-sign-in")
    with engine.connect() as connection:
        patients = connection.scalars(select(submissions.c.patient).where(held).distinct()).all()
    for patient in patients:
        desk.sign_in_again(patient, tokens_of(house, patient))
    return len(patients)


def _faults_line(counted: Mapping[str, int]) -> str:
    total = sum(counted.values())
    listed = ", ".join(f"{count:,} {name}" for name, count in sorted(counted.items()) if name != "none")
    return f"the EHR was asked {total:,} times; faults: {listed}"


def _tell(console: Console, kind: str, found: History, told: list[str], took: float) -> None:
    console.print(f"[bold]{kind}[/]: {'good' if found.good else 'BAD'}, {took:,.0f} s", highlight=False)
    for line in (*found.lines(), *told):
        console.print(f"  {line}", highlight=False, markup=False)
