"""Commands on FHIR resources in files: package, score, validate."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from smart_app.commands.options import QUESTIONNAIRES, WORDING, fail, installed, today


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write.  [default: <name>-<version>.tgz in the current folder]",
)
@click.option("--force", is_flag=True, help="Replace a file that is there with other content.")
@WORDING
def package(*, output: Path | None, force: bool, wording: Path | None) -> None:
    """Make the FHIR package of all definitions; made again from the same ones, it is the same bytes."""
    from fhir_alliance.errors import InvalidDefinition
    from smart_app.packing import PackingError, write_package

    try:
        for line in write_package(output, wording, force=force, today=today()):
            click.echo(line)
    except InvalidDefinition as error:
        fail(error.faults)
    except PackingError as error:
        fail([str(error)])


@click.command()
@click.argument(
    "response",
    metavar="QUESTIONNAIRE_RESPONSE.json",
    type=click.Path(dir_okay=False, exists=True, allow_dash=True),
)
@WORDING
@QUESTIONNAIRES
def score(response: str, wording: Path | None, questionnaires: Path | None) -> None:
    """Print the scores of one QuestionnaireResponse (a file, or - for standard input) as a Bundle of Observations."""
    from fhir_alliance.errors import InvalidResponse
    from smart_app.response_scores import MAX_BYTES, score_response

    with click.open_file(response, "rb") as file:
        body = file.read(MAX_BYTES + 1)
    try:
        scored = score_response(body, installed(wording, questionnaires), at=datetime.now(UTC))
    except InvalidResponse as error:
        fail([f"{response}: {fault}" for fault in error.faults])
    for remark in scored.remarks:
        click.echo(f"{response}: {remark}", err=True)
    click.echo(scored.bundle, nl=False)


@click.command()
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
        fail([f"{missing.name} is missing. It comes with: pip install 'fhir-alliance[validate]'"])
    try:
        report, valid = validation_report(paths, definitions, shape=shape)
    except NoDefinitions as error:
        fail([f"{error} {error.sentence}"])
    click.echo(report)
    sys.exit(0 if valid else 1)
