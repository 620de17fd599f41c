"""DocumentReferences as the notes of a chart: their words on the page, other attachments to open."""

import binascii
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from smart_app.sandbox.chart.labels import NameOf, Resource, code_words, concept_words
from smart_app.sandbox.chart.moments import Moment, read_moment

_STRUCK = ("entered-in-error", "superseded")
# What a browser shows without running anything that is inside of it.
_SAFE = ("application/pdf", "image/png", "image/jpeg")


@dataclass(frozen=True, kw_only=True)
class Note:
    """One DocumentReference in words; `files` are (number of its content, words for it) to be opened."""

    id: str
    kind: str
    authors: str
    moment: Moment
    status: str
    struck: bool
    texts: tuple[str, ...]
    files: tuple[tuple[int, str], ...]


@dataclass(frozen=True, kw_only=True)
class NoteFile:
    """An attachment: its media type without parameters, and its bytes."""

    media_type: str
    content: bytes


def note_lines(documents: Sequence[Resource], *, name_of: NameOf) -> list[Note]:
    """Return the notes in words, newest first."""
    return sorted((_note(each, name_of) for each in documents), key=lambda note: note.moment.order, reverse=True)


def note_file(document: Resource, number: int) -> NoteFile | None:
    """Return the attachment of a note's content, counted from 0; None when a browser should not open it."""
    found = next((file for place, file in _files(document) if place == number), None)
    return found if found and found.media_type in _SAFE else None


def _note(document: Resource, name_of: NameOf) -> Note:
    """Put one note into words."""
    files = list(_files(document))
    status = document.get("status", "unknown")
    return Note(
        id=document["id"],
        kind=concept_words(document.get("type")) or "Note",
        authors=", ".join(name_of(author) for author in document.get("author", ())),
        moment=read_moment(document.get("date")),
        status=code_words(status),
        struck=status in _STRUCK,
        texts=tuple(file.content.decode(errors="replace") for _, file in files if file.media_type == "text/plain"),
        files=tuple((number, _words(file)) for number, file in files if file.media_type in _SAFE),
    )


def _files(document: Resource) -> Iterator[tuple[int, NoteFile]]:
    """Yield the attachments that are inside a note, by the number of their content."""
    for number, content in enumerate(document.get("content", ())):
        attachment = content.get("attachment", {})
        media_type = attachment.get("contentType", "").partition(";")[0].strip().lower()
        try:
            yield number, NoteFile(media_type=media_type, content=b64decode(attachment["data"], validate=True))
        except (KeyError, binascii.Error):
            continue


def _words(file: NoteFile) -> str:
    """Return what a link to an attachment says."""
    return f"{file.media_type.rpartition('/')[2].upper()}, {max(1, round(len(file.content) / 1024))} KB"
