"""Reading `alliance.toml`: every fault reported together, in the file and in the files it names."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from marshmallow import ValidationError

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings.schema import SettingsSchema
from fhir_alliance.settings.secrets import client_secret, file_fault, metrics_token
from fhir_alliance.settings.values import EhrSettings, Settings
from fhir_alliance.settings.writing import read_mapping

_NOT_THERE: Final = "no such file: `fhir-alliance begin` writes one for a new site, --settings names another"


def read_settings(path: Path) -> Settings:
    """Read `alliance.toml`; paths in it are relative to its folder.

    Raises InvalidSettings with every fault found: syntax, missing or unknown keys, addresses, open key files.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InvalidSettings([f"{path}: {_NOT_THERE}"]) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidSettings([f"{path.name}: {error}"]) from None
    schema = SettingsSchema()
    schema.context_folder = path.resolve().parent
    try:
        settings: Settings = schema.load(values)
    except ValidationError as error:
        raise InvalidSettings([f"{path.name}: {where}: {why}" for where, why in _flat(error.messages)]) from None
    faults = list(_file_faults(settings))
    ehrs = {name: _mapped(ehr, faults) for name, ehr in settings.ehrs.items()}
    if faults:
        raise InvalidSettings(faults)
    return replace(settings, ehrs=ehrs)


def beginning_faults(values: Mapping[str, Any]) -> list[str]:
    """Return every fault of settings that name no EHR yet."""
    messages = SettingsSchema().validate(values)
    return [f"{where}: {why}" for where, why in _flat({name: messages[name] for name in messages if name != "ehr"})]


def _mapped(ehr: EhrSettings, faults: list[str]) -> EhrSettings:
    """Return an EHR with the rows of its mapping file; what is wrong there is added to the faults."""
    path = ehr.write.mapping_file
    if path is None:
        return ehr
    try:
        return replace(ehr, write=replace(ehr.write, rows=read_mapping(path)))
    except ValueError as error:
        faults.extend(f"{path.name}: {fault}" for fault in str(error).splitlines())
    return ehr


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
    clients = [client for ehr in settings.ehrs.values() for client in ehr.clients]
    for read in (*(partial(client_secret, each) for each in clients), partial(metrics_token, settings.operations)):
        try:
            read()
        except InvalidSettings as error:
            yield from error.faults


def _key_files(settings: Settings) -> Iterator[Path]:
    yield settings.vault_key_file
    for ehr in settings.ehrs.values():
        yield from (client.key_file for client in ehr.clients if client.key_file)
    if settings.alerts and settings.alerts.password_file:
        yield settings.alerts.password_file
