"""The commands: `fhir-alliance demo|serve|publish|package|score|validate|instruments|alerts`."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from fhir_alliance.instruments.catalogue import Catalogue
    from fhir_alliance.settings import Settings

_SETTINGS = click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("alliance.toml"),
    show_default=True,
    help="The site's settings file.",
)


_WORDING = click.option(
    "--wording",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The site's folder of words with their licences.",
)
_QUESTIONNAIRES = click.option(
    "--questionnaires",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The site's folder of its own forms, FHIR Questionnaires.",
)


@click.group()
@click.version_option(package_name="fhir-alliance")
def main() -> None:
    """Measure the therapeutic alliance at each visit, in the EHR that is already there."""


@main.command()
@click.option("--once", is_flag=True, help="Walk one visit over HTTP without a browser, print a table, and stop.")
@click.option("--ehr-port", default=8080, show_default=True, help="Where the sandbox EHR should listen.")
@click.option("--app-port", default=8081, show_default=True, help="Where the app should listen.")
def demo(*, once: bool, ehr_port: int, app_port: int) -> None:
    """Run the app beside a sandbox EHR with synthetic patients, on this machine only."""
    from smart_app.demo.run import DemoError, run_demo

    try:
        run_demo(once=once, ehr_port=ehr_port, app_port=app_port)
    except DemoError as error:
        _fail([str(error)])


@main.command()
@_SETTINGS
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8081, show_default=True, help="The port to listen on.")
@click.option("--threads", default=8, show_default=True, help="How many requests are served at a time.")
def serve(settings: Path, host: str, port: int, threads: int) -> None:
    """Serve the app, and deliver what was accepted."""
    from fhir_alliance.errors import InvalidSettings
    from smart_app.serving import AllianceServer

    try:
        server = AllianceServer(settings, host=host, port=port, threads=threads)
    except InvalidSettings as error:
        _fail(error.faults)
    server.run()


@main.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write.  [default: <name>-<version>.tgz in the current folder]",
)
@click.option("--force", is_flag=True, help="Replace a file that is there with other content.")
@_WORDING
def package(*, output: Path | None, force: bool, wording: Path | None) -> None:
    """Make the FHIR package of all definitions; made again from the same ones, it is the same bytes."""
    from fhir_alliance.errors import InvalidDefinition
    from smart_app.packing import PackingError, write_package

    try:
        for line in write_package(output, wording, force=force, today=_today()):
            click.echo(line)
    except InvalidDefinition as error:
        _fail(error.faults)
    except PackingError as error:
        _fail([str(error)])


@main.command()
@_SETTINGS
@click.option("--ehr", help="Only this EHR, by its name in the settings.")
def publish(settings: Path, ehr: str | None) -> None:
    """Publish the forms as Questionnaires; what is already there stays as it is."""
    from fhir_alliance.errors import AllianceError
    from smart_app.publishing import publish_all

    site = _read(settings)
    try:
        for published in publish_all(site, ehr=ehr):
            click.echo(f"{published.outcome:<10} {published.ehr}  {published.canonical}")
    except AllianceError as error:
        _fail([f"{error} {error.sentence}"])


@main.command()
@click.argument(
    "response",
    metavar="QUESTIONNAIRE_RESPONSE.json",
    type=click.Path(dir_okay=False, exists=True, allow_dash=True),
)
@_WORDING
@_QUESTIONNAIRES
def score(response: str, wording: Path | None, questionnaires: Path | None) -> None:
    """Print the scores of one QuestionnaireResponse (a file, or - for standard input) as a Bundle of Observations."""
    from fhir_alliance.errors import InvalidResponse
    from smart_app.response_scores import MAX_BYTES, score_response

    with click.open_file(response, "rb") as file:
        body = file.read(MAX_BYTES + 1)
    try:
        scored = score_response(body, _installed(wording, questionnaires), at=datetime.now(UTC))
    except InvalidResponse as error:
        _fail([f"{response}: {fault}" for fault in error.faults])
    for remark in scored.remarks:
        click.echo(f"{response}: {remark}", err=True)
    click.echo(scored.bundle, nl=False)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--definitions",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of FHIR R4 definitions.  [default: .cache/definitions]",
)
@click.option("--format", "shape", type=click.Choice(["table", "json"]), default="table", show_default=True)
def validate(paths: tuple[Path, ...], definitions: Path | None, shape: str) -> None:
    """Check FHIR R4 resources offline: JSON, NDJSON, folders, packages (.tgz). Exits 1 on errors."""
    from fhir_alliance.errors import NoDefinitions

    try:
        from smart_app.validation_report import validation_report
    except ModuleNotFoundError as missing:
        _fail([f"{missing.name} is missing. It comes with: pip install 'fhir-alliance[validate]'"])
    try:
        report, valid = validation_report(paths, definitions, shape=shape)
    except NoDefinitions as error:
        _fail([f"{error} {error.sentence}"])
    click.echo(report)
    sys.exit(0 if valid else 1)


@main.group()
def instruments() -> None:
    """See which instruments are installed, and what they still need."""


@instruments.command(name="list")
@_WORDING
@_QUESTIONNAIRES
def list_instruments(wording: Path | None, questionnaires: Path | None) -> None:
    """List every instrument, and the faults of those that could not be read."""
    _print_table(_installed(wording, questionnaires), reasons=False)


@instruments.command()
@_WORDING
@_QUESTIONNAIRES
@click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The site's settings file: its words, its own forms, and its alerts.",
)
def check(wording: Path | None, questionnaires: Path | None, settings: Path | None) -> None:
    """Say of every instrument whether it is ready, and why not."""
    if settings is None:
        _print_table(_installed(wording, questionnaires), reasons=True)
        return
    site = _read(settings)
    catalogue = _installed(
        wording or site.wording_folder,
        questionnaires or site.questionnaire_folder,
        free_text=site.free_text.sentence if site.free_text else "",
    )
    _print_table(catalogue, reasons=True, alerts=site.alerts is not None)


@instruments.command()
def page() -> None:
    """Print the page that lists the shipped instruments (questionnaires/README.md)."""
    from smart_app.catalogue_report import catalogue_page

    click.echo(catalogue_page(today=_today()), nl=False)


@instruments.command()
@click.argument("name")
@click.option("--as", "shape", type=click.Choice(["table", "yaml", "fhir"]), default="table", show_default=True)
@click.option("--language", default="en", show_default=True, help="The language of a Questionnaire.")
@_WORDING
@_QUESTIONNAIRES
def show(name: str, shape: str, language: str, wording: Path | None, questionnaires: Path | None) -> None:
    """Show one instrument: as a table, as its definition file, or as the Questionnaires that are published."""
    from fhir_alliance.errors import AllianceError, InvalidDefinition
    from smart_app.catalogue_report import show_instrument

    try:
        shown = show_instrument(
            name, _installed(wording, questionnaires), shape=shape, language=language, today=_today()
        )
    except InvalidDefinition as error:
        _fail(error.faults)
    except AllianceError as error:
        _fail([str(error)])
    click.echo(shown, nl=False)


@main.group()
def alerts() -> None:
    """See who has acted on the answers that may reveal danger."""


@alerts.command(name="list")
@_SETTINGS
def list_alerts(settings: Path) -> None:
    """List every alert by its number, without names and answers, and say whether the mail server answers."""
    from fhir_alliance.errors import AllianceError
    from smart_app.alerts_report import alerts_table, mail_fault

    site = _read(settings)
    try:
        for line in alerts_table(site):
            click.echo(line)
    except AllianceError as error:
        _fail([f"{error} {error.sentence}"])
    if fault := mail_fault(site):
        _fail([fault])


def _read(settings: Path) -> "Settings":
    from fhir_alliance.errors import InvalidSettings
    from fhir_alliance.settings import read_settings

    try:
        return read_settings(settings)
    except InvalidSettings as error:
        _fail(error.faults)


def _installed(wording: Path | None, questionnaires: Path | None, *, free_text: str = "") -> "Catalogue":
    from fhir_alliance.instruments.catalogue import installed

    return installed(wording, own_forms=questionnaires, free_text=free_text)


def _print_table(catalogue: "Catalogue", *, reasons: bool, alerts: bool = False) -> None:
    from smart_app.catalogue_report import catalogue_table

    for line in catalogue_table(catalogue, reasons=reasons, today=_today(), alerts=alerts):
        click.echo(line)
    if catalogue.faults:
        _fail(catalogue.faults)


def _today() -> date:
    return datetime.now(UTC).date()


def _fail(lines: list[str] | tuple[str, ...]) -> NoReturn:
    for line in lines:
        click.echo(line, err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
