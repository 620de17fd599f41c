"""The sandbox's settings file."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from smart_app.sandbox.config import SandboxConfigError, read_config

CLIENT = {"client_id": "a", "name": "A", "scopes": "openid", "grant_types": ["authorization_code"]}
SETTINGS: dict[str, Any] = {
    "base_url": "http://127.0.0.1:8080/",
    "database": "ehr.sqlite",
    "clients": [{**CLIENT, "redirect_uris": ["http://localhost:8081/callback"], "jwks": {"keys": []}}],
    "today": "2026-03-04",
}


def write(path: Path, settings: object) -> Path:
    """Write a settings file and return its path."""
    file = path / "sandbox.json"
    file.write_text(json.dumps(settings))
    return file


def test_settings_are_read(tmp_path: Path) -> None:
    """Names in the file are those of the settings; lists become tuples, dates dates, paths paths."""
    config = read_config(write(tmp_path, SETTINGS))

    assert config.fhir_base == "http://127.0.0.1:8080/fhir"
    assert config.database == Path("ehr.sqlite")
    assert config.today == date(2026, 3, 4)
    assert (config.token_seconds, config.populate) == (300, True)
    assert config.clients[0].grant_types == ("authorization_code",)
    assert config.clients[0].redirect_uris == ("http://localhost:8081/callback",)
    assert config.clients[0].jwks == {"keys": []}


def test_a_client_has_one_proof_or_none(tmp_path: Path) -> None:
    """A key set or a secret makes a client confidential, neither makes it public; a secret is never printed."""
    proofs: list[dict[str, Any]] = [{"jwks": {"keys": []}}, {"secret": "sesame"}, {}]
    settings = {**SETTINGS, "clients": [{**CLIENT, **proof} for proof in proofs]}

    clients = read_config(write(tmp_path, settings)).clients

    assert [client.confidential for client in clients] == [True, True, False]
    assert clients[1].secret == "sesame"
    assert "sesame" not in repr(clients)


def test_today_may_be_left_out(tmp_path: Path) -> None:
    """Without `today` the real day is meant."""
    settings = {name: value for name, value in SETTINGS.items() if name != "today"}

    assert read_config(write(tmp_path, settings)).today is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"clients": [{"client_id": "a"}]}, "grant_types, name, scopes"),
        ({"clients": [{**CLIENT, "password": "x"}]}, "password"),
        ({"clients": [{**CLIENT, "secret": ""}]}, "secret"),
        ({"clients": [{**CLIENT, "secret": "x", "jwks": {"keys": []}}]}, "secret"),
        ({"clients": ["a"]}, "a client"),
        ({"clients": 5}, "sandbox.json"),
        ({"base_url": None}, "sandbox.json"),
        ({"today": "soon"}, "sandbox.json"),
        ({"database": 7}, "sandbox.json"),
        ({"profile": "kind"}, "profile: choose one of generous, read-only-questionnaires"),
    ],
)
def test_bad_settings_are_named(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    """A setting that is unknown, missing or of the wrong kind is named."""
    with pytest.raises(SandboxConfigError, match=named):
        read_config(write(tmp_path, {**SETTINGS, **changes}))


@pytest.mark.parametrize("text", ["", "[]", "{}"])
def test_file_without_settings(tmp_path: Path, text: str) -> None:
    """A file that is no JSON object, or an empty one, is refused."""
    (tmp_path / "sandbox.json").write_text(text)

    with pytest.raises(SandboxConfigError):
        read_config(tmp_path / "sandbox.json")


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is refused by its name, without its directory."""
    with pytest.raises(SandboxConfigError, match=r"^none\.json is not"):
        read_config(tmp_path / "none.json")
