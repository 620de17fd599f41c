"""All words that people can meet, as they stand in templates and code; as a command it updates the .po files.

`python -m tests.languages.gathered` keeps what is translated, adds what is new and drops what is gone.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import fhir_alliance
import smart_app.web
from fhir_alliance import errors
from fhir_alliance.alerts.book import UnknownAlert
from fhir_alliance.delivery.findings import UnclearFinding
from fhir_alliance.delivery.outcomes import Stop
from fhir_alliance.delivery.reason_table import REASONS, Who
from fhir_alliance.delivery.reasons import reason_of
from fhir_alliance.delivery.receipts import Kind, State
from fhir_alliance.delivery.releasing import NotReleased
from fhir_alliance.errors import AllianceError
from fhir_alliance.key_file import KeyFileError
from fhir_alliance.settings import TRANSLATED
from fhir_alliance.talks.agreed import Outcome, UnknownAgreement
from fhir_alliance.talks.reasons import Answer, UnknownReason
from fhir_alliance.talks.words import talk_words
from fhir_alliance.trajectory.seen import Look, Name
from smart_app.web import admissions, app  # noqa: F401  # the app's modules have errors of their own
from smart_app.web.filing import NothingToFile, NotPrintable
from smart_app.web.linking import NoLinks, NoLinksAtThisAge
from smart_app.web.mine import NoOverview

WEB: Final = Path(smart_app.web.__file__).parent
ROOT: Final = WEB.parents[1]
FOLDERS: Final = (
    WEB,
    *(Path(fhir_alliance.__file__).parent / name for name in ("instruments", "scoring", "trajectory")),
)
KEYWORDS: Final = {
    **dict.fromkeys(("_", "say", "marked", "Sentence")),
    **dict.fromkeys(("ngettext", "Counted"), (1, 2)),
}
OPTIONS: Final = {"**.html": {"trimmed": "true"}}
# Whose words no patient meets; what is said there may be harder to read.
FOR_CLINICIANS: Final = (
    *(f"templates/{name}.html" for name in ("chart", "_agreed", "_alerts", "_domains", "_reasons", "_strips")),
    *(
        f"templates/{name}.html"
        for name in ("_window", "asked", "delivery", "handover", "links", "wishes", "mine", "others", "filing")
    ),
    *(f"pages/{name}.py" for name in ("alerts", "chart", "delivery", "due", "notes", "reasons", "signs", "strips")),
    *(f"pages/{name}.py" for name in ("window", "wishes", "agreed", "mine", "for_note", "others", "ages")),
    "sheet.py",
    "instruments/",
    "trajectory/",
)
# The FHIR endpoint and the cards answer programs; harvest, Tasks, topics and exports an EHR. Tests have errors of their
# own.
FOR_PROGRAMS: Final = (
    "smart_app.web.fhir.",
    "smart_app.web.hooks",
    "fhir_alliance.cards.",
    "fhir_alliance.cohort.",
    "fhir_alliance.harvest.",
    "fhir_alliance.tasks.",
    "fhir_alliance.topics.",
    "tests.",
    "test_",
)
# What only an administrator, an operator or a program is told.
NOT_FOR_PEOPLE: Final = (
    errors.InvalidSettings,
    errors.NoDefinitions,
    errors.InvalidResponse,
    errors.ReaderRefused,
    errors.ProbeRefused,
    errors.PublishConflict,
    errors.ExportRefused,
    errors.ExportFailed,
    errors.ExportUnknown,
    UnknownAlert,
    NotReleased,
    UnclearFinding,
    Stop,
    KeyFileError,
    admissions.LinkRefused,
    admissions.AdminNeeded,
)

# What only a clinician is told.
TO_CLINICIANS: Final = (
    *(errors.HandedOver, errors.NotReady, NoLinks, NoLinksAtThisAge, NoOverview, UnknownReason, UnknownAgreement),
    *(NothingToFile, NotPrintable),
)


def file_of(language: str) -> Path:
    """Return where a language's words are."""
    return WEB / "translations" / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """Return a language's catalogue."""
    with file_of(language).open("rb") as source:
        return read_po(source, locale=language)


class Message(NamedTuple):
    """A message in English, `many` for several where that is another sentence, and whether patients can meet it."""

    one: str
    many: str = ""
    for_patients: bool = True

    @property
    def id(self) -> str | tuple[str, str]:
        """The message as a catalogue has it."""
        return (self.one, self.many) if self.many else self.one


def messages() -> list[Message]:
    """Return every message once; what both patients and clinicians meet is for patients."""
    found: dict[str, Message] = {}
    for each in (*_written(), *_errors(), *_data()):
        if each.one and (each.one not in found or each.for_patients):
            found[each.one] = each
    return list(found.values())


def _written() -> Iterator[Message]:
    for folder in FOLDERS:
        method = [("**.html", "jinja2"), ("**.py", "python")]
        words = KEYWORDS if folder is WEB else {name: each for name, each in KEYWORDS.items() if name != "say"}
        for file, _, message, _, _ in extract_from_dir(folder, method, OPTIONS, words):
            one, many = message if isinstance(message, tuple) else (message, "")
            yield Message(one, many, not f"{folder.name}/{file}".removeprefix("web/").startswith(FOR_CLINICIANS))


def _errors() -> Iterator[Message]:
    """Yield what the pages of errors say."""
    for kind in error_kinds():
        yield from (Message(text, "", kind not in TO_CLINICIANS) for text in (kind.title, kind.sentence))


def _data() -> Iterator[Message]:
    """Yield the words of clinicians' pages that stand in tables: of reasons to look and of reasons of delivery."""
    talk = talk_words()
    asked = (question for questions in talk.questions.values() for question in questions)
    names = (str(each) for kind in (Name, Look, Answer, Outcome) for each in kind)
    why = [each for code, each in REASONS.items() if not code.startswith("harvest.")]
    why += [reason_of(state, None, kind) for state in State for kind in (None, *Kind)]
    todo = (each.todo for each in why if each.who is not Who.ADMINISTRATOR)
    told = ("%(reason)s; please tell your administrator", *(each.words for each in why), *todo)
    yield from (Message(text, "", False) for text in (*names, *asked, *talk.agreements.values(), *told))


def error_kinds() -> Iterator[type[AllianceError]]:
    """Yield every error that a patient or a clinician can be shown."""
    waiting: list[type[AllianceError]] = [AllianceError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind not in NOT_FOR_PEOPLE and not kind.__module__.startswith(FOR_PROGRAMS):
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
        old = known.get(message.id)
        nothing = ("",) * known.num_plurals if message.many else ""
        flags = ("python-format",) if "%(" in message.one else ()
        fresh.add(message.id, old.string if old else nothing, flags=flags)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as target:
        write_po(target, fresh, width=110, omit_header=False)


if __name__ == "__main__":
    for each in TRANSLATED:
        bring_up_to_date(each)
