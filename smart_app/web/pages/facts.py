"""Answers of the last visit that are shown as they were given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater, Wording
from smart_app.web.pages.visit_rows import VisitRow
from smart_app.web.pages.words import When, day


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One answer as it was given."""

    question: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The answers of one visit that are shown as they are."""

    visit: str
    day: When
    facts: tuple[Fact, ...]


def facts_of(instrument: Instrument, wording: Wording, rows: Sequence[VisitRow], today: date) -> Facts | None:
    """Return the facts of the last visit the patient answered, and what was asked because of them."""
    answered = [row for row in rows if Rater.PATIENT in row.answers]
    if not answered:
        return None
    last = answered[-1]
    given = last.answers[Rater.PATIENT].given
    links = [link for item in instrument.noticed(given) for link in (item, *_asked(instrument, item))]
    facts = tuple(
        Fact(question=wording.items[link][Rater.PATIENT], answer=wording.option(given[link]))
        for link in links
        if link in given
    )
    return Facts(visit=last.label, day=day(last.on, today=today), facts=facts) if facts else None


def _asked(instrument: Instrument, question: str) -> Iterator[str]:
    """Yield the questions asked only because of an answer to this one."""
    for item in instrument.items.values():
        if any(test.question == question for condition in item.conditions for test in condition.tests):
            yield item.link_id
