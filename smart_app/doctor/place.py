"""Where an EHR shows the app, and in which languages Forms are asked there, in words for an administrator."""

from collections.abc import Iterator, Mapping
from typing import Final

from fhir_alliance.ehr.brands import Brands
from fhir_alliance.errors import EhrError
from fhir_alliance.settings import EhrSettings, Embedding

_PLACES: Final[Mapping[Embedding, str]] = {
    Embedding.FRAME: "in frames of {ancestors}",
    Embedding.NEW_WINDOW: "in a window of its own, never in a frame",
    Embedding.EITHER: "in a window, or in frames of {ancestors}",
}


def place(ehr: EhrSettings) -> Iterator[str]:
    """Yield one line on frames and windows, and one on languages."""
    ancestors = ", ".join(ehr.frame_ancestors) or "nobody: frame_ancestors is empty"
    yield f'embedding = "{ehr.embedding}": the app is shown {_PLACES[ehr.embedding].format(ancestors=ancestors)}.'
    first, *others = ehr.languages
    yield f"Forms are asked in {first}{' or, where there are no such words, in ' * bool(others)}{', '.join(others)}."


def known_as(ehr: EhrSettings) -> Iterator[str]:
    """Ask what patients know an EHR by, and yield one line on it; nothing where patients do not sign in."""
    if ehr.patient is None:
        return
    try:
        brand = Brands().read(ehr)
    except EhrError as error:
        yield f"Patients who pick their portal see {ehr.title}: {error.detail or error.code}."
        return
    words = ", ".join(filter(None, (brand.name, brand.portal, brand.place)))
    yield f"Patients who pick their portal see {words}."
