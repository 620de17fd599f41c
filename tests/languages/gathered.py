"""All words that a patient can meet, as they stand in templates and code; as a command it updates the .po files.

`python -m tests.languages.gathered` keeps what is translated, adds what is new and drops what is gone.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import fhir_alliance
import smart_app.web
from fhir_alliance import errors
from fhir_alliance.alerts.book import UnknownAlert
from fhir_alliance.delivery.findings import UnclearFinding
from fhir_alliance.delivery.outcomes import Stop
from fhir_alliance.delivery.releasing import NotReleased
from fhir_alliance.errors import AllianceError
from fhir_alliance.key_file import KeyFileError
from fhir_alliance.settings import TRANSLATED
from smart_app.web import admissions, app  # noqa: F401  # the app's modules have errors of their own
from smart_app.web.linking import NoLinks
from smart_app.web.mine import NoOverview

WEB: Final = Path(smart_app.web.__file__).parent
ROOT: Final = WEB.parents[1]
FOLDERS: Final = (WEB, Path(fhir_alliance.__file__).parent / "scoring")
KEYWORDS: Final = {"_": None, "say": None, "marked": None, "Sentence": None}
OPTIONS: Final = {"**.html": {"trimmed": "true"}}
# The FHIR endpoint and the cards answer programs; harvest, Tasks, topics and exports an EHR; reasons a clinician. Tests
# have errors of their own.
FOR_PROGRAMS: Final = (
    "smart_app.web.fhir.",
    "smart_app.web.hooks",
    "fhir_alliance.cards.",
    "fhir_alliance.cohort.",
    "fhir_alliance.harvest.",
    "fhir_alliance.talks.",
    "fhir_alliance.tasks.",
    "fhir_alliance.topics.",
    "tests.",
    "test_",
)
# What only an administrator, an operator or a program is told.
NOT_FOR_PATIENTS: Final = (
    errors.InvalidSettings,
    errors.NoDefinitions,
    errors.InvalidResponse,
    errors.ReaderRefused,
    errors.ProbeRefused,
    errors.PublishConflict,
    errors.HandedOver,
    errors.ExportRefused,
    errors.ExportFailed,
    errors.ExportUnknown,
    UnknownAlert,
    NotReleased,
    UnclearFinding,
    NoLinks,
    NoOverview,
    Stop,
    KeyFileError,
    admissions.LinkRefused,
    admissions.AdminNeeded,
)


def file_of(language: str) -> Path:
    """Return where a language's words are."""
    return WEB / "translations" / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """Return a language's catalogue."""
    with file_of(language).open("rb") as source:
        return read_po(source, locale=language)


def messages() -> list[str]:
    """Return every message, in English, once."""
    return list(dict.fromkeys((*_written(), *_errors())))


def _written() -> Iterator[str]:
    for folder in FOLDERS:
        method = [("**.html", "jinja2"), ("**.py", "python")]
        for _, _, message, _, _ in extract_from_dir(folder, method, OPTIONS, KEYWORDS):
            yield message[0] if isinstance(message, tuple) else message


def _errors() -> Iterator[str]:
    """Yield what the pages of errors say."""
    for kind in error_kinds():
        yield from (kind.title, kind.sentence)


def error_kinds() -> Iterator[type[AllianceError]]:
    """Yield every error that a patient can be shown."""
    waiting: list[type[AllianceError]] = [AllianceError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind not in NOT_FOR_PATIENTS and not kind.__module__.startswith(FOR_PROGRAMS):
            yield kind


def bring_up_to_date(language: str) -> None:
    """Write a language's catalogue with just the messages there are; new ones have no words yet."""
    file = file_of(language)
    known = read(language) if file.exists() else Catalog(locale=language)
    fresh = Catalog(
        locale=language,
        fuzzy=False,
        header_comment=known.header_comment,
        charset="utf-8",
        project="FHIR Alliance",
        version="1",
        creation_date=known.creation_date,
        revision_date=known.creation_date,
        last_translator="The FHIR Alliance authors",
        language_team=language,
        msgid_bugs_address="see README.md",
    )
    for message in sorted(messages()):
        old = known.get(message)
        fresh.add(message, old.string if old else "", flags=("python-format",) if "%(" in message else ())
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as target:
        write_po(target, fresh, width=110, omit_header=False)


if __name__ == "__main__":
    for each in TRANSLATED:
        bring_up_to_date(each)
