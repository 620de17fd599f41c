"""The keys of a client are made, followed by newer ones and taken out by commands, and always one signs."""

import json
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fhir_alliance.ehr.client_keys import read_client_keys, signing_key
from smart_app.cli import main

NOW = datetime.now(UTC)


def call(*words: str) -> Result:
    """Run one command on client keys in this process."""
    return CliRunner().invoke(main, ["client-keys", *words])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Make a client's first key."""
    path = tmp_path / "harbor-clinician.jwk"
    assert call("new", str(path)).exit_code == 0
    return path


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_new_key_is_private_and_signs(tmp_path: Path, algorithm: str) -> None:
    """The file is its owner's alone, its key signs by the algorithm asked for, and no private member is printed."""
    path = tmp_path / "a.jwk"

    done = call("new", str(path), "--algorithm", algorithm)

    public = json.loads(done.stdout)["keys"][0]
    key, chosen = signing_key(path, now=NOW)
    assert chosen == algorithm
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public["kid"] == key.kid
    assert not public.keys() & {"d", "p", "q", "dp", "dq", "qi"}


def test_key_in_use_is_never_written_over(file: Path) -> None:
    """Making it again is refused, says which command to take, and leaves the file as it is."""
    before = file.read_bytes()

    done = call("new", str(file))

    assert done.exit_code == 1
    assert "client-keys add" in done.stderr
    assert file.read_bytes() == before


def test_added_key_signs_later(file: Path) -> None:
    """The newer key is published at once and signs from the hour on that was said; until then the old one does."""
    old = signing_key(file, now=NOW)[0].kid

    done = call("add", str(file), "--in-hours", "24")

    new = done.stdout.split()[0]
    signs = [signing_key(file, now=NOW + timedelta(hours=hours))[0].kid for hours in (0, 23, 25)]
    assert [key.kid for key in read_client_keys(file)] == [old, new]
    assert signs == [old, old, new]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_list_says_which_key_signs(file: Path) -> None:
    """Each key has a line; the one that does not sign yet says from when it does."""
    old = signing_key(file, now=NOW)[0].kid
    new = call("add", str(file)).stdout.split()[0]

    lines = call("list", str(file)).stdout.splitlines()

    assert lines[0] == f"{old}  signs"
    assert re.fullmatch(rf"{new}  is published, from \d{{4}}-\d\d-\d\d \d\d:\d\d UTC", lines[1])


def test_key_that_signs_cannot_be_removed(file: Path) -> None:
    """The one that signs now stays, also with a newer one beside it that does not sign yet; the file is unchanged."""
    old = str(signing_key(file, now=NOW)[0].kid)
    call("add", str(file))
    before = file.read_bytes()

    done = call("remove", str(file), old)

    assert done.exit_code == 1
    assert "signs now" in done.stderr
    assert file.read_bytes() == before


def test_old_key_is_removed_once_the_newer_one_signs(file: Path) -> None:
    """Then only the newer key is left, and published."""
    old = str(signing_key(file, now=NOW)[0].kid)
    new = call("add", str(file), "--in-hours", "0").stdout.split()[0]

    done = call("remove", str(file), old)

    assert done.exit_code == 0
    assert [key.kid for key in read_client_keys(file)] == [new]


@pytest.mark.parametrize("words", [("list",), ("add",), ("remove", "k")])
def test_file_without_keys_is_told(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A file that is no key file, or not there, is one sentence and no trace, and stays as it is."""
    path = tmp_path / "a.jwk"
    missing = call(words[0], str(path), *words[1:])
    path.write_text("{}")

    done = call(words[0], str(path), *words[1:])

    assert (missing.exit_code, done.exit_code) == (1, 1)
    assert missing.stderr == done.stderr == "a.jwk: is not a readable JWK, nor a set of them\n"
    assert path.read_text() == "{}"


def test_unknown_key_is_told(file: Path) -> None:
    """Removing a key that is not there says so."""
    assert call("remove", str(file), "other").stderr == "harbor-clinician.jwk: has no key other\n"
