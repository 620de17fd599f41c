"""A site's folder of Questionnaires: each file that can be used becomes an instrument, the others are told."""

from collections.abc import Collection
from importlib.resources.abc import Traversable
from typing import NamedTuple

from marshmallow import ValidationError

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.fields import NAME
from fhir_alliance.instruments.sdc.elements import Report
from fhir_alliance.instruments.sdc.reading import read_own_form
from fhir_alliance.instruments.source import SourceError, entries, read_bytes


class OwnForms(NamedTuple):
    """What a folder holds: instruments, a line for each fault, and one for what of the forms is not used."""

    instruments: tuple[Instrument, ...]
    faults: tuple[str, ...]
    remarks: tuple[str, ...]


def read_own_forms(folder: Traversable, taken: Collection[str], *, free_text: str) -> OwnForms:
    """Read `<name>.json` in a folder; `taken` are the names of the instruments that ship.

    A file with a fault is left out, and so is one that gives a form and version that another file has already given.
    """
    instruments: dict[str, Instrument] = {}
    faults: list[str] = []
    remarks: list[str] = []
    for file_name, file in entries(folder.name, folder, faults).items():
        if not file_name.endswith(".json"):
            continue
        report = Report(f"{folder.name}/{file_name}")
        instrument = _read(file_name, file, taken, report, free_text=free_text)
        canonical = instrument.forms[0].canonical if instrument else ""
        if instrument and canonical in instruments:
            report.faults.append(f"{report.name}: {canonical} is already in {instruments[canonical].name}.json")
        elif instrument:
            instruments[canonical] = instrument
            remarks += report.remarks
        faults += report.faults
    return OwnForms(tuple(instruments.values()), tuple(faults), tuple(remarks))


def _read(
    file_name: str, file: Traversable, taken: Collection[str], report: Report, *, free_text: str
) -> Instrument | None:
    name = file_name.removesuffix(".json")
    try:
        NAME(name)
        data = read_bytes(report.name, file)
    except ValidationError as error:
        report.faults.append(f"{report.name}: the name of the file is the name of the form: {error.messages[0]}")
    except SourceError as error:
        report.faults.append(str(error))
    else:
        if name not in taken:
            return read_own_form(name, data, report, free_text=free_text)
        report.faults.append(f"{report.name}: {name} is an instrument that ships: give the file another name")
    return None
