"""Commands on visits: visits figures."""

from datetime import datetime
from pathlib import Path

import click

from smart_app.commands.options import SETTINGS, fail, read

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def visits() -> None:
    """See how the forms of visits are answered."""


@visits.command()
@SETTINGS
@click.option("--ehr", help="Only this EHR, by its name in the settings.")
@click.option("--from", "first", type=_DAY, help="A day of the first week.  [default: eight weeks ago]")
@click.option("--to", "last", type=_DAY, help="A day of the last week.  [default: today]")
@click.option("--csv", "kind", flag_value="csv", help="Print a line for each count.")
@click.option("--json", "kind", flag_value="json", help="Print a JSON list.")
def figures(
    *, settings: Path, ehr: str | None, first: datetime | None, last: datetime | None, kind: str | None
) -> None:
    """Count the patients' forms by clinic and week: due, sent, answered, late, declined, expired, and why.

    Nobody is named, and no count below 5 is shown, nor what it could be worked out from.
    """
    from fhir_alliance.errors import AllianceError
    from smart_app import visits_report

    site = read(settings)
    if ehr is not None and ehr not in site.ehrs:
        fail([f"There is no EHR {ehr}: use {', '.join(site.ehrs)}."])
    try:
        found = visits_report.figures(site, ehr=ehr, first=first and first.date(), last=last and last.date())
    except AllianceError as error:
        fail([f"{error} {error.sentence}"])
    for line in visits_report.WRITERS[kind or "table"](found):
        click.echo(line)
