"""Questions to ask and things to try, as data: ours, and what a site says in its own words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from marshmallow import ValidationError, fields, validate, validates_schema

from fhir_alliance.errors import InvalidDefinition, InvalidSettings
from fhir_alliance.instruments.fields import Strict, name
from fhir_alliance.instruments.loading import load
from fhir_alliance.trajectory.seen import Name

AS_GIVEN: Final = "answers as given"
"""What the questions about answers that are shown as they are go by, where a reason goes by its name."""

_LONGEST: Final = 120


@dataclass(frozen=True, kw_only=True)
class TalkWords:
    """The questions by the name of a reason, and what can be agreed by its id; both in the order of the file."""

    questions: Mapping[str, tuple[str, ...]]
    agreements: Mapping[str, str]


def talk_words(site: Path | None = None) -> TalkWords:
    """Return our words, in place of which come those of a site's file; raises InvalidSettings with all its faults."""
    shipped = _shipped()
    if site is None:
        return shipped
    try:
        own = _read(site.name, site)
    except InvalidDefinition as error:
        raise InvalidSettings(error.faults) from None
    return TalkWords(questions={**shipped.questions, **own.questions}, agreements=own.agreements or shipped.agreements)


class _AgreementSchema(Strict):
    id = name()
    text = fields.String(required=True, validate=validate.Length(min=1, max=_LONGEST))


class _TalkSchema(Strict):
    questions = fields.Dict(
        keys=fields.String(validate=validate.OneOf([*Name, AS_GIVEN], error="is no reason; reasons are: {choices}")),
        values=fields.List(
            fields.String(validate=validate.Length(min=1, max=_LONGEST)),
            validate=validate.Length(min=1, max=3, error="needs one to three questions"),
        ),
        load_default=dict,
    )
    agreements = fields.List(
        fields.Nested(_AgreementSchema),
        load_default=list,
    )

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse two things to try by one id, and more or fewer of them than can be chosen from at a glance."""
        ids = [each["id"] for each in data["agreements"]]
        if len(set(ids)) < len(ids):
            raise ValidationError("two of them have one id", "agreements")
        if ids and not 4 <= len(ids) <= 7:
            raise ValidationError("needs four to seven things to try", "agreements")


@cache
def _shipped() -> TalkWords:
    return _read("talks.yaml", files("fhir_alliance.talks") / "talks.yaml")


def _read(called: str, file: Traversable) -> TalkWords:
    values = load(_TalkSchema(), called, file).values
    return TalkWords(
        questions={reason: tuple(asked) for reason, asked in values["questions"].items()},
        agreements={each["id"]: each["text"] for each in values["agreements"]},
    )
