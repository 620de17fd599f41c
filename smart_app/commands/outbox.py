"""Commands on what is not in the chart yet: outbox list, show, explain, retry, release, restored, page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from smart_app.commands.options import SETTINGS, fail, read

if TYPE_CHECKING:
    from smart_app.outbox_report import Counter

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_BY = click.option("--by", required=True, help="Who lets it go on; it is written down.")
_EHR = click.option("--ehr", help="Only this EHR, by its name in the settings.")


def _age(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
    """Return a time span such as 15m, 4h or 1d; a usage error for anything else."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d{1,5})([mhd])", value)
    if not found:
        raise click.BadParameter("is a number with m, h or d, such as 15m, 4h or 1d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@click.group()
def outbox() -> None:
    """See what is not in the chart yet and why, and let it go on; without answers and names."""


@outbox.command(name="list")
@SETTINGS
@_EHR
@click.option("--state", help="Only this state, such as held; also delivered.  [default: all but delivered]")
@click.option("--older-than", callback=_age, help="Only what was accepted longer ago than this, such as 15m, 4h or 1d.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a table.")
def list_entries(
    *, settings: Path, ehr: str | None, state: str | None, older_than: timedelta | None, as_json: bool
) -> None:
    """List what is not in the chart and should be, oldest first."""
    from fhir_alliance.delivery.receipts import State
    from smart_app import outbox_report
    from smart_app.web.services import utc_now

    if state is not None and state not in [each.value for each in State]:
        fail([f"There is no state {state}: use {', '.join(each.value for each in State)}."])
    with _counter(settings) as counter:
        before = utc_now() - older_than if older_than else None
        found = counter.entries.all(ehr=ehr, state=State(state) if state else None, before=before)
        if as_json:
            click.echo(outbox_report.as_json(found))
        for line in () if as_json else outbox_report.table(found, counter.zone):
            click.echo(line)


@outbox.command()
@click.argument("key")
@SETTINGS
def show(key: str, settings: Path) -> None:
    """Show one form: where it is, every send, and who let it go on."""
    from smart_app.outbox_report import shown

    with _counter(settings) as counter:
        for line in shown(counter, key):
            click.echo(line)


@outbox.command()
@click.argument("key")
@SETTINGS
def explain(key: str, settings: Path) -> None:
    """Say in plain words where one form is, why, what happens next, and what a person can do."""
    from smart_app.outbox_report import explained

    with _counter(settings) as counter:
        for line in explained(counter, key):
            click.echo(line)


@outbox.command()
@click.argument("key", required=False)
@SETTINGS
@click.option("--all-of", "code", help="Everything that waits for this reason, such as not-allowed.")
@_EHR
@_BY
def retry(key: str | None, *, settings: Path, code: str | None, ehr: str | None, by: str) -> None:
    """Try one form again now, or all of a reason; what may be in the chart is looked for before anything is sent."""
    if (key is None) == (code is None):
        fail(["Name one form by its key, or with --all-of a reason."])
    with _counter(settings) as counter:
        if key is not None:
            counter.releasing.retry(key, by=by)
        tried = 1 if code is None else counter.releasing.retry_all(code, by=by, ehr=ehr)
    click.echo(f"{tried} will be tried again.")


@outbox.command()
@click.argument("key")
@SETTINGS
@_BY
@click.option("--reason", "said", required=True, help="What was found: one of a list, which another word prints.")
@click.option("--ticket", default="", help="The number of a ticket that says more; needed for the reason other.")
@click.option("--yes", is_flag=True, help="Do not ask before a form goes to another address than it was accepted for.")
def release(key: str, *, settings: Path, by: str, said: str, ticket: str, yes: bool) -> None:
    """Let one form go on after somebody has looked at it; the patient is compared again before anything is written."""
    from smart_app.outbox_report import addresses

    with _counter(settings) as counter:
        moved = addresses(counter, key)
        if moved:
            click.echo(f"accepted for  {moved[0]}\nwould go to   {moved[1]}")
            _ = yes or click.confirm(f"Is this the same health record, as {by} has confirmed?", abort=True)
        counter.releasing.release(key, by=by, said=said, ticket=ticket, base=moved[1] if moved else None)
    click.echo("It goes on.")


@outbox.command()
@SETTINGS
@click.option("--by", required=True, help="Who has restored the database; it is written down.")
def restored(settings: Path, *, by: str) -> None:
    """Say, before the app starts again, that the database comes from a backup.

    What is not in the chart by that database may be there all the same: it is looked for before it is sent.
    """
    from fhir_alliance.errors import AllianceError
    from smart_app.outbox_report import doubt_open

    try:
        count = doubt_open(read(settings), by=by)
    except AllianceError as error:
        fail([f"{error} {error.sentence}"])
    click.echo(f"{count} forms and filed pages are looked for in the chart first. Now the app may start.")


@outbox.command()
@SETTINGS
@click.option("--by", required=True, help="Who will use it; everything done with it is written down under this name.")
def page(*, settings: Path, by: str) -> None:
    """Make a link to the administrator's delivery page: it works once, within ten minutes."""
    from fhir_alliance.errors import AllianceError
    from smart_app.outbox_report import page_link

    try:
        click.echo(page_link(read(settings), by=by))
    except AllianceError as error:
        fail([f"{error} {error.sentence}"])


@contextmanager
def _counter(settings: Path) -> "Iterator[Counter]":
    """Open the outbox of a site; end with the sentence of what went wrong."""
    from fhir_alliance.errors import AllianceError
    from smart_app.outbox_report import open_counter

    site = read(settings)
    try:
        with open_counter(site) as counter:
            yield counter
    except AllianceError as error:
        fail([f"{error} {error.sentence}"])
