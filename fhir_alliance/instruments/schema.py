"""What a definition file and a wording file may say; every fault is reported with its path."""

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

_NAME = validate.Regexp(r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", error="use lower-case letters, digits and single hyphens")
_VERSION = validate.Regexp(r"\A\d+\.\d+\.\d+\Z", error="use a semantic version such as 1.0.0")
_FILLED = validate.Length(min=1, error="is empty")
_UNIQUE_NAMES = "occurs more than once"


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
    """Who holds the wording, and whether it may be shipped."""

    id = _text()
    holder = _text()
    wording = fields.String(
        required=True, validate=validate.OneOf(["open", "attribution", "restricted-pack", "site-supplied"])
    )


class RangeSchema(_Strict):
    """The lowest and the highest answer, whole numbers."""

    minimum = fields.Integer(required=True)
    maximum = fields.Integer(required=True)

    @validates_schema
    def check(self, data: Mapping[str, int], **_: Any) -> None:
        """Refuse an empty range, and one too long for a form."""
        if not 1 <= data["maximum"] - data["minimum"] <= 100:
            raise ValidationError("must be above minimum by 1 to 100", "maximum")


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
    """One scale and its missing-item rule."""

    id = _name()
    method = fields.String(required=True, validate=validate.OneOf(["mean"]))
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
    status = fields.String(required=True, validate=validate.OneOf(["draft", "active", "retired"]))
    date = fields.Date(required=True)
    validated = fields.Boolean(required=True, truthy={True}, falsy={False})
    source = _text()
    licence = fields.Nested(LicenceSchema, required=True)
    decimals = fields.Integer(required=True, validate=validate.Range(min=0, max=6))
    raters = _list(fields.String(validate=validate.OneOf(["patient", "therapist"])))
    scale = fields.Nested(RangeSchema, required=True)
    items = _list(ItemSchema)
    questions = fields.List(fields.Nested(QuestionSchema), load_default=list)
    forms = _list(FormSchema)
    scores = _list(ScoreSchema)
    raw_facts = fields.List(fields.Nested(RawFactSchema), load_default=list)

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse names that occur twice, and names that nothing defines."""
        items = [item["id"] for item in data["items"]]
        questions = [question["id"] for question in data["questions"]]
        faults: dict[Any, Any] = {}
        _note(faults, _repeated("items", items + questions), _repeated("forms", _ids(data["forms"])))
        _note(faults, _repeated("scores", _ids(data["scores"])))
        _note(
            faults,
            _unknown("forms", data["forms"], {*items, *questions}),
            _unknown("scores", data["scores"], set(items)),
        )
        _note(
            faults,
            _thresholds(data["scores"]),
            _conditions(data["questions"]),
            _facts(data["raw_facts"], {*items, *questions}),
        )
        if faults:
            raise ValidationError(faults)


class ProvenanceSchema(_Strict):
    """Where the words of a language come from."""

    author = _text()
    method = fields.String(required=True, validate=validate.OneOf(["original", "translation", "validated-translation"]))


class WordingSchema(_Strict):
    """A wording file: the words of one version in one language."""

    instrument = _name()
    version = fields.String(required=True, validate=_VERSION)
    language = fields.String(
        required=True, validate=validate.Regexp(r"\A[a-z]{2,3}(-[A-Z]{2})?\Z", error="use a code such as en")
    )
    provenance = fields.Nested(ProvenanceSchema, required=True)
    title = _text()
    caveat = fields.String(load_default="")
    copyright = _text()
    anchors = fields.Nested(Schema.from_dict({"minimum": _text(), "maximum": _text()}), required=True)
    sections = fields.Dict(keys=_name(), values=_text(), required=True)
    forms = fields.Dict(keys=_name(), values=_text(), required=True)
    raters = fields.Dict(keys=_name(), values=_text(), required=True)
    instructions = fields.Dict(keys=_name(), values=_text(), required=True)
    items = fields.Dict(keys=_name(), values=fields.Dict(keys=_name(), values=_text()), required=True)
    options = fields.Dict(keys=_name(), values=_text(), load_default=dict)
    scores = fields.Dict(keys=_name(), values=_text(), required=True)


def missing_words(definition: Mapping[str, Any], words: Mapping[str, Any]) -> dict[str, Any]:
    """Return, by path, what the definition asks for and the words do not say, and what they say too much."""
    asked = [*definition["items"], *definition["questions"]]
    options = {code for question in definition["questions"] for code in question["options"]}
    expected = {
        "sections": {item["section"] for item in asked},
        "forms": set(_ids(definition["forms"])),
        "raters": set(definition["raters"]),
        "instructions": set(definition["raters"]),
        "items": set(_ids(asked)),
        "options": options,
        "scores": set(_ids(definition["scores"])),
    }
    faults: dict[Any, Any] = {}
    for part, names in expected.items():
        _note(faults, _difference((part,), names, words[part]))
    for name, texts in words["items"].items():
        _note(faults, _difference(("items", name), set(definition["raters"]), texts))
    return faults


def _difference(path: tuple[str, ...], names: set[str], given: Mapping[str, Any]) -> dict[Any, Any]:
    lacking, extra = sorted(names - given.keys()), sorted(given.keys() - names)
    faults: Any = [f"has no words for {name}" for name in lacking] + [
        f"{name} is not in the definition" for name in extra
    ]
    for part in reversed(path if faults else ()):
        faults = {part: faults}
    return faults or {}


def _ids(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    return [entry["id"] for entry in entries]


def _note(faults: dict[Any, Any], *found: Mapping[Any, Any]) -> None:
    """Merge nested fault mappings, so that no fault hides another."""
    for more in found:
        for key, value in more.items():
            if not value:
                continue
            if isinstance(value, Mapping):
                merged = faults.get(key, {})
                _note(merged, value)
                if merged:
                    faults[key] = merged
            else:
                faults.setdefault(key, []).extend(value)


def _repeated(part: str, names: list[str]) -> dict[str, Any]:
    twice = sorted({name for name in names if names.count(name) > 1})
    return {part: {"_schema": [f"{name} {_UNIQUE_NAMES}" for name in twice]}} if twice else {}


def _unknown(part: str, entries: list[Mapping[str, Any]], known: set[str]) -> dict[str, Any]:
    faults = {
        index: {"items": [f"{name} is not an item" for name in entry["items"] if name not in known]}
        for index, entry in enumerate(entries)
    }
    return {part: {index: fault for index, fault in faults.items() if fault["items"]}}


def _thresholds(scores: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "scores": {
            index: {"min_answered": [f"is more than the {len(score['items'])} items of the scale"]}
            for index, score in enumerate(scores)
            if score["min_answered"] > len(score["items"])
        }
    }


def _conditions(questions: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Let a question depend only on one asked before it, so that no cycle can arise."""
    options: dict[str, set[str]] = {}
    faults: dict[int, Any] = {}
    for index, question in enumerate(questions):
        condition = question.get("enabled_by")
        if condition and not set(condition["any_of"]) <= options.get(condition["question"], set()):
            faults[index] = {"enabled_by": ["names no option of a question asked before it"]}
        options[question["id"]] = set(question["options"])
    return {"questions": faults}


def _facts(facts: list[Mapping[str, Any]], known: set[str]) -> dict[str, Any]:
    return {
        "raw_facts": {
            index: ["needs a known item and exactly one of at_most and any_of"]
            for index, fact in enumerate(facts)
            if fact["item"] not in known or ("at_most" in fact) == ("any_of" in fact)
        }
    }
