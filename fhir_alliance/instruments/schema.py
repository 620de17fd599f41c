"""What a definition file and a wording file may say."""

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from fhir_alliance.instruments.consistency import definition_faults

_NAME = validate.Regexp(r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", error="use lower-case letters, digits and single hyphens")
_VERSION = validate.Regexp(r"\A\d+\.\d+\.\d+\Z", error="use a semantic version such as 1.0.0")
_FILLED = validate.Length(min=1, error="is empty")
_MOST_ITEMS = 100


class _Strict(Schema):
    class Meta:
        unknown = RAISE


def _name(**kwargs: Any) -> fields.String:
    return fields.String(required=True, validate=_NAME, **kwargs)


def _text() -> fields.String:
    return fields.String(required=True, validate=_FILLED)


def _list(of: fields.Field[Any] | type[Schema]) -> fields.Field[Any]:
    inner = fields.Nested(of) if isinstance(of, type) else of
    return fields.List(inner, required=True, validate=validate.Length(min=1, error="needs at least one entry"))


class LicenceSchema(_Strict):
    """Who holds the wording, whether it may be shipped, and what a site does to get it."""

    id = _text()
    holder = _text()
    wording = fields.String(
        required=True, validate=validate.OneOf(["open", "attribution", "restricted-pack", "site-supplied"])
    )
    terms = fields.String(load_default="", validate=_FILLED)


class EvidenceSchema(_Strict):
    """How well a fact is known: S sourced, C computed, D our own design, M from memory (a draft at most)."""

    tag = fields.String(required=True, validate=validate.OneOf(["S", "C", "D", "M"]))
    source = _text()


class OptionSchema(_Strict):
    """One answer that can be chosen, and the number it counts."""

    code = _name()
    value = fields.Integer(required=True)


class AnswersSchema(_Strict):
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


class ItemSchema(_Strict):
    """One scored item."""

    id = _name()
    section = _name()
    construct = _text()


class EnabledBySchema(_Strict):
    """When a question is asked at all."""

    question = _name()
    any_of = _list(_name())


class QuestionSchema(_Strict):
    """One unscored question with its options."""

    id = _name()
    section = _name()
    options = _list(_name())
    enabled_by = fields.Nested(EnabledBySchema)


class AdviceSchema(_Strict):
    """At which visits a form is advised: those named, and then every so many after the last of them."""

    visits = _list(fields.Integer(validate=validate.Range(min=1)))
    then_every = fields.Integer(required=True, validate=validate.Range(min=1))


class FormSchema(_Strict):
    """What is asked at one visit, in its order."""

    id = _name()
    items = _list(_name())
    advised = fields.Nested(AdviceSchema)


class ScoreSchema(_Strict):
    """One scale and its missing-item rule; a sum over fewer items is prorated."""

    id = _name()
    title = _text()
    method = fields.String(required=True, validate=validate.OneOf(["mean", "sum"]))
    items = _list(_name())
    min_answered = fields.Integer(required=True, validate=validate.Range(min=1))


class RawFactSchema(_Strict):
    """An answer that is shown as it is."""

    item = _name()
    at_most = fields.Integer()
    any_of = fields.List(_name())


class DefinitionSchema(_Strict):
    """A definition file: everything about one version but its words."""

    instrument = _name()
    version = fields.String(required=True, validate=_VERSION)
    title = _text()
    status = fields.String(required=True, validate=validate.OneOf(["draft", "active", "retired"]))
    date = fields.Date(required=True)
    validated = fields.Boolean(required=True, truthy={True}, falsy={False})
    source = _text()
    timing = fields.String(load_default="", validate=_FILLED)
    licence = fields.Nested(LicenceSchema, required=True)
    evidence = fields.Dict(keys=_name(), values=fields.Nested(EvidenceSchema), load_default=dict)
    decimals = fields.Integer(required=True, validate=validate.Range(min=0, max=6))
    raters = _list(fields.String(validate=validate.OneOf(["patient", "therapist"])))
    answers = fields.Nested(AnswersSchema, required=True)
    items = fields.List(fields.Nested(ItemSchema), validate=validate.Length(min=1, max=_MOST_ITEMS))
    numbered = fields.Integer(validate=validate.Range(min=1, max=_MOST_ITEMS))
    reversed = fields.List(_name(), load_default=list)
    questions = fields.List(fields.Nested(QuestionSchema), load_default=list)
    forms = fields.List(fields.Nested(FormSchema), load_default=list)
    scores = fields.List(fields.Nested(ScoreSchema), required=True)
    raw_facts = fields.List(fields.Nested(RawFactSchema), load_default=list)
    alert_items = fields.List(_name(), load_default=list)

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse names that occur twice, names that nothing defines, and facts that are not well enough known."""
        if ("items" in data) == ("numbered" in data):
            raise ValidationError("needs exactly one of items and numbered", "items")
        if faults := definition_faults(data):
            raise ValidationError(faults)


class ProvenanceSchema(_Strict):
    """Where the words of a language come from, and who has reviewed them."""

    author = _text()
    method = fields.String(required=True, validate=validate.OneOf(["original", "translation", "validated-translation"]))
    reviewed_by = fields.String(load_default="", validate=_FILLED)


class LicenceRecordSchema(_Strict):
    """What a site was allowed; without an expiry date the licence has no end."""

    holder = _text()
    reference = _text()
    expires = fields.Date(load_default=None)
    modes = _list(fields.String(validate=validate.OneOf(["screen", "paper"])))
    translation_source = fields.String(load_default="", validate=_FILLED)
    item_text_in_ehr = fields.Boolean(required=True, truthy={True}, falsy={False})


class WordingSchema(_Strict):
    """A wording file: the words of one version in one language; titles left out are the definition's."""

    instrument = _name()
    version = fields.String(required=True, validate=_VERSION)
    language = fields.String(
        required=True, validate=validate.Regexp(r"\A[a-z]{2,3}(-[A-Z]{2})?\Z", error="use a code such as en")
    )
    provenance = fields.Nested(ProvenanceSchema, required=True)
    title = fields.String(validate=_FILLED)
    caveat = fields.String(load_default="")
    copyright = _text()
    anchors = fields.Nested(Schema.from_dict({"minimum": _text(), "maximum": _text()}), required=True)
    sections = fields.Dict(keys=_name(), values=_text(), required=True)
    forms = fields.Dict(keys=_name(), values=_text(), required=True)
    raters = fields.Dict(keys=_name(), values=_text(), required=True)
    instructions = fields.Dict(keys=_name(), values=_text(), required=True)
    items = fields.Dict(keys=_name(), values=fields.Dict(keys=_name(), values=_text()), required=True)
    options = fields.Dict(keys=_name(), values=_text(), load_default=dict)
    scores = fields.Dict(keys=_name(), values=_text())


class PackSchema(WordingSchema):
    """A site's own wording file: the words, and the record of the licence to use them."""

    licence = fields.Nested(LicenceRecordSchema, required=True)
