"""No template has words of its own that a translator would never see."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum

import gallery
import pytest
from page_states import CLINICIAN_PAGES, PATIENT_PAGES

from tests.languages.visible import CLOSE, OPEN, not_translated

# What administrators see, and a tablet shows before it is set up, is in English.
FOR_STAFF = {"tablet-new"}
SPOKEN = PATIENT_PAGES | CLINICIAN_PAGES


@pytest.fixture
def bracketed() -> Iterator[None]:
    """Put what templates say in brackets for one test."""
    gallery.TEMPLATES.install_gettext_callables(_bracket, _bracket, newstyle=True)  # type: ignore[attr-defined]
    yield
    gallery.TEMPLATES.install_null_translations(newstyle=True)  # type: ignore[attr-defined]


def _bracket(message: str, *rest: object) -> str:
    """Return a message, of one or of several, in brackets."""
    many, number = rest[:2] if len(rest) > 1 else (message, 1)
    return f"{OPEN}{message if number == 1 else many}{CLOSE}"


def _texts(value: object) -> Iterator[str]:
    """Yield every text that a page value brings along, also with a capital."""
    if isinstance(value, str) and not isinstance(value, Enum):
        yield from (value, value[:1].upper() + value[1:])
    elif is_dataclass(value):
        for each in fields(value):
            yield from _texts(getattr(value, each.name))
    elif isinstance(value, Mapping):
        yield from (text for each in value.values() for text in _texts(each))
    elif isinstance(value, (tuple, list)):
        yield from (text for each in value for text in _texts(each))


@pytest.mark.usefixtures("bracketed")
@pytest.mark.parametrize("name", sorted(SPOKEN.keys() - FOR_STAFF))
def test_a_template_has_no_words_of_its_own(name: str) -> None:
    """In every state of every page each word comes from the page's value or by a message."""
    _, page = SPOKEN[name]

    assert not_translated(gallery.render(name), set(_texts(page))) == []
