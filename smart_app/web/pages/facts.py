"""Answers of the last visit that are shown as they were given."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.facts import RawFact
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
    holding = [fact.item for fact in instrument.raw_facts if _holds(instrument, fact, given)]
    links = [link for item in holding for link in (item, *_asked(instrument, item))]
    facts = tuple(
        Fact(question=wording.items[link][Rater.PATIENT], answer=wording.option(given[link]))
        for link in links
        if link in given
    )
    return Facts(visit=last.label, day=day(last.on, today=today), facts=facts) if facts else None


def _holds(instrument: Instrument, fact: RawFact, given: Mapping[str, str]) -> bool:
    if fact.item not in given:
        return False
    values = {option.code: option.value for option in instrument.items[fact.item].options}
    value = values[given[fact.item]]
    return given[fact.item] in fact.any_of or (value is not None and fact.at_most is not None and value <= fact.at_most)


def _asked(instrument: Instrument, question: str) -> Iterator[str]:
    """Yield the questions asked only because of an answer to this one."""
    for item in instrument.items.values():
        if any(test.question == question for condition in item.conditions for test in condition.tests):
            yield item.link_id
