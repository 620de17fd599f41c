"""Commands on the clinic's tablets: tablets add, list, remove."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smart_app.commands.options import SETTINGS, fail, read

if TYPE_CHECKING:
    from fhir_alliance.visits.tablets import Tablets

_BY = click.option("--by", required=True, help="Who does it, for the audit trail.")


@click.group()
def tablets() -> None:
    """Register the tablets on which patients type their codes, and take them out."""


@tablets.command()
@click.argument("name")
@SETTINGS
@_BY
def add(name: str, *, settings: Path, by: str) -> None:
    """Make a code that registers one tablet at the address /kiosk: it works once, within 15 minutes."""
    from smart_app.web.codes import new_code
    from smart_app.web.cookies import fingerprint
    from smart_app.web.pages.handover import grouped

    code = new_code(10)
    with _opened(settings) as (kept, address):
        kept.invite(name, code_mark=fingerprint(code), by=by)
    click.echo(f"Open {address}/kiosk on the tablet, and type {grouped(code)} within 15 minutes.")


@tablets.command(name="list")
@SETTINGS
def list_tablets(settings: Path) -> None:
    """List the tablets, and which of them have not been registered."""
    with _opened(settings) as (kept, _):
        for each in kept.all():
            since = f"since {each.registered_at:%Y-%m-%d}" if each.registered_at else "not registered"
            click.echo(f"{each.name:<24} {since}")


@tablets.command()
@click.argument("name")
@SETTINGS
@_BY
def remove(name: str, *, settings: Path, by: str) -> None:
    """Let a tablet take no code any more, because it is lost or goes out of use."""
    with _opened(settings) as (kept, _):
        if not kept.remove(name, by=by):
            fail([f"There is no tablet {name}."])
    click.echo(f"{name} takes no code any more.")


@contextmanager
def _opened(settings: Path) -> "Iterator[tuple[Tablets, str]]":
    """Open where a site keeps its tablets, with the site's address; end with the sentence of what went wrong."""
    from fhir_alliance.errors import AllianceError
    from fhir_alliance.store import open_store
    from fhir_alliance.visits.tablets import Tablets
    from smart_app.web.services import utc_now

    site = read(settings)
    if site.tablets is None:
        fail(["Tablets are off: set enabled = true below [tablets] in the settings."])
    try:
        engine = open_store(site.database)
        yield Tablets(engine, utc_now), site.public_url
        engine.dispose()
    except AllianceError as error:
        fail([f"{error} {error.sentence}"])
