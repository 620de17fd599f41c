"""Secrets come from a private file or from the environment, never from the settings file itself."""

import os
import re
import stat
from pathlib import Path
from typing import Final

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings.values import ClientSettings, OperationsSettings

# Servers disagree on how other characters are encoded in HTTP Basic (spec row L10).
_VISIBLE_ASCII: Final = re.compile(r"[!-~]+")

_SHORTEST_TOKEN: Final = 32


def client_secret(client: ClientSettings) -> str | None:
    """Return a client's secret as it is now, so that a new one needs no restart; None when it has none.

    Raises InvalidSettings when its file or variable is not there, is open to others, or holds no visible ASCII.
    """
    return _secret(client.secret_file, client.secret_variable)


def metrics_token(operations: OperationsSettings) -> str | None:
    """Return what a program must show to read the figures, None when nobody may; InvalidSettings as above."""
    token = _secret(operations.metrics_token_file, operations.metrics_token_variable)
    if token is not None and len(token) < _SHORTEST_TOKEN:
        raise InvalidSettings([f"operations: the metrics token needs {_SHORTEST_TOKEN} characters or more"])
    return token


def _secret(file: Path | None, variable: str) -> str | None:
    if file:
        if reason := file_fault(file):
            raise InvalidSettings([f"{file.name}: {reason}"])
        secret, place = file.read_text("utf-8", errors="replace").rstrip("\r\n"), file.name
    elif variable:
        secret, place = os.environ.get(variable, ""), f"environment variable {variable}"
    else:
        return None
    if not _VISIBLE_ASCII.fullmatch(secret):
        raise InvalidSettings([f"{place}: must hold one secret of visible ASCII characters"])
    return secret


def file_fault(path: Path) -> str:
    """Return why a file cannot hold a secret, "" when it can."""
    if not path.is_file():
        return "this key file does not exist"
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return "others can read this key file; make it private with chmod 600"
    return ""
