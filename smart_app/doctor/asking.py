"""Asking an EHR what it allows, keeping the answer with its date, and telling it."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from fhir_alliance.ehr.backend import backend_token
from fhir_alliance.ehr.findings import Finding, Kind, granted_scopes, keep, last, last_change
from fhir_alliance.ehr.outlook import Granted
from fhir_alliance.ehr.probed import read_probed
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.statements import read_facts
from fhir_alliance.errors import ClockDiffers, FhirError
from fhir_alliance.settings import EhrSettings, Settings
from fhir_alliance.store import open_store, transaction
from fhir_alliance.topics.book import subscribed
from smart_app.doctor.card_table import CardKeys, card_table, read_card_keys
from smart_app.doctor.lines import wrapped
from smart_app.doctor.probe_table import probe_table
from smart_app.doctor.table import table


def examine(settings: Settings, ehr: EhrSettings, *, now: datetime) -> list[str]:
    """Ask an EHR, keep what it says, and return the table; nothing is written to the EHR by this.

    Raises EhrError when it cannot be read, InvalidSettings or StoreError when the site cannot ask or keep.
    """
    registry = Registry(settings)
    facts = read_facts(registry.door(ehr), ehr.fhir_base, now=now)
    scopes, keys = _backend_scopes(registry, ehr, now), read_card_keys(ehr)
    engine = open_store(settings.database)
    try:
        with transaction(engine) as connection:
            keep(connection, ehr.name, Kind.STATED, facts, at=now)
            if scopes is not None:
                keep(connection, ehr.name, Kind.GRANTED, scopes, at=now)
            return list(_told(connection, settings, ehr, keys=keys, whole=False))
    finally:
        engine.dispose()


def recall(settings: Settings, ehr: EhrSettings) -> list[str]:
    """Return the tables of what was last found out, also by a write probe; empty when nothing was."""
    engine = open_store(settings.database)
    try:
        with engine.connect() as connection:
            return list(_told(connection, settings, ehr, keys=None, whole=True))
    finally:
        engine.dispose()


def _told(
    connection: Connection, settings: Settings, ehr: EhrSettings, *, keys: CardKeys | None, whole: bool
) -> Iterator[str]:
    stated = last(connection, ehr.name, Kind.STATED)
    if stated is None:
        return
    day = _day(stated.checked_at, settings)
    yield f"{ehr.name}: {ehr.title}, as it was on {day}"
    yield ""
    yield from table(ehr, stated.facts, _granted(connection, ehr))
    yield ""
    yield from card_table(ehr, settings.public_url, keys)
    if change := last_change(connection, ehr.name, Kind.STATED):
        yield from wrapped(f"Changed since {_day(change.at, settings)}: {change.words}.")
    if known := subscribed(connection, ehr.name):
        heard = f"last heard on {_day(known.heard, settings)}" if known.heard else "never heard of it"
        yield from wrapped(f"Subscription to visits: {known.state}, {heard}.")
    yield ""
    yield from _probed(settings, last(connection, ehr.name, Kind.PROBED), stated, whole=whole)


def _probed(settings: Settings, found: Finding | None, stated: Finding, *, whole: bool) -> Iterator[str]:
    """Yield what the last write probe showed, the `whole` of it or that there was one, and when."""
    if found is None:
        yield from wrapped("Nobody has tried yet whether it really takes this: --write-probe does, on a test patient.")
        return
    probed = read_probed(found.facts)
    yield f'Last write probe: {_day(found.checked_at, settings)}, rung = "{probed.rung}": {probed.verdict}.'
    if whole:
        yield from probe_table(probed, stated.facts)
    else:
        yield "--last shows it."


def _granted(connection: Connection, ehr: EhrSettings) -> Granted:
    found: dict[str, frozenset[str] | None] = {}
    if ehr.backend:
        backend = last(connection, ehr.name, Kind.GRANTED)
        found["backend"] = backend.facts if backend else None
    for client in ("clinician", "patient"):
        if getattr(ehr, client):
            found[client] = granted_scopes(connection, ehr.name, client)
    return found


def _backend_scopes(registry: Registry, ehr: EhrSettings, now: datetime) -> frozenset[str] | None:
    """Return what the backend client is granted, None without one or when it is refused."""
    if ehr.backend is None:
        return None
    try:
        return backend_token(registry, ehr, ehr.backend, ehr.backend.scopes, now=now).scopes
    except (FhirError, ClockDiffers):
        return None


def _day(at: datetime, settings: Settings) -> str:
    return f"{at.astimezone(settings.site.time_zone):%-d %B %Y}"
