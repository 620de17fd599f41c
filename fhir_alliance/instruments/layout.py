"""The order and grouping in which a form asks its questions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from fhir_alliance.instruments.items import Condition, Item


@dataclass(frozen=True, kw_only=True)
class Note:
    """A text between the questions, shown when all its conditions hold."""

    link_id: str
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Group:
    """Parts under one heading; the conditions of a group are also those of everything in it."""

    link_id: str
    parts: tuple["Part", ...]


Part: TypeAlias = Group | Item | Note


def questions(parts: Iterable[Part]) -> Iterator[Item]:
    """Yield every question in the order asked."""
    for part in parts:
        if isinstance(part, Item):
            yield part
        elif isinstance(part, Group):
            yield from questions(part.parts)
