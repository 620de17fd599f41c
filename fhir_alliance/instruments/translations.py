"""The words a form is published in, with those of the other languages beside them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Wording
from fhir_alliance.terms import FHIR_EXTENSION


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """The words of the language a form is in, and the translations it carries."""

    words: Wording
    translations: tuple[Wording, ...]

    def say(self, element: str, read: Callable[[Wording], str]) -> dict[str, Any]:
        """Return a FHIR string, e.g. `{"text": ..., "_text": ...}`; `read` finds it in the words of any language."""
        return {element: read(self.words), **self.beside(element, read)}

    def beside(self, element: str, read: Callable[[Wording], str]) -> dict[str, Any]:
        """Return what stands beside a FHIR string: one `translation` extension a language, nothing without one."""
        extensions = [_translation(words.language, read(words)) for words in self.translations]
        return {f"_{element}": {"extension": extensions}} if extensions else {}


def spoken(instrument: Instrument, language: str, *, unreviewed: bool) -> Spoken:
    """Return an instrument's words in one language, with the other languages that may be published.

    A translation is published when a named person has reviewed it, or when `unreviewed` ones are asked for; one whose
    licence keeps its words out of the EHR never is. KeyError when there are no words in the language.
    """
    return Spoken(
        words=instrument.wordings[language],
        translations=tuple(
            words
            for words in instrument.wordings.values()
            if words.language != language and words.text_in_ehr and (unreviewed or words.reviewed_by)
        ),
    )


def _translation(language: str, content: str) -> dict[str, Any]:
    """Return the extension `translation` of FHIR R4."""
    return {
        "url": f"{FHIR_EXTENSION}/translation",
        "extension": [{"url": "lang", "valueCode": language}, {"url": "content", "valueString": content}],
    }
