"""The command doctor: what an EHR says that it allows, and what it really takes."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from smart_app.commands.ehr import chosen
from smart_app.commands.options import SETTINGS, fail, read

if TYPE_CHECKING:
    from fhir_alliance.records.submission import PatientShown
    from smart_app.doctor.writing import Wanted

_WRITTEN: Final = "A test entry, marked as one, is written into this chart, read back, and marked as entered in error."
_FINISHED: Final = (
    "The test entry that this chart got for review is looked for, read back, and marked as entered in error. "
    "No new one is written."
)


@click.command()
@SETTINGS
@click.option("--ehr", "name", required=True, help="The EHR, by its name in the settings.")
@click.option("--last", is_flag=True, help="Show what was last found out, without asking the EHR.")
@click.option("--write-probe", is_flag=True, help="Also write a test entry, read it back, and retract it.")
@click.option("--patient", help="With --write-probe: the id of a test patient at the EHR.")
@click.option("--by", help="With --write-probe: who makes it.")
@click.option("--birth-date", metavar="YYYY-MM-DD", help="With --write-probe: do not ask for the birth date.")
@click.option("--encounter", help="With --write-probe: the id of a visit to file the test entry under.")
def doctor(
    settings: Path,
    name: str,
    *,
    last: bool,
    write_probe: bool,
    patient: str | None,
    by: str | None,
    birth_date: str | None,
    encounter: str | None,
) -> None:
    """Say what an EHR allows by its own word, and what follows.

    Nothing is written to it without --write-probe. That takes a test patient, whose birth date has to be typed; it
    exits 1 when the EHR does not take what the settings say, or when a person has to retract something there.
    """
    from smart_app.doctor.asking import examine, recall
    from smart_app.doctor.writing import write_probe as try_it
    from smart_app.web.services import utc_now

    wanted = _wanted(write_probe=write_probe, patient=patient, by=by, birth_date=birth_date, encounter=encounter)
    if wanted and last:
        raise click.UsageError("--write-probe asks the EHR, --last does not.")
    site = read(settings)
    ehr = chosen(site, name, settings)
    settled = True
    with _faults_told():
        if wanted:
            report = try_it(site, ehr, wanted, clock=utc_now)
            lines, settled = report.lines, report.settled
        else:
            lines = recall(site, ehr) if last else examine(site, ehr, now=utc_now())
    for line in lines or [f"Nothing is known of {name} yet: leave --last out to ask it."]:
        click.echo(line)
    sys.exit(0 if settled else 1)


def _wanted(
    *, write_probe: bool, patient: str | None, by: str | None, birth_date: str | None, encounter: str | None
) -> "Wanted | None":
    """Return what a write probe was asked to do, None when none was; end when an option is missing, or one too many."""
    from smart_app.doctor.writing import Wanted

    if not write_probe:
        if any((patient, by, birth_date, encounter)):
            raise click.UsageError("--patient, --by, --birth-date and --encounter are for --write-probe.")
        return None
    if not patient or not by:
        raise click.UsageError("--write-probe needs --patient and --by.")

    def confirm(shown: "PatientShown", finishes: bool, stays: Sequence[str]) -> str:
        click.echo(f"Patient/{shown.id}: {shown.name or 'without a name'}, born {shown.birth_date or 'unknown'}.")
        click.echo(_FINISHED if finishes else _WRITTEN)
        if stays:
            click.echo(f"By this EHR's own word that cannot be done to {' and '.join(stays)}: it will stay there.")
        return birth_date or str(click.prompt("To go on, type the birth date as shown"))

    return Wanted(patient=patient, encounter=encounter, by=by, confirm=confirm)


@contextmanager
def _faults_told() -> Iterator[None]:
    """Say on stderr what went wrong, and end with 1."""
    from fhir_alliance.errors import AllianceError, EhrError, Faults

    try:
        yield
    except Faults as error:
        fail(error.faults)
    except EhrError as error:
        fail([f"{error}. It could not be asked; try again."])
    except AllianceError as error:
        fail([f"{error} {error.sentence}"])
