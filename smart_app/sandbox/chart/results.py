"""Observations as rows of the Results tab: panels with their members, newest first, grouped by day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from smart_app.sandbox.chart.labels import (
    NameOf,
    Resource,
    absent_words,
    code_words,
    concept_words,
    rounded,
    value_words,
)
from smart_app.sandbox.chart.moments import Moment, read_moment

_STRUCK = ("entered-in-error",)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One Observation in words; `depth` counts the panels it is inside of."""

    id: str
    name: str
    value: str
    absent: str
    details: tuple[str, ...]
    status: str
    struck: bool
    panel: bool
    depth: int
    moment: Moment
    performers: str
    sources: tuple[tuple[str, str], ...]
    encounter: str


@dataclass(frozen=True, kw_only=True)
class Day:
    """The results of one day; each group is a panel with its members or a single result."""

    label: str
    groups: tuple[tuple[Row, ...], ...]
    of_visit: bool


def result_days(observations: Sequence[Resource], *, name_of: NameOf, visit: str | None) -> list[Day]:
    """Group Observations by day, newest first; days with a result of the Encounter `visit` are marked."""
    groups = sorted(result_groups(observations, name_of=name_of), key=lambda group: group[0].moment.order, reverse=True)
    return [
        _day(label, list(of_day), visit) for label, of_day in groupby(groups, key=lambda group: group[0].moment.day)
    ]


def result_groups(observations: Sequence[Resource], *, name_of: NameOf) -> list[tuple[Row, ...]]:
    """Return one group per Observation that is not a member of another one here."""
    by_id = {observation["id"]: observation for observation in observations}
    members = {member for observation in observations for member in _members(observation)}
    tops = [observation for observation in observations if observation["id"] not in members]
    return [tuple(_with_members(top, by_id, name_of, above=())) for top in tops]


def _day(label: str, groups: list[tuple[Row, ...]], visit: str | None) -> Day:
    """Build one day."""
    encounters = {row.encounter for group in groups for row in group}
    return Day(label=label, groups=tuple(groups), of_visit=visit is not None and f"Encounter/{visit}" in encounters)


def _members(observation: Resource) -> Iterator[str]:
    """Yield the ids of the Observations that are members of a panel."""
    for member in observation.get("hasMember", ()):
        resource_type, _, resource_id = member.get("reference", "").rpartition("/")
        if resource_type.endswith("Observation"):
            yield resource_id


def _with_members(
    observation: Resource, by_id: Mapping[str, Resource], name_of: NameOf, *, above: tuple[Resource, ...]
) -> Iterator[Row]:
    """Yield an Observation and what is under it; a panel inside itself is not followed."""
    yield _row(observation, name_of, above=above)
    inside = (*above, observation)
    for member in _members(observation):
        if member in by_id and by_id[member] not in inside:
            yield from _with_members(by_id[member], by_id, name_of, above=inside)


def _row(observation: Resource, name_of: NameOf, *, above: tuple[Resource, ...]) -> Row:
    """Put one Observation into words; notes that stand on a panel above it are not repeated."""
    said = [detail for panel in above for detail in _details(panel)]
    effective = observation.get("effectiveDateTime") or observation.get("effectiveInstant")
    status = observation.get("status", "unknown")
    return Row(
        id=observation["id"],
        name=concept_words(observation.get("code")) or "Unnamed result",
        value=value_words(rounded(observation)),
        absent=absent_words(observation),
        details=tuple(detail for detail in _details(observation) if detail not in said),
        status=code_words(status),
        struck=status in _STRUCK,
        panel="hasMember" in observation,
        depth=len(above),
        moment=read_moment(effective or observation.get("effectivePeriod", {}).get("start")),
        performers=", ".join(name_of(performer) for performer in observation.get("performer", ())),
        sources=tuple(_sources(observation.get("derivedFrom", ()), name_of)),
        encounter=observation.get("encounter", {}).get("reference", ""),
    )


def _details(observation: Resource) -> Iterator[str]:
    """Yield the components and notes of an Observation in words."""
    for component in observation.get("component", ()):
        name = concept_words(component.get("code"))
        yield f"{name}: {_without_echo(name, value_words(rounded(component))) or absent_words(component)}"
    for note in observation.get("note", ()):
        yield note.get("text", "")


def _without_echo(name: str, value: str) -> str:
    """Return a value without a unit that its name says already: "Items answered: 6", not "6 items"."""
    number, _, unit = value.partition(" ")
    return number if unit.casefold() in name.casefold().split() else value


def _sources(references: Iterable[Resource], name_of: NameOf) -> Iterator[tuple[str, str]]:
    """Yield (words, id of the QuestionnaireResponse or empty) for what a result was derived from."""
    for source in references:
        resource_type, _, resource_id = source.get("reference", "").rpartition("/")
        yield name_of(source), resource_id if resource_type.endswith("QuestionnaireResponse") else ""
