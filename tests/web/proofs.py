"""How a site's clients prove who they are, written into the files of a site before anything reads them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, RSAKey

from smart_app.demo.site import Site

SECRET = "s3cret~with/sl4sh="
PROOFS = ("public", "secret", "private_key_jwt")


def proving(proof: str, *names: str) -> Callable[[Site], None]:
    """Return a change of a site: these of its clients prove themselves so; "RS384" is private_key_jwt with that."""

    def change(site: Site) -> None:
        for name in names:
            line, registered = _MAKE[proof](site.settings.parent, name)
            _set_up(site.settings, name, line)
            _register(site.sandbox, f"alliance-{name}", registered)

    return change


def _set_up(settings: Path, name: str, line: str) -> None:
    head = f'[ehr.harbor.{name}]\nclient_id = "alliance-{name}"\n'
    text = settings.read_text().replace(f'{head}key_file = "{name}.jwk"\n', head)
    assert head in text
    settings.write_text(text.replace(head, head + line))


def _register(sandbox: Path, client_id: str, proof: dict[str, Any]) -> None:
    config = json.loads(sandbox.read_text())
    client = next(each for each in config["clients"] if each["client_id"] == client_id)
    client.pop("jwks", None)
    client.update(proof)
    sandbox.write_text(json.dumps(config))


def _public(folder: Path, name: str) -> tuple[str, dict[str, Any]]:
    return "", {}


def _secret(folder: Path, name: str) -> tuple[str, dict[str, Any]]:
    path = folder / f"{name}.secret"
    path.touch(mode=0o600)
    path.write_text(f"{SECRET}\n")
    return f'secret_file = "{name}.secret"\n', {"secret": SECRET}


def _key(key: ECKey | RSAKey, folder: Path, name: str) -> tuple[str, dict[str, Any]]:
    path = folder / f"{name}.jwk"
    path.touch(mode=0o600)
    path.write_text(json.dumps(key.as_dict(private=True)))
    return f'key_file = "{name}.jwk"\n', {"jwks": {"keys": [key.as_dict(private=False)]}}


def _es384(folder: Path, name: str) -> tuple[str, dict[str, Any]]:
    return _key(ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384"}, auto_kid=True), folder, name)


def _rs384(folder: Path, name: str) -> tuple[str, dict[str, Any]]:
    return _key(RSAKey.generate_key(2048, {"use": "sig", "alg": "RS384"}, auto_kid=True), folder, name)


_MAKE = {"public": _public, "secret": _secret, "private_key_jwt": _es384, "RS384": _rs384}
