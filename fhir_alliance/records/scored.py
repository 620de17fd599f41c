"""What the Observations of one completed form are made from, whoever has scored it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import NAMESPACE_OID, UUID, uuid5

import orjson

from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Score
from fhir_alliance.terms import URN


class ScoredForm(Protocol):
    """A completed form with its scores; references are relative, times are as FHIR writes them."""

    @property
    def key(self) -> str:
        """The UUID that its identifiers are made of."""

    @property
    def instrument(self) -> Instrument:
        """The instrument asked."""

    @property
    def form(self) -> Form:
        """The form asked."""

    @property
    def language(self) -> str:
        """The language it was asked in."""

    @property
    def subject(self) -> str:
        """The patient."""

    @property
    def encounter(self) -> str | None:
        """The visit, when it is known."""

    @property
    def source(self) -> str | None:
        """Who answered, when it is known."""

    @property
    def answers(self) -> Answers:
        """What was answered."""

    @property
    def declined(self) -> bool:
        """Whether it was sent without any answer, on purpose."""

    @property
    def scores(self) -> tuple[Score, ...]:
        """The scores of the answers."""

    @property
    def authored_text(self) -> str:
        """When it was answered."""

    @property
    def scored_text(self) -> str:
        """When it was scored."""


@dataclass(frozen=True, kw_only=True)
class ScoredResponse:
    """A QuestionnaireResponse of anybody, scored by us (a ScoredForm)."""

    key: str
    instrument: Instrument
    form: Form
    language: str
    subject: str
    encounter: str | None
    source: str | None
    answers: Answers
    declined: bool
    scores: tuple[Score, ...]
    authored_text: str
    scored_text: str


def key_of(response: Mapping[str, Any]) -> str:
    """Return the submission key of a response of ours, and of any other a UUID that is always the same for it."""
    identifier = response.get("identifier", {})
    value = str(identifier.get("value"))
    if identifier.get("system") == URN:
        with suppress(ValueError):
            return str(UUID(value))
    return str(uuid5(NAMESPACE_OID, orjson.dumps(response, option=orjson.OPT_SORT_KEYS).decode()))
