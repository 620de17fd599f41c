"""The key file: changed as a whole, and followed by the vaults that use it."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from fhir_alliance.key_file import KeyFileError, add_key, create_key_file, drop_key, read_key_file, use_newest
from fhir_alliance.vault import Vault, VaultError

PLACE = "harbor/grants/g1/access_token"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a new key file."""
    path = tmp_path / "vault.json"
    create_key_file(path)
    return path


def test_added_key_opens_and_does_not_seal(file: Path) -> None:
    """A key is added to all, so that every machine can have it before anything is sealed with it."""
    before = read_key_file(file)

    keys = add_key(file)

    assert (keys.current, list(keys.keys), keys.newest) == ("k1", ["k1", "k2"], "k2")
    assert keys.keys["k1"] == before.keys["k1"]
    assert len({*keys.keys.values()}) == 2
    assert read_key_file(file) == keys
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["vault.json"]


def test_newest_key_seals(file: Path) -> None:
    """From then on the newest key seals; doing it again changes nothing."""
    add_key(file)

    first = use_newest(file)
    stamp = file.stat().st_mtime_ns
    second = use_newest(file)

    assert (first.current, second.current, file.stat().st_mtime_ns) == ("k2", "k2", stamp)


def test_key_that_seals_is_not_dropped(file: Path) -> None:
    """Only an old key can be taken out, and its id is not given to another one while a newer one is there."""
    add_key(file)
    use_newest(file)

    dropped = drop_key(file, "k1")
    for name in ("k1", "k2"):
        with pytest.raises(KeyFileError):
            drop_key(file, name)

    assert list(dropped.keys) == ["k2"]
    assert list(add_key(file).keys) == ["k2", "k3"]


@pytest.mark.parametrize("change", [add_key, use_newest, lambda path: drop_key(path, "k1")])
def test_nothing_is_written_over_what_is_no_key_file(tmp_path: Path, change: Callable[[Path], object]) -> None:
    """A file that holds something else stays as it is."""
    path = tmp_path / "vault.json"
    path.write_text("{}")

    with pytest.raises(KeyFileError):
        change(path)

    assert path.read_text() == "{}"


def test_folder_that_cannot_be_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file cannot be replaced the old one stays, and that is said."""

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    before = file.read_bytes()
    monkeypatch.setattr(Path, "replace", refuse)

    with pytest.raises(KeyFileError, match="Read-only file system"):
        add_key(file)

    assert file.read_bytes() == before


def test_vault_follows_its_file(file: Path) -> None:
    """A vault that runs takes a new key as soon as it seals; what was sealed before opens."""
    vault = Vault.from_file(file)
    old, derived = vault.seal(b"token", place=PLACE), vault.derive("csrf")
    add_key(file)
    use_newest(file)

    new = vault.seal(b"token", place=PLACE)

    assert (old[:3], new[:3], vault.current, vault.key_ids) == (b"k1:", b"k2:", "k2", ("k1", "k2"))
    assert {vault.open(each, place=PLACE) for each in (old, new)} == {b"token"}
    assert vault.derive_all("csrf") == (derived, vault.derive("csrf"))
    drop_key(file, "k1")
    with pytest.raises(VaultError):
        vault.open(old, place=PLACE)


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("{"), lambda path: os.truncate(path, 0)])
def test_spoilt_file_stops_no_vault_that_runs(file: Path, spoil: Callable[[Path], object]) -> None:
    """A vault goes on with the keys it has when its file is lost or spoilt, and takes the next good one."""
    vault = Vault.from_file(file)
    good = file.read_bytes()
    sealed = vault.seal(b"token", place=PLACE)
    spoil(file)

    opened = vault.open(sealed, place=PLACE)
    file.write_bytes(good)
    add_key(file)

    assert opened == b"token"
    assert vault.key_ids == ("k1", "k2")
