"""The figures that a site has of its own ratings, in a file that a person has looked at; and whose figures count."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from fhir_alliance.errors import InvalidDefinition, InvalidSettings
from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.fields import VERSION, Strict, list_of, name, text
from fhir_alliance.instruments.loading import Loaded, load
from fhir_alliance.instruments.precision import FIRST_RATINGS_NEEDED, Origin, Precision, ReliabilityKind
from fhir_alliance.instruments.words import Rater
from fhir_alliance.trajectory.seen import SiteFigures

_Whose = tuple[str, Rater, str]


@dataclass(frozen=True, kw_only=True)
class OwnFigures:
    """A site's figures by version of an instrument, rater and score; none where it has no file."""

    precision: Mapping[_Whose, Precision] = field(default_factory=dict)
    early: Mapping[_Whose, SiteFigures] = field(default_factory=dict)

    def in_place(self, catalogue: Catalogue) -> Catalogue:
        """Return a catalogue whose instruments have the site's figures of a score in place of their definitions'."""
        return replace(catalogue, instruments=tuple(map(self._measured, catalogue.instruments)))

    def _measured(self, instrument: Instrument) -> Instrument:
        own = {
            (rater, score): found
            for (method, rater, score), found in self.precision.items()
            if method == instrument.method_code
        }
        return replace(instrument, precision={**instrument.precision, **own}) if own else instrument

    def early_of(self, instrument: Instrument, score: str) -> SiteFigures | None:
        """Return what the early ratings of this site's patients are like."""
        return self.early.get((instrument.method_code, Rater.PATIENT, score))


def own_figures(file: Path | None, catalogue: Catalogue) -> OwnFigures:
    """Return what a site's file says; raises InvalidSettings with all its faults.

    A file without the name of a person who has looked at it is refused, and so are figures of what is not installed.
    """
    if file is None:
        return OwnFigures()
    try:
        loaded = load(_FileSchema(), file.name, file)
    except InvalidDefinition as error:
        raise InvalidSettings(error.faults) from None
    said = loaded.values["figures"]
    if faults := list(_strangers(loaded, catalogue)):
        raise InvalidSettings(faults)
    return OwnFigures(
        precision={_whose(each): _precision(each) for each in said},
        early={_whose(each): SiteFigures(**each["early"], source=each["source"]) for each in said if "early" in each},
    )


def _people() -> fields.Integer:
    needed = f"a clinic's own figures need {FIRST_RATINGS_NEEDED} people"
    return fields.Integer(required=True, validate=validate.Range(min=FIRST_RATINGS_NEEDED, error=needed))


def _above_0() -> fields.Decimal:
    return fields.Decimal(required=True, validate=validate.Range(min=0, min_inclusive=False, error="must be above 0"))


class _EarlySchema(Strict):
    people = _people()
    mean = fields.Decimal(required=True)
    between = _above_0()
    within = fields.Decimal(required=True, validate=validate.Range(min=0))


class _FiguresSchema(Strict):
    instrument = name()
    version = fields.String(required=True, validate=VERSION)
    rater = fields.Enum(Rater, by_value=True, required=True)
    score = name()
    people = _people()
    sd = _above_0()
    reliability = fields.Decimal(required=True, validate=validate.Range(min=0, max=1))
    kind = fields.Enum(ReliabilityKind, by_value=True, required=True)
    population = text()
    source = text()
    early = fields.Nested(_EarlySchema)


class _FileSchema(Strict):
    reviewed_by = fields.String(
        required=True, validate=validate.Length(min=1, error="needs the name of who has looked at these figures")
    )
    figures = list_of(_FiguresSchema)

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse two entries for one score, and early ratings of others than patients."""
        faults: dict[int, Any] = {}
        known: set[_Whose] = set()
        for index, each in enumerate(data["figures"]):
            if _whose(each) in known:
                faults[index] = {"score": ["has its figures already"]}
            elif "early" in each and each["rater"] is not Rater.PATIENT:
                faults[index] = {"early": ["is for the patients' ratings only"]}
            known.add(_whose(each))
        if faults:
            raise ValidationError({"figures": faults})


def _strangers(loaded: Loaded, catalogue: Catalogue) -> Iterator[str]:
    """Yield each entry about a score that nobody here can be asked for."""
    known = {
        (each.method_code, form.rater, scale.name)
        for each in catalogue.instruments
        for form in each.forms
        for scale in form.scales
    }
    for index, each in enumerate(loaded.values["figures"]):
        if _whose(each) not in known:
            where = ("figures", index, "score")
            yield loaded.fault(where, f"{each['instrument']} {each['version']} has no such score by a {each['rater']}")


def _whose(said: Mapping[str, Any]) -> _Whose:
    return f"{said['instrument']}-{said['version']}", said["rater"], said["score"]


def _precision(said: Mapping[str, Any]) -> Precision:
    shown = ("sd", "reliability", "kind", "population", "source", "people")
    return Precision(origin=Origin.SITE, **{name: said[name] for name in shown})
