"""Commands that begin and run a site: begin, demo, serve, worker, publish."""

from pathlib import Path

import click

from smart_app.commands.options import SETTINGS, fail, read


@click.command()
@SETTINGS
@click.option("--name", prompt="What patients call the clinic", help="The clinic's name, on every page.")
@click.option("--public-url", prompt="Where browsers will reach the app (https://...)", help="Scheme and host.")
@click.option("--time-zone", prompt="The clinic's time zone, such as Europe/Berlin", help="An IANA time zone.")
@click.option(
    "--crisis-line", prompt="What to do in danger, on every page for patients", help="Such as whom to call, and when."
)
@click.option(
    "--someone-else",
    prompt="Whom patients can talk to who is not the therapist",
    help="A person or an office, and how to reach them.",
)
@click.option("--database", default="", help="A postgresql:// address.  [default: an SQLite file beside the settings]")
def begin(*, settings: Path, **said: str) -> None:
    """Write the settings of a new site, and the key of what it keeps sealed; then say what comes next."""
    from fhir_alliance.errors import InvalidSettings
    from smart_app.beginning import Beginning, begin_site

    try:
        written = begin_site(settings, Beginning(**said))
    except InvalidSettings as error:
        fail(error.faults)
    click.echo(f"Written: {', '.join(path.name for path in written)}. Next, register the EHR by its FHIR base:")
    click.echo("  fhir-alliance ehr add https://ehr.example.org/fhir --write")


@click.command()
@click.option("--once", is_flag=True, help="Walk one visit over HTTP without a browser, print a table, and stop.")
@click.option("--ehr", default="generous", show_default=True, help="The kind of EHR, such as notes-only.")
@click.option("--ehr-port", default=8080, show_default=True, help="Where the sandbox EHR should listen.")
@click.option("--app-port", default=8081, show_default=True, help="Where the app should listen.")
def demo(*, once: bool, ehr: str, ehr_port: int, app_port: int) -> None:
    """Run the app beside a sandbox EHR with synthetic patients, on this machine only."""
    from smart_app.demo.run import DemoError, run_demo

    try:
        run_demo(once=once, profile=ehr, ehr_port=ehr_port, app_port=app_port)
    except DemoError as error:
        fail([str(error)])


@click.command()
@SETTINGS
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8081, show_default=True, help="The port to listen on.")
@click.option("--threads", default=8, show_default=True, help="How many requests are served at a time.")
@click.option(
    "--workers", default=1, show_default=True, help="How many processes serve; more than 1 on PostgreSQL only."
)
@click.option("--deliver/--no-deliver", default=True, help="Also deliver, or leave that to `fhir-alliance worker`.")
def serve(*, settings: Path, host: str, port: int, threads: int, workers: int, deliver: bool) -> None:
    """Serve the app, and deliver what was accepted."""
    from fhir_alliance.errors import InvalidSettings
    from smart_app.serving import AllianceServer

    try:
        server = AllianceServer(settings, host=host, port=port, threads=threads, workers=workers, deliver=deliver)
    except InvalidSettings as error:
        fail(error.faults)
    server.run()


@click.command()
@SETTINGS
def worker(settings: Path) -> None:
    """Deliver what was accepted, watch the EHRs and tell of alerts, without serving pages, until a TERM or Ctrl-C."""
    from fhir_alliance.errors import AllianceError, InvalidSettings
    from smart_app.background import work

    try:
        work(settings)
    except InvalidSettings as error:
        fail(error.faults)
    except AllianceError as error:
        fail([str(error)])


@click.command()
@SETTINGS
@click.option("--ehr", help="Only this EHR, by its name in the settings.")
def publish(settings: Path, ehr: str | None) -> None:
    """Publish the forms as Questionnaires; what is already there stays as it is."""
    from fhir_alliance.errors import AllianceError, InvalidSettings
    from smart_app.publishing import publish_all

    site = read(settings)
    try:
        for published in publish_all(site, ehr=ehr):
            click.echo(f"{published.outcome:<10} {published.ehr}  {published.canonical}")
    except InvalidSettings as error:
        fail(error.faults)
    except AllianceError as error:
        fail([f"{error} {error.sentence}"])
