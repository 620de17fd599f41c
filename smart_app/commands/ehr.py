"""Commands on EHRs: ehr add, ehr check, ehr confirm, ehr remove."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smart_app.commands.options import SETTINGS, fail, read

if TYPE_CHECKING:
    from fhir_alliance.settings import EhrSettings, Settings


@click.group()
def ehr() -> None:
    """Register EHRs, and see whether they still state what was registered."""


@ehr.command()
@click.argument("url")
@click.option("--name", help="What to call it in the settings.  [default: made from its host]")
@SETTINGS
@click.option("--write", is_flag=True, help="Append the entry to the settings file instead of printing it.")
@click.option("--allow-private", is_flag=True, help="It may be on this machine or in a private network.")
@click.option("--without-s256", is_flag=True, help="It names no PKCE method; its administrator says it takes S256.")
def add(*, url: str, name: str | None, settings: Path, write: bool, allow_private: bool, without_s256: bool) -> None:
    """Ask the server at this FHIR base for its endpoints, and draft its entry for the settings file."""
    from fhir_alliance.errors import EhrError, ForeignUrl, InvalidSettings, LaunchError
    from smart_app.registering import append_entry, draft

    try:
        chosen, entry = draft(url, name=name, allow_private=allow_private, without_s256=without_s256)
        if write:
            append_entry(settings, chosen, entry)
    except InvalidSettings as error:
        fail(error.faults)
    except ForeignUrl as error:
        fail([f"{error}. A server on this machine or in a private network needs --allow-private."])
    except (LaunchError, EhrError) as error:
        fail([f"{error}. This server cannot be registered as it is."])
    click.echo(f"[ehr.{chosen}] was added to {settings.name}; fill in its clients there." if write else entry, nl=write)


@ehr.command(name="check")
@SETTINGS
@click.option("--ehr", "name", help="Only this EHR, by its name in the settings.")
def check_endpoints(settings: Path, name: str | None) -> None:
    """Compare the registered endpoints with what each EHR states now. Exits 1 when something differs."""
    from smart_app.doctor.place import known_as, place
    from smart_app.registering import check

    site = read(settings)
    differs = False
    for each in [chosen(site, name, settings)] if name else site.ehrs.values():
        found = list(check(site, each))
        differs = differs or bool(found)
        for line in found or ["as registered"]:
            click.echo(f"{each.name:<12} {line}")
        for line in (*place(each), *known_as(each)):
            click.echo(f"{'':<12} {line}")
    sys.exit(1 if differs else 0)


@ehr.command()
@click.argument("name")
@SETTINGS
@click.option("--by", required=True, help="Who has confirmed it with the EHR's administrator, by another way.")
@click.option("--yes", is_flag=True, help="Do not ask before the settings are changed.")
def confirm(name: str, settings: Path, *, by: str, yes: bool) -> None:
    """Pin the endpoints that an EHR states now, after they have moved; launches are blocked until then.

    With confirm_by = 2 in [site] a second person, of another name, has to confirm the same within a day.
    """
    from fhir_alliance.errors import AllianceError, EhrError, InvalidSettings, LaunchError
    from smart_app.confirming import confirm as pin
    from smart_app.confirming import moved
    from smart_app.web.services import utc_now

    site = read(settings)
    ehr = chosen(site, name, settings)
    pinned = False
    try:
        found = moved(site, ehr)
        for change in found:
            click.echo(f"{change.name}\n  registered  {change.registered}\n  stated now  {change.stated}")
        if found and (yes or click.confirm(f"Pin what is stated now, as confirmed by {by}?", abort=True)):
            pinned = pin(settings, site, ehr, found, by=by, at=utc_now())
    except InvalidSettings as error:
        fail(error.faults)
    except (LaunchError, EhrError) as error:
        fail([f"{error}. Nothing was changed."])
    except AllianceError as error:
        fail([f"{error} {error.sentence}"])
    if not found:
        click.echo(f"{name} states what is registered.")
    elif pinned:
        click.echo("Pinned. Restart the app to launch with it.")
    else:
        click.echo(f"Noted, and nothing is changed yet: somebody other than {by} has to confirm the same within a day.")


@ehr.command()
@click.argument("name")
@SETTINGS
@click.option("--by", required=True, help="Who takes it out.")
@click.option("--hold", is_flag=True, help="Also while forms are on their way to it: they are kept here.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, settings: Path, *, by: str, hold: bool, yes: bool) -> None:
    """Take an EHR out of the settings, and end every permission it gave; what was kept of it stays."""
    from fhir_alliance.errors import AllianceError, InvalidSettings
    from smart_app.removing import remove as take_out
    from smart_app.web.services import utc_now

    site = read(settings)
    ehr = chosen(site, name, settings)
    if not yes:
        click.confirm(f"Take {ehr.title} out of {settings.name}?", abort=True)
    try:
        ended = take_out(settings, site, ehr, by=by, hold=hold, at=utc_now())
    except InvalidSettings as error:
        fail(error.faults)
    except AllianceError as error:
        fail([f"{error} {error.sentence}"])
    click.echo(f"{name} is out of {settings.name}; {ended} permissions were ended. Restart the app.")


def chosen(site: "Settings", name: str, settings: Path) -> "EhrSettings":
    """Return an EHR of the settings; end when there is none of this name."""
    if name not in site.ehrs:
        fail([f"There is no [ehr.{name}] in {settings.name}."])
    return site.ehrs[name]
