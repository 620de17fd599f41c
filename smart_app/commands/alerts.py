"""Commands on alerts: alerts list."""

from pathlib import Path

import click

from smart_app.commands.options import SETTINGS, fail, read


@click.group()
def alerts() -> None:
    """See who has acted on the answers that may reveal danger."""


@alerts.command(name="list")
@SETTINGS
def list_alerts(settings: Path) -> None:
    """List every alert by its number, without names and answers, and say whether the mail server answers."""
    from fhir_alliance.errors import AllianceError
    from smart_app.alerts_report import alerts_table, mail_fault

    site = read(settings)
    try:
        for line in alerts_table(site):
            click.echo(line)
    except AllianceError as error:
        fail([f"{error} {error.sentence}"])
    if fault := mail_fault(site):
        fail([fault])
