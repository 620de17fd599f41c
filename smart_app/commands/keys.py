"""Commands on the keys of what is sealed in the database: keys list, add, rotate, retire."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smart_app.commands.options import SETTINGS, fail, read

if TYPE_CHECKING:
    from sqlalchemy import Engine

_BY = click.option("--by", required=True, help="Who does it, for the audit trail.")


@click.group()
def keys() -> None:
    """Show and rotate the keys of what is sealed in the database; the app may go on running."""


@keys.command(name="list")
@SETTINGS
def list_keys(settings: Path) -> None:
    """Show every key, how many values it has sealed, and which one seals now."""
    from fhir_alliance.key_file import read_key_file
    from fhir_alliance.resealing import count_sealed

    with _opened(settings) as (engine, path):
        held, counts = read_key_file(path), count_sealed(engine)
        for name in [*held.keys, *sorted(counts.keys() - held.keys.keys())]:
            note = "seals" if name == held.current else "opens" if name in held.keys else "is not in the key file"
            click.echo(f"{name:<8} {counts[name]:>8} values  {note}")


@keys.command()
@SETTINGS
def add(settings: Path) -> None:
    """Add a new key that does not seal yet, to be copied to every machine before the keys are rotated."""
    from fhir_alliance.key_file import add_key

    with _opened(settings) as (_, path):
        click.echo(f"{add_key(path).newest} was added to {path.name}. Copy the file to every machine, then rotate.")


@keys.command()
@SETTINGS
@_BY
def rotate(settings: Path, *, by: str) -> None:
    """Seal with the newest key, or with a new one, and seal again what is there; cut off, run it again."""
    from fhir_alliance.resealing import rotate as turn
    from smart_app.web.services import utc_now

    with _opened(settings) as (engine, path):
        done = turn(engine, path, by=by, at=utc_now())
        click.echo(f"{done.values} values were sealed again. Copy {path.name} to every machine, and keep a backup.")
        if done.refused:
            fail([f"{each}: does not open, and was left as it is" for each in done.refused])


@keys.command()
@click.argument("name")
@SETTINGS
@_BY
def retire(name: str, settings: Path, *, by: str) -> None:
    """Take an old key out of the key file for good, a day after nothing is sealed with it any more."""
    from fhir_alliance.resealing import retire as take_out
    from smart_app.web.services import utc_now

    with _opened(settings) as (engine, path):
        take_out(engine, path, name, by=by, at=utc_now())
        click.echo(f"{name} was taken out of {path.name}. Backups that are sealed with it need it still.")


@contextmanager
def _opened(settings: Path) -> "Iterator[tuple[Engine, Path]]":
    """Open a site's database, and end with a line that says why when something is refused."""
    from fhir_alliance.errors import AllianceError, InvalidSettings
    from fhir_alliance.store import open_store

    site = read(settings)
    try:
        engine = open_store(site.database)
        try:
            yield engine, site.vault_key_file
        finally:
            engine.dispose()
    except InvalidSettings as error:
        fail(error.faults)
    except AllianceError as error:
        fail([f"{error} {error.sentence}"])
