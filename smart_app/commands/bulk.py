"""The command `fhir-alliance bulk`: a group's results out of an EHR."""

from pathlib import Path
from typing import Final

import click

from smart_app.commands.ehr import chosen
from smart_app.commands.options import SETTINGS, fail, read

_AGAIN: Final = "Nothing of it was kept; the same command asks again."


@click.group()
def bulk() -> None:
    """Take the results of many patients out of an EHR at once."""


@bulk.command(name="export")
@SETTINGS
@click.option("--ehr", "name", required=True, help="The EHR, by its name in the settings.")
@click.option("--group", required=True, help="The id of a Group of patients at the EHR.")
@click.option("--into", required=True, type=click.Path(path_type=Path), help="An empty folder, or one to be made.")
@click.option("--since", metavar="INSTANT", help="Only what changed since the transactionTime of an export before.")
@click.option("--files-at", multiple=True, metavar="ORIGIN", help="Files may also be here; no token is sent there.")
@click.option("--by", default="fhir-alliance bulk", show_default=True, help="Who exports, for the audit trail.")
def export_(
    settings: Path, name: str, *, group: str, into: Path, since: str | None, files_at: tuple[str, ...], by: str
) -> None:
    """Export patients, survey results and answers of a group by FHIR Bulk Data Access.

    The files are for their owner only. Stopped in the middle, the same command goes on. Exits 1 when the EHR reports
    that something is missing.
    """
    from fhir_alliance.errors import AllianceError, EhrError, ExportFailed, Faults
    from smart_app.exporting import Asked, export_group
    from smart_app.web.services import utc_now

    site = read(settings)
    ehr = chosen(site, name, settings)
    asked = Asked(group=group, into=into, by=by, since=since, files_at=files_at)
    try:
        found = export_group(site, ehr, asked, clock=utc_now)
    except Faults as error:
        fail(error.faults)
    except EhrError as error:
        after = error.sentence if isinstance(error, ExportFailed) else _AGAIN
        fail([f"{error}. {after}"])
    except AllianceError as error:
        fail([f"{error} {error.sentence}"])
    except OSError as error:
        fail([f"{into} cannot be written: {error.strerror}. Nothing of the export was kept."])
    for kind, count in found.counts.items():
        click.echo(f"{count:>9}  {kind}")
    click.echo(f"{found.deleted:>9}  deleted since")
    if found.left_out:
        click.echo(f"{found.left_out} Observations that were not asked for were left out.")
    if not found.complete:
        fail(
            [f"The EHR reports that something is missing: {', '.join(found.problems)}. Do not go on from this export."]
        )
    click.echo(f"The next export: --since {found.transaction_time}")
