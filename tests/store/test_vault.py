"""What is sealed opens only at its place, with its key, unchanged."""

import base64
import stat
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_alliance.key_file import create_key_file
from fhir_alliance.vault import Vault, VaultError

PLACE = "harbor/grants/g1/access_token"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Return a new key file."""
    path = tmp_path / "vault.json"
    create_key_file(path)
    return path


@pytest.fixture
def vault(key_file: Path) -> Vault:
    """Return a vault with one key."""
    return Vault.from_file(key_file)


@given(plaintext=st.binary(max_size=400))
def test_opens_what_it_sealed(plaintext: bytes) -> None:
    """Any bytes come back as they were, and are not to be seen in what is stored."""
    vault = Vault(current="k1", keys={"k1": bytes(range(32))})

    sealed = vault.seal(plaintext, place=PLACE)

    assert vault.open(sealed, place=PLACE) == plaintext
    assert len(plaintext) < 4 or plaintext not in sealed


def test_same_plaintext_is_never_sealed_alike(vault: Vault) -> None:
    """Two equal values cannot be told to be equal."""
    first, second = (vault.seal(b"token", place=PLACE) for _ in range(2))

    assert first != second


@pytest.mark.parametrize("place", ["harbor/grants/g2/access_token", "bay/grants/g1/access_token", PLACE + " ", ""])
def test_moved_value_is_refused(vault: Vault, place: str) -> None:
    """A value copied to another tenant, row or column does not open (T74)."""
    sealed = vault.seal(b"token", place=PLACE)

    with pytest.raises(VaultError):
        vault.open(sealed, place=place)


def test_every_changed_byte_is_noticed(vault: Vault) -> None:
    """No byte of a sealed value can be changed, nor can it be cut."""
    sealed = vault.seal(b"token", place=PLACE)
    changed = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    cut = [sealed[:length] for length in range(len(sealed))]

    for each in [*changed, *cut]:
        with pytest.raises(VaultError):
            vault.open(each, place=PLACE)


def test_old_key_still_opens_after_rotation() -> None:
    """New values are sealed with the current key, and old ones open while their key is in the file."""
    old = Vault(current="k1", keys={"k1": bytes(32)})
    both = Vault(current="k2", keys={"k1": bytes(32), "k2": bytes([7]) * 32})

    sealed, fresh = old.seal(b"token", place=PLACE), both.seal(b"token", place=PLACE)

    assert both.open(sealed, place=PLACE) == b"token"
    with pytest.raises(VaultError):
        old.open(fresh, place=PLACE)


def test_derived_bytes_belong_to_key_and_purpose() -> None:
    """The same key and purpose give the same 32 bytes, and anything else gives others."""
    first, second = (Vault(current="k1", keys={"k1": bytes([number]) * 32}) for number in (1, 2))

    derived = [first.derive("csrf"), first.derive("csrf"), first.derive("cookie"), second.derive("csrf")]

    assert [len(each) for each in derived] == [32] * 4
    assert (derived[0] == derived[1], len(set(derived))) == (True, 3)


def test_key_file_is_private_and_never_replaced(key_file: Path) -> None:
    """Only the owner can read the key file, and a key in use cannot be lost to a second creation."""
    before = key_file.read_bytes()

    with pytest.raises(FileExistsError):
        create_key_file(key_file)

    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert key_file.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"current": "k1", "keys": []}',
        b'{"current": "k1", "keys": {"k1": 7}}',
        b'{"current": "k1", "keys": {"k1": "not base64!"}}',
        orjson.dumps({"current": "k1", "keys": {"k1": base64.urlsafe_b64encode(bytes(16)).decode()}}),
        orjson.dumps({"current": "k2", "keys": {"k1": base64.urlsafe_b64encode(bytes(32)).decode()}}),
        orjson.dumps({"current": "k:1", "keys": {"k:1": base64.urlsafe_b64encode(bytes(32)).decode()}}),
    ],
)
def test_unusable_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """A key file that is empty, short, or without its current key is refused, and nothing of it is shown."""
    path = tmp_path / "vault.json"
    path.write_bytes(content)

    with pytest.raises(VaultError) as caught:
        Vault.from_file(path)

    assert "AAAA" not in str(caught.value)


def test_missing_key_file_is_refused(tmp_path: Path) -> None:
    """Without the key file nothing starts."""
    with pytest.raises(VaultError):
        Vault.from_file(tmp_path / "vault.json")
