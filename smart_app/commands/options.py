"""What several commands take, and how a command that cannot go on ends."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from fhir_alliance.instruments.catalogue import Catalogue
    from fhir_alliance.settings import Settings

SETTINGS = click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("alliance.toml"),
    show_default=True,
    help="The site's settings file.",
)
WORDING = click.option(
    "--wording",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The site's folder of words with their licences.",
)
QUESTIONNAIRES = click.option(
    "--questionnaires",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The site's folder of its own forms, FHIR Questionnaires.",
)


def read(settings: Path) -> "Settings":
    """Return the site's settings; end with their faults when there are any."""
    from fhir_alliance.errors import InvalidSettings
    from fhir_alliance.settings import read_settings

    try:
        return read_settings(settings)
    except InvalidSettings as error:
        fail(error.faults)


def installed(wording: Path | None, questionnaires: Path | None) -> "Catalogue":
    """Return what is installed with these folders of a site."""
    from fhir_alliance.instruments import catalogue

    return catalogue.installed(wording, own_forms=questionnaires)


def today() -> date:
    """Return the day in UTC."""
    return datetime.now(UTC).date()


def fail(lines: list[str] | tuple[str, ...]) -> NoReturn:
    """Say why on stderr and end with 1."""
    for line in lines:
        click.echo(line, err=True)
    sys.exit(1)
