"""Reading `alliance.toml`: every fault reported together, in the file and in the files it names."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings.schema import SettingsSchema
from fhir_alliance.settings.secrets import client_secret, file_fault
from fhir_alliance.settings.values import Settings


def read_settings(path: Path) -> Settings:
    """Read `alliance.toml`; paths in it are relative to its folder.

    Raises InvalidSettings with every fault found: syntax, missing or unknown keys, addresses, open key files.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidSettings([f"{path.name}: {error}"]) from None
    schema = SettingsSchema()
    schema.context_folder = path.resolve().parent
    try:
        settings: Settings = schema.load(values)
    except ValidationError as error:
        raise InvalidSettings([f"{path.name}: {where}: {why}" for where, why in _flat(error.messages)]) from None
    if faults := list(_file_faults(settings)):
        raise InvalidSettings(faults)
    return settings


def _flat(messages: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(messages, Mapping):
        parts = [(key if key not in ("_schema", "value") else "") for key in messages]
        return [
            found
            for part, value in zip(parts, messages.values(), strict=True)
            for found in _flat(value, ".".join(filter(None, (path, str(part)))))
        ]
    return [(path, str(message)) for message in messages]


def _file_faults(settings: Settings) -> Iterator[str]:
    for name, folder in (
        ("wording_folder", settings.wording_folder),
        ("questionnaire_folder", settings.questionnaire_folder),
    ):
        if folder and not folder.is_dir():
            yield f"{name}: {folder.name} is not a folder"
    for path in dict.fromkeys(_key_files(settings)):
        if reason := file_fault(path):
            yield f"{path.name}: {reason}"
    for client in [client for ehr in settings.ehrs.values() for client in ehr.clients]:
        try:
            client_secret(client)
        except InvalidSettings as error:
            yield from error.faults


def _key_files(settings: Settings) -> Iterator[Path]:
    yield settings.vault_key_file
    for ehr in settings.ehrs.values():
        yield from (client.key_file for client in ehr.clients if client.key_file)
    if settings.alerts and settings.alerts.password_file:
        yield settings.alerts.password_file
