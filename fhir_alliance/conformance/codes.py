"""Every code of our own that a record can hold, from the definitions of the instruments."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.translations import spoken
from fhir_alliance.instruments.words import Rater, Wording
from fhir_alliance.records.codes import ITEMS_ANSWERED, THERAPEUTIC_ALLIANCE, JsonObject

LANGUAGE = "en"


@dataclass(frozen=True, kw_only=True)
class Code:
    """One code: what it stands for (`kind`), in words, in other languages, and the status of its instrument."""

    code: str
    kind: str
    display: str
    definition: str = ""
    status: str = "active"
    translations: Mapping[str, str] = field(default_factory=dict)


def alliance_codes(instruments: Sequence[Instrument]) -> tuple[Code, ...]:
    """Return the codes of our system: category, component, and of each instrument panels, scores and method.

    Versions of one instrument share the codes of panels and scores; the newest words them.
    """
    in_order = sorted(instruments, key=lambda each: (each.name, [int(part) for part in each.version.split(".")]))
    found = {(each.kind, each.code): each for instrument in in_order for each in _of_instrument(instrument)}
    return (
        _own("category", THERAPEUTIC_ALLIANCE, "What is asked about the therapeutic alliance, and beside it."),
        _own("component", ITEMS_ANSWERED, "How many items of the scale were answered."),
        *found.values(),
    )


def answer_codes(instrument: Instrument) -> tuple[Code, ...]:
    """Return the answers an instrument offers, each once, in the order they first appear; a line has none."""
    codes = dict.fromkeys(option.code for item in instrument.items.values() for option in item.options)
    words = instrument.wordings[language_of(instrument)]
    return tuple(
        Code(
            code=code,
            kind="answer",
            display=words.option(code),
            translations=_translated(instrument, partial(Wording.option, code=code)),
        )
        for code in codes
    )


def language_of(instrument: Instrument) -> str:
    """Return the language an instrument with words is published in: English, or else the first it has."""
    return LANGUAGE if LANGUAGE in instrument.wordings else next(iter(instrument.wordings))


def _own(kind: str, concept: JsonObject, definition: str) -> Code:
    coding = concept["coding"][0]
    return Code(code=coding["code"], kind=kind, display=coding["display"], definition=definition)


def _of_instrument(instrument: Instrument) -> Iterator[Code]:
    for form in instrument.forms:
        yield _named(instrument, form.rater)
        for scale in form.scales:
            yield _named(instrument, form.rater, scale)
    yield Code(
        code=instrument.method_code,
        kind="method",
        display=f"{instrument.display(Rater.PATIENT)} {instrument.version}",
        definition=instrument.source,
        status=instrument.status,
        translations=_translated(instrument, lambda words: f"{words.title} {instrument.version}"),
    )


def _named(instrument: Instrument, rater: Rater, scale: Scale | None = None) -> Code:
    """Return the code of a scale, or of the panel, as one rater fills it in."""
    name = scale.name if scale else ""
    return Code(
        code=instrument.code(rater, name),
        kind="score" if scale else "panel",
        display=instrument.display(rater, name),
        definition=f"{_meaning(scale) if scale else 'All scores of one completed form'}, rated by the {rater}.",
        status=instrument.status,
        translations=_translated(instrument, lambda words: instrument.display(rater, name, words.language)),
    )


def _meaning(scale: Scale) -> str:
    """Return what a score is, e.g. `Mean of 6 items (at least 5 answered), 0 to 10`."""
    asked = f"{scale.method.capitalize()} of {len(scale.items)} items (at least {scale.min_answered} answered)"
    return f"{asked}, {scale.minimum:f} to {scale.maximum:f}"


def _translated(instrument: Instrument, read: Callable[[Wording], str]) -> dict[str, str]:
    """Return a text in every other language that may be published, by language."""
    if LANGUAGE not in instrument.wordings:
        return {}
    return {words.language: read(words) for words in spoken(instrument, LANGUAGE, unreviewed=False).translations}
