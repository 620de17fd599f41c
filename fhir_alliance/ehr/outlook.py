"""What becomes of each resource at one EHR: whether it is written, what the clinician sees, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from fhir_alliance.ehr.capabilities import TRANSACTION, create
from fhir_alliance.ehr.rungs import lacking
from fhir_alliance.ehr.scopes import Level, allows
from fhir_alliance.settings import Rung, WriteSettings

Granted = Mapping[str, frozenset[str] | None]
"""The scopes of each registered client: None when they are not known."""

Answer = Literal["yes", "no", "?", "-"]

CLIENTS: Final[Mapping[str, Level]] = {"backend": "system", "clinician": "user", "patient": "patient"}
_NO_OWN_CATEGORY: Final = "vital-signs"
_FORMS_OUT = "forms are published, and answers name a form that can be found"
_FORMS_IN = "forms cannot be published: their addresses resolve nowhere"


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """One resource: `way` is "written", "published", "kept here", "held" or "not used"; `granted` is by client."""

    what: str
    stated: bool
    granted: Mapping[str, Answer]
    way: str
    seen: str
    why: str
    spec: str


@dataclass(frozen=True, kw_only=True)
class _Fate:
    way: str
    seen: str
    why: str


def outlooks(write: WriteSettings, facts: frozenset[str], granted: Granted) -> list[Outlook]:
    """Return what becomes of each resource by the rung that the site has chosen; `facts` are those of an EHR."""
    category = write.category or _NO_OWN_CATEGORY
    rows: tuple[tuple[str, str, str, _Fate, str], ...] = (
        ("Questionnaire", "Questionnaire", "", _forms(facts), "E01"),
        ("QuestionnaireResponse", "QuestionnaireResponse", "", _first_rung(write.rung, facts, "answers"), "E02"),
        ("Observation, survey", "Observation", "survey", _first_rung(write.rung, facts, "scores"), "E02"),
        (f"Observation, {category}", "Observation", category, _row(write.rung, facts), "O26"),
        ("DocumentReference", "DocumentReference", "", _note(write.rung, facts), "E06"),
        ("Provenance", "Provenance", "", _provenance(write.rung, facts), "E02"),
    )
    return [
        _outlook(what, create(kind) in facts, {each: _may(granted, each, kind, limit) for each in CLIENTS}, fate, spec)
        for what, kind, limit, fate, spec in rows
    ]


def _outlook(what: str, stated: bool, granted: Mapping[str, Answer], fate: _Fate, spec: str) -> Outlook:
    """Return one row: what is written with a client that was not granted it, the EHR refuses."""
    refused = (
        [client for client in ("clinician", "patient") if granted[client] == "no"] if fate.way == "written" else []
    )
    want = f"; what is sent with the {' or '.join(refused)} client is held for want of a scope" if refused else ""
    return Outlook(
        what=what, stated=stated, granted=granted, way=fate.way, seen=fate.seen, why=f"{fate.why}{want}", spec=spec
    )


def _may(granted: Granted, client: str, kind: str, category: str) -> Answer:
    """Whether a client's scopes allow to create a type; a filter for another category does not."""
    if client not in granted:
        return "-"
    scopes = granted[client]
    if scopes is None:
        return "?"
    fitting = [each for each in scopes if "category=" not in each or not category or each.endswith(f"|{category}")]
    return "yes" if allows(fitting, kind, "c", CLIENTS[client]) else "no"


def _forms(facts: frozenset[str]) -> _Fate:
    if create("Questionnaire") in facts:
        return _Fate(way="published", seen="answers with the name of their form", why=_FORMS_OUT)
    return _Fate(way="not used", seen="the same: this app has its forms itself", why=_FORMS_IN)


def _first_rung(rung: Rung, facts: frozenset[str], what: str) -> _Fate:
    if rung is not Rung.OBSERVATIONS:
        return _Fate(way="kept here", seen=f"{what}, marked “kept here”", why=f"rung {rung} does not write them")
    if missing := lacking(rung, facts):
        return _held(missing)
    return _Fate(way="written", seen=f"{what}, read from the chart", why="the EHR states all that it takes")


def _row(rung: Rung, facts: frozenset[str]) -> _Fate:
    if rung is not Rung.FLOWSHEET:
        return _Fate(way="not used", seen="nothing of it", why=f"rung {rung} fills no flowsheet rows")
    if missing := lacking(rung, facts):
        return _held(missing)
    return _Fate(way="written", seen="each score as a number in its mapped row", why="the EHR takes single results")


def _note(rung: Rung, facts: frozenset[str]) -> _Fate:
    why = (
        "the EHR takes notes" if create("DocumentReference") in facts else "the EHR does not state that it takes notes"
    )
    if rung is not Rung.NOTE:
        return _Fate(way="not used", seen="nothing of it", why=f"{why}; rung {rung} writes none")
    if missing := lacking(rung, facts):
        return _held(missing)
    return _Fate(way="written", seen="one note for each visit, with the scores in words", why=why)


def _provenance(rung: Rung, facts: frozenset[str]) -> _Fate:
    if rung is not Rung.OBSERVATIONS:
        return _Fate(way="not used", seen="nothing of it", why=f"rung {rung} writes none")
    if {create("Provenance"), TRANSACTION} <= facts and not lacking(rung, facts):
        return _Fate(way="written", seen="who answered, and what computed the scores", why="the EHR takes it")
    return _Fate(way="not used", seen="records without it", why="the EHR does not state that it takes it")


def _held(missing: tuple[str, ...]) -> _Fate:
    why = f"the EHR does not state {', '.join(missing)}"
    return _Fate(way="held", seen="only that a sent form waits here, not in the chart", why=why)
