"""Commands on the keys that a client signs with: client-keys new, list, add, remove."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from smart_app.commands.options import fail

_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_ALGORITHM = click.option(
    "--algorithm", type=click.Choice(["ES384", "RS384"]), default="ES384", show_default=True, help="What the EHR takes."
)


@click.group(name="client-keys")
def client_keys() -> None:
    """Make the keys by which an EHR knows a client, and change them while the app runs.

    FILE is what key_file in the settings names. The app publishes every public half at /.well-known/jwks.json, and
    follows a changed file by itself.
    """


@client_keys.command()
@_FILE
@_ALGORITHM
def new(file: Path, *, algorithm: str) -> None:
    """Make a client's first key, and print its public half for EHRs that want it typed in."""
    import orjson

    from fhir_alliance.ehr.client_key_file import create_client_keys

    try:
        public = create_client_keys(file, algorithm=algorithm)
    except FileExistsError:
        fail([f"{file.name} is there already and stays as it is. To follow its key with a newer one: client-keys add"])
    except OSError as error:
        fail([f"{file.name}: {error.strerror}"])
    click.echo(orjson.dumps(public, option=orjson.OPT_INDENT_2).decode())


@client_keys.command(name="list")
@_FILE
def list_keys(file: Path) -> None:
    """Show each key, and which one signs now."""
    from fhir_alliance.ehr.client_keys import read_client_keys, signing_key

    with _told():
        signs, _ = signing_key(file, now=datetime.now(UTC))
        for key in read_client_keys(file):
            begins = int(str(key.get("nbf", "0")))
            since = f", from {datetime.fromtimestamp(begins, UTC):%Y-%m-%d %H:%M} UTC" if begins else ""
            click.echo(f"{key.kid}  {'signs' if key.kid == signs.kid else 'is published'}{since}")


@client_keys.command()
@_FILE
@_ALGORITHM
@click.option("--in-hours", default=24, show_default=True, type=click.IntRange(0, 720), help="When it begins to sign.")
def add(file: Path, *, algorithm: str, in_hours: int) -> None:
    """Add a newer key: published at once, so that EHRs have read it when it begins to sign."""
    from fhir_alliance.ehr.client_key_file import add_client_key

    begins = datetime.now(UTC) + timedelta(hours=in_hours)
    with _told():
        kid = add_client_key(file, algorithm=algorithm, signs_from=begins)
        click.echo(f"{kid} was added to {file.name}, and signs from {begins:%Y-%m-%d %H:%M} UTC on. Where an EHR does")
        click.echo("not read /.well-known/jwks.json, give it the new key before that. Then take the old one out.")


@client_keys.command()
@_FILE
@click.argument("kid")
def remove(file: Path, kid: str) -> None:
    """Take a key out that does not sign any more; it is published no longer."""
    from fhir_alliance.ehr.client_key_file import remove_client_key

    with _told():
        remove_client_key(file, kid, now=datetime.now(UTC))
        click.echo(f"{kid} was taken out of {file.name}.")


@contextmanager
def _told() -> Iterator[None]:
    """End with the faults of a key file in words."""
    from fhir_alliance.errors import InvalidSettings

    try:
        yield
    except InvalidSettings as error:
        fail(error.faults)
