"""What a definition file may say."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from fhir_alliance.instruments.consistency import definition_faults
from fhir_alliance.instruments.fields import FILLED, NAME, VERSION, Strict, factor, list_of, name, text
from fhir_alliance.instruments.precision import Origin, Precision, ReliabilityKind

_MOST_ITEMS = 100


class LicenceSchema(Strict):
    """Who holds the wording, whether it may be shipped, and what a site does to get it."""

    id = text()
    holder = text()
    wording = fields.String(
        required=True, validate=validate.OneOf(["open", "attribution", "restricted-pack", "site-supplied"])
    )
    terms = fields.String(load_default="", validate=FILLED)


class EvidenceSchema(Strict):
    """How well a fact is known: S sourced, C computed, D our own design, M from memory (a draft at most)."""

    tag = fields.String(required=True, validate=validate.OneOf(["S", "C", "D", "M"]))
    source = text()


class OptionSchema(Strict):
    """One answer that can be chosen, and the number it counts."""

    code = name()
    value = fields.Integer(required=True)


class AnswersSchema(Strict):
    """How every scored item is answered: whole numbers, a visual analogue line, or named options."""

    kind = fields.String(required=True, validate=validate.OneOf(["numbers", "visual-analogue", "options"]))
    minimum = fields.Integer()
    maximum = fields.Integer()
    decimals = fields.Integer(validate=validate.Range(min=0, max=2))
    options = fields.List(fields.Nested(OptionSchema), validate=validate.Length(min=2, error="needs two or more"))

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse a kind without its own parts, an empty range, and options that stand for the same answer."""
        needed = {
            "numbers": {"minimum", "maximum"},
            "visual-analogue": {"minimum", "maximum", "decimals"},
            "options": {"options"},
        }[data["kind"]]
        if data.keys() - {"kind"} != needed:
            raise ValidationError(f"needs exactly {', '.join(sorted(needed))}", "kind")
        if "minimum" in data and not 1 <= data["maximum"] - data["minimum"] <= _MOST_ITEMS:
            raise ValidationError("must be above minimum by 1 to 100", "maximum")
        codes = [option["code"] for option in data.get("options", [])]
        if len(set(codes)) < len(codes):
            raise ValidationError("two options have one code", "options")


class ItemSchema(Strict):
    """One scored item."""

    id = name()
    section = name()
    construct = text()


class EnabledBySchema(Strict):
    """When a question is asked at all."""

    question = name()
    any_of = list_of(name())


class QuestionSchema(Strict):
    """One unscored question with its options."""

    id = name()
    section = name()
    options = list_of(name())
    enabled_by = fields.Nested(EnabledBySchema)


class AdviceSchema(Strict):
    """When a form is advised: at the visits named, every so many after the last of them, after a flag."""

    visits = list_of(fields.Integer(validate=validate.Range(min=1)))
    then_every = fields.Integer(validate=validate.Range(min=1))
    after_flag = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class FormSchema(Strict):
    """What is asked at one visit, in its order."""

    id = name()
    items = list_of(name())
    advised = fields.Dict(
        keys=fields.String(validate=validate.OneOf(["patient", "therapist"])),
        values=fields.Nested(AdviceSchema),
        load_default=dict,
    )


class WeightSchema(Strict):
    """How much some items of a scale count, where it is not once."""

    items = list_of(name())
    weight = factor(required=True)


class ScoreSchema(Strict):
    """One scale and its missing-item rule; a sum over fewer items is prorated."""

    id = name()
    title = text()
    method = fields.String(required=True, validate=validate.OneOf(["mean", "sum"]))
    items = list_of(name())
    min_answered = fields.Integer(required=True, validate=validate.Range(min=1))
    weights = fields.List(fields.Nested(WeightSchema), load_default=list)
    multiplier = factor(load_default=Decimal(1))
    better = fields.String(load_default="higher", validate=validate.OneOf(["higher", "lower"]))


class PrecisionSchema(Strict):
    """How exactly one score measures, as others have published it, or as it was computed from what they did."""

    score = name()
    rater = fields.String(required=True, validate=validate.OneOf(["patient", "therapist"]))
    sd = fields.Decimal(required=True)
    reliability = fields.Decimal(required=True)
    kind = fields.Enum(ReliabilityKind, by_value=True, required=True)
    origin = fields.Enum(Origin, by_value=True, required=True)
    population = text()
    source = text()
    people = fields.Integer(load_default=None, validate=validate.Range(min=1))

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse a spread or a reliability that is none, and a site's own figures, which are in no definition."""
        if data["origin"] is Origin.SITE:
            raise ValidationError("a site's own figures stand in a file of the site", "origin")
        try:
            Precision(**{name: value for name, value in data.items() if name not in ("score", "rater")})
        except ValueError as error:
            raise ValidationError(str(error), "sd") from None


class CodeSchema(Strict):
    """The code that others use for exactly this panel, or this score."""

    system = fields.String(required=True, validate=validate.OneOf(["loinc", "snomed"]))
    code = fields.String(required=True, validate=validate.Regexp(r"\A\d{1,18}(-\d)?\Z", error="is no such code"))
    of = fields.String(required=True, data_key="for", validate=NAME)


class RawFactSchema(Strict):
    """An answer that is shown as it is."""

    item = name()
    at_most = fields.Integer()
    any_of = fields.List(name())


class DefinitionSchema(Strict):
    """A definition file: everything about one version but its words."""

    instrument = name()
    version = fields.String(required=True, validate=VERSION)
    title = text()
    status = fields.String(required=True, validate=validate.OneOf(["draft", "active", "retired"]))
    date = fields.Date(required=True)
    validated = fields.Boolean(required=True, truthy={True}, falsy={False})
    source = text()
    timing = fields.String(load_default="", validate=FILLED)
    licence = fields.Nested(LicenceSchema, required=True)
    evidence = fields.Dict(keys=name(), values=fields.Nested(EvidenceSchema), load_default=dict)
    decimals = fields.Integer(required=True, validate=validate.Range(min=0, max=6))
    raters = list_of(fields.String(validate=validate.OneOf(["patient", "therapist"])))
    answers = fields.Nested(AnswersSchema, required=True)
    items = fields.List(fields.Nested(ItemSchema), validate=validate.Length(min=1, max=_MOST_ITEMS))
    numbered = fields.Integer(validate=validate.Range(min=1, max=_MOST_ITEMS))
    reversed = fields.List(name(), load_default=list)
    questions = fields.List(fields.Nested(QuestionSchema), load_default=list)
    forms = fields.List(fields.Nested(FormSchema), load_default=list)
    scores = fields.List(fields.Nested(ScoreSchema), required=True)
    raw_facts = fields.List(fields.Nested(RawFactSchema), load_default=list)
    alert_items = fields.List(name(), load_default=list)
    codes = fields.List(fields.Nested(CodeSchema), load_default=list)
    precision = fields.List(fields.Nested(PrecisionSchema), load_default=list)

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse names that occur twice, names that nothing defines, and facts that are not well enough known."""
        if ("items" in data) == ("numbered" in data):
            raise ValidationError("needs exactly one of items and numbered", "items")
        if faults := definition_faults(data):
            raise ValidationError(faults)
