"""Words for patients, said in the language of the page; templates say theirs with `_`."""

from flask_babel import gettext

from fhir_alliance.scoring.answers import Sentence


def marked(words: str) -> str:
    """Return words as they are, to be said elsewhere; whoever gathers what is to be translated finds them here."""
    return words


def say(words: str, **values: object) -> str:
    """Return words in the language of the page, English outside of a request; `values` fill places like %(name)s."""
    if isinstance(words, Sentence):
        return str(gettext(words.pattern, **words.values))
    return str(gettext(words, **values))
