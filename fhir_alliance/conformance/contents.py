"""What goes into the package: which instruments, and every resource made from them."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version

from fhir_alliance.conformance.canonicals import Edition
from fhir_alliance.conformance.capability import client_statement
from fhir_alliance.conformance.codes import language_of
from fhir_alliance.conformance.facade import facade_statement
from fhir_alliance.conformance.profiles import profiles
from fhir_alliance.conformance.terminology import alliance_terminology, answers
from fhir_alliance.conformance.views import views
from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.instruments.readiness import State, readiness
from fhir_alliance.records.codes import JsonObject


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The instruments whose codes are published, those of them that are ready, and a line for each left out.

    Codes of a draft are not published: what they mean may still change.
    """

    instruments: tuple[Instrument, ...]
    ready: tuple[Instrument, ...]
    left_out: tuple[str, ...]

    @property
    def newest(self) -> str:
        """The date of the newest definition."""
        return max(each.date for each in self.instruments)

    @property
    def licensed(self) -> tuple[Instrument, ...]:
        """Those whose words are here because a site has a licence for them."""
        return tuple(each for each in self.ready if any(words.record for words in each.wordings.values()))


def choose(catalogue: Catalogue, *, today: date) -> Chosen:
    """Choose from a catalogue; a site's words are in only where their licence lets them into the EHR."""
    published = [each for each in catalogue.instruments if each.status != State.DRAFT]
    instruments = tuple(_with_words(each, _refused(each, today)) for each in published)
    return Chosen(
        instruments=instruments,
        ready=tuple(each for each in instruments if readiness(each, today=today).state is State.READY),
        left_out=tuple(
            f"{each.name} ({language}): {reason}"
            for each in catalogue.instruments
            for language, reason in _refused(each, today).items()
        ),
    )


def definitions(edition: Edition, chosen: Chosen) -> Iterator[JsonObject]:
    """Yield every definition of the package."""
    yield client_statement(edition)
    yield facade_statement(edition)
    yield from profiles(edition)
    yield from alliance_terminology(edition, chosen.instruments)
    yield from views(edition, chosen.instruments)
    for instrument in chosen.ready:
        yield from answers(edition, instrument)
        yield from forms_of(instrument)


def forms_of(instrument: Instrument) -> Iterator[JsonObject]:
    """Yield the Questionnaires of an instrument as they are published."""
    for form in instrument.forms:
        yield build_questionnaire(instrument, form, language=language_of(instrument))


def publishable(catalogue: Catalogue, *, today: date, alerts: bool) -> list[Instrument]:
    """Return the instruments that may be published: ready, and with words that may be written to an EHR.

    A site's own forms are among them: what is in them is the site's to give away.
    """
    return [
        each
        for each in catalogue.instruments
        if readiness(each, today=today, alerts=alerts).state is State.READY
        and (each.own or each.wordings[language_of(each)].text_in_ehr)
    ]


def edition_of(chosen: Chosen) -> Edition:
    """Return our version; with a site's own words it is another edition, so it says which words (semver, build)."""
    ours = version("fhir-alliance")
    words = hashlib.sha256("".join(each.digest for each in chosen.licensed).encode()).hexdigest()
    return Edition(version=f"{ours}+site.{words[:8]}" if chosen.licensed else ours, date=chosen.newest)


def _with_words(instrument: Instrument, refused: Collection[str]) -> Instrument:
    """Return the instrument without the words of the refused languages."""
    wordings = {language: words for language, words in instrument.wordings.items() if language not in refused}
    return replace(instrument, wordings=wordings)


def _refused(instrument: Instrument, today: date) -> dict[str, str]:
    """Return why the words a site has loaded may not be handed on, by language."""
    found: dict[str, str] = {}
    for language, words in instrument.wordings.items():
        state = readiness(replace(instrument, wordings={language: words}), today=today)
        if words.record and state.state is not State.READY:
            found[language] = f"{state.state}: {state.reason}"
        elif words.record and not words.text_in_ehr:
            found[language] = f"the licence {words.record.reference} keeps its words out of the EHR"
    return found
