"""What a site's own form says that no definition of ours does: its codes, and the expressions of its scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_alliance.fhirpath.syntax import Expression


@dataclass(frozen=True, kw_only=True)
class OwnCode:
    """A code with its system and name, as the site wrote it."""

    system: str
    code: str
    display: str


@dataclass(frozen=True, kw_only=True)
class Calculation:
    """How the score of the hidden item `link_id` is computed; `scope` are the linkIds around it, and then its own."""

    link_id: str
    expression: Expression
    scope: tuple[str, ...]
    whole: bool


@dataclass(frozen=True, kw_only=True)
class Variable:
    """An SDC `variable`: seen in the item `link_id` and in what is inside it, everywhere when that is empty.

    It may use those that come before it in the form. `scope` is as in a calculation.
    """

    name: str
    link_id: str
    expression: Expression
    scope: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class OwnForm:
    """A site's Questionnaire as it was installed, with the codes of the panel ("") and of each scale by its name.

    `data` are the bytes of its file, `questionnaire` is the JSON in them with its decimals exact.
    """

    data: bytes
    questionnaire: Mapping[str, Any]
    codes: Mapping[str, OwnCode]
    variables: tuple[Variable, ...]

    def code(self, scale: str) -> OwnCode:
        """Return the code of a scale, or of the whole panel."""
        return self.codes[scale]
