"""The files that a new site starts with: its settings, before an EHR is registered, and the key of what is sealed."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.key_file import create_key_file
from fhir_alliance.private_file import create_private
from fhir_alliance.settings.reading import beginning_faults

_VAULT = "vault.json"


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What a site has to say before anything can be shown to anybody; `database` may be empty for a file beside it."""

    name: str
    public_url: str
    time_zone: str
    crisis_line: str
    someone_else: str
    database: str = ""


def begin_site(settings: Path, said: Beginning) -> list[Path]:
    """Write the settings file of a new site, and its key file beside it; return both.

    Raises InvalidSettings with every fault of what was said, and when one of the files is there already: then nothing
    is written.
    """
    key_file = settings.resolve().with_name(_VAULT)
    if taken := [path.name for path in (settings, key_file) if path.exists()]:
        raise InvalidSettings([f"{name} is there already and stays as it is" for name in taken])
    text = "\n".join(_lines(settings.resolve().parent, said))
    if faults := beginning_faults(tomllib.loads(text)):
        raise InvalidSettings(faults)
    try:
        # The key first: settings without their key could not be used, a key without settings is none the worse.
        create_key_file(key_file)
        create_private(settings, text.encode())
    except OSError as error:
        raise InvalidSettings([f"{settings.parent}: {error.strerror}"]) from None
    return [settings, key_file]


def _lines(folder: Path, said: Beginning) -> Iterator[str]:
    yield f"public_url = {_quoted(said.public_url)}   # where browsers reach the app"
    beside = f"sqlite:///{folder / 'alliance.db'}"
    yield f"database = {_quoted(said.database or beside)}"
    yield f'vault_key_file = "{_VAULT}"   # seals answers and permissions: keep a backup, apart from the database\'s'
    yield "# proxies = 1   # how many reverse proxies stand between the app and the browsers"
    yield ""
    yield "[site]"
    yield f"name = {_quoted(said.name)}"
    yield f"time_zone = {_quoted(said.time_zone)}"
    yield f"crisis_line = {_quoted(said.crisis_line)}   # on every page for patients"
    yield f"someone_else = {_quoted(said.someone_else)}   # whom patients can reach beside the therapist"
    yield ""


def _quoted(value: str) -> str:
    """Return a text as a TOML basic string, which escapes what JSON escapes, and DEL as well (TOML 1.0)."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
