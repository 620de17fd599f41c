"""Commands on the catalogue: instruments list, check, show, figures, page."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smart_app.commands.options import QUESTIONNAIRES, SETTINGS, WORDING, fail, installed, read, today

if TYPE_CHECKING:
    from fhir_alliance.instruments.catalogue import Catalogue


@click.group()
def instruments() -> None:
    """See which instruments are installed, and what they still need."""


@instruments.command(name="list")
@WORDING
@QUESTIONNAIRES
def list_instruments(wording: Path | None, questionnaires: Path | None) -> None:
    """List every instrument, and the faults of those that could not be read."""
    _print_table(installed(wording, questionnaires), reasons=False)


@instruments.command()
@WORDING
@QUESTIONNAIRES
@click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The site's settings file: its words, its own forms, and its alerts.",
)
def check(wording: Path | None, questionnaires: Path | None, settings: Path | None) -> None:
    """Say of every instrument whether it is ready, and why not."""
    from fhir_alliance.errors import InvalidSettings

    if settings is None:
        _print_table(installed(wording, questionnaires), reasons=True)
        return
    from smart_app.web.asked import site_catalogue

    site = read(settings)
    try:
        catalogue = site_catalogue(
            replace(
                site,
                wording_folder=wording or site.wording_folder,
                questionnaire_folder=questionnaires or site.questionnaire_folder,
            )
        )
    except InvalidSettings as error:
        fail(error.faults)
    _print_table(catalogue, reasons=True, alerts=site.alerts is not None)


@instruments.command()
def page() -> None:
    """Print the page that lists the shipped instruments (questionnaires/README.md)."""
    from smart_app.catalogue_report import catalogue_page

    click.echo(catalogue_page(today=today()), nl=False)


@instruments.command()
@click.argument("name")
@click.option("--as", "shape", type=click.Choice(["table", "yaml", "fhir"]), default="table", show_default=True)
@click.option("--language", default="en", show_default=True, help="The language of a Questionnaire.")
@WORDING
@QUESTIONNAIRES
def show(name: str, shape: str, language: str, wording: Path | None, questionnaires: Path | None) -> None:
    """Show one instrument: as a table, as its definition file, or as the Questionnaires that are published."""
    from fhir_alliance.errors import AllianceError, InvalidDefinition
    from smart_app.catalogue_report import show_instrument

    try:
        shown = show_instrument(name, installed(wording, questionnaires), shape=shape, language=language, today=today())
    except InvalidDefinition as error:
        fail(error.faults)
    except AllianceError as error:
        fail([str(error)])
    click.echo(shown, nl=False)


@instruments.command()
@SETTINGS
@click.option("--instrument", "name", help="Another instrument than the one of each visit.")
@click.argument("paths", metavar="RESPONSES", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def figures(settings: Path, name: str | None, paths: tuple[Path, ...]) -> None:
    """Compute the clinic's own figures from RESPONSES: folders of `bulk export`, or NDJSON files.

    They need the first ratings of 100 patients, every question answered. Printed is the file that a person looks at
    before alliance.toml names it; nothing counts until then.
    """
    from fhir_alliance.errors import AllianceError, InvalidDefinition, InvalidSettings
    from smart_app.site_figures import NotEnough, figures_file
    from smart_app.web.asked import site_catalogue

    site = read(settings)
    try:
        instrument = site_catalogue(site).instrument(name or site.instruments.each_visit)
        text = figures_file(paths, instrument, today=today())
    except (InvalidDefinition, InvalidSettings) as error:
        fail(error.faults)
    except NotEnough as error:
        fail([str(error)])
    except AllianceError as error:
        fail([f"{error}: nothing was computed. Use the files of an export that has come to its end."])
    click.echo(text, nl=False)


def _print_table(catalogue: "Catalogue", *, reasons: bool, alerts: bool = False) -> None:
    from smart_app.catalogue_report import catalogue_table

    for line in catalogue_table(catalogue, reasons=reasons, today=today(), alerts=alerts):
        click.echo(line)
    if catalogue.faults:
        fail(catalogue.faults)
