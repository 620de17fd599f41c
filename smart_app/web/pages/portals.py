"""The page where a patient says which portal is theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

from smart_app.web.pages.frame import Frame


@dataclass(frozen=True, kw_only=True)
class Portal:
    """One choice: what patients know it by, and more words that tell it apart."""

    url: str
    name: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PortalsPage:
    """All choices, by name; without any nobody can sign in by themselves."""

    frame: Frame
    portals: Sequence[Portal]
    code_url: str
