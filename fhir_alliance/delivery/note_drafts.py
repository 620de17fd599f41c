"""The note of a visit as each of its submissions composes it, and how it is known again in a chart."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_alliance.delivery.keeping import VisitNote
from fhir_alliance.records.note import NotePart, join_parts, note_text
from fhir_alliance.terms import NOTE_IDENTIFIER

Resource = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One note of the visit as it was composed for one of its submissions; `skeleton` is all but the content.

    `forms` are the first keys of the forms that it tells of.
    """

    submission: VisitNote
    skeleton: dict[str, Any]
    text: str
    forms: frozenset[str]

    @property
    def ends(self) -> datetime:
        """When its submission was answered."""
        return _moment(self.skeleton["context"]["period"]["end"])


def drafts_of(submissions: Sequence[VisitNote]) -> list[Draft]:
    """Return the note of each submission: what was said in the visit up to it, of each form as it was corrected last.

    What takes the only form back has no note. No other note tells of a form that was taken back before it was sent.
    """
    drafts = []
    told: dict[str, VisitNote] = {}
    for each in submissions:
        if each.pieces:
            told[each.form_key] = each
        else:
            told.pop(each.form_key, None)
        stay = {
            form: told[form] for form in told if form == each.form_key or not _is_gone(told[form], each, submissions)
        }
        if stay:
            drafts.append(_draft(each, stay))
    return drafts


def _is_gone(part: VisitNote, note: VisitNote, submissions: Sequence[VisitNote]) -> bool:
    """Whether a part of a note was taken back before the note was sent: what was sent stays as it was."""
    later = [each for each in submissions if each.form_key == part.form_key and each.sequence > part.sequence]
    return any(not each.pieces and (note.sent_at is None or each.accepted_at <= note.sent_at) for each in later)


def _draft(submission: VisitNote, told: Mapping[str, VisitNote]) -> Draft:
    pieces = [each.pieces or {} for each in told.values()]
    parts = join_parts([NotePart(**{**each["part"], "limits": tuple(each["part"]["limits"])}) for each in pieces])
    skeleton = (submission.pieces or pieces[-1])["note"]
    # A note that is written because a form was taken back is another one than that of the form that stays.
    skeleton = {**skeleton, "identifier": [{**skeleton["identifier"][0], "value": submission.key}]}
    period = {**skeleton["context"]["period"], "start": min((part.answered for part in parts), key=_moment)}
    skeleton = {**skeleton, "context": {**skeleton["context"], "period": period}}
    return Draft(submission=submission, skeleton=skeleton, text=note_text(parts), forms=frozenset(told))


def is_same(note: Resource, draft: Draft) -> bool:
    """Whether a note of the chart is ours: by identifier, and where that was dropped by its end and its words."""
    if own := identifiers_of(note):
        return draft.submission.key in own
    ends = note.get("context", {}).get("period", {}).get("end")
    texts = list(texts_of(note))
    same = ends is not None and _moment(ends) == draft.ends
    return same and has_words(note) and (not texts or draft.text in texts)


def identifiers_of(note: Resource) -> list[str]:
    """Return our own identifiers of a note."""
    return [str(each.get("value")) for each in note.get("identifier", ()) if each.get("system") == NOTE_IDENTIFIER]


def has_words(note: Resource) -> bool:
    """Whether a note has its words as text, inside or elsewhere: every note of ours does, a filed page does not."""
    return any(_is_text(content["attachment"]) for content in note.get("content", ()))


def texts_of(note: Resource) -> Iterator[str]:
    """Yield the text that a note holds inside; a server may keep it elsewhere and give an address instead."""
    for content in note.get("content", ()):
        attachment = content["attachment"]
        if _is_text(attachment) and "data" in attachment:
            yield base64.b64decode(attachment["data"]).decode()


def _is_text(attachment: Resource) -> bool:
    return str(attachment.get("contentType", "")).startswith("text/plain")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
