"""What a wording file may say, and the licence record that a site's own words come with."""

from marshmallow import fields, validate

from fhir_alliance.instruments.fields import FILLED, VERSION, Strict, list_of, name, text


class ProvenanceSchema(Strict):
    """Where the words of a language come from, and who has reviewed them."""

    author = text()
    method = fields.String(required=True, validate=validate.OneOf(["original", "translation", "validated-translation"]))
    reviewed_by = fields.String(load_default="", validate=FILLED)


class LicenceRecordSchema(Strict):
    """What a site was allowed; without an expiry date the licence has no end."""

    holder = text()
    reference = text()
    expires = fields.Date(load_default=None)
    modes = list_of(fields.String(validate=validate.OneOf(["screen", "paper"])))
    translation_source = fields.String(load_default="", validate=FILLED)
    item_text_in_ehr = fields.Boolean(required=True, truthy={True}, falsy={False})


class AnchorsSchema(Strict):
    """What the two ends of a scale mean."""

    minimum = text()
    maximum = text()


class WordingSchema(Strict):
    """A wording file: the words of one version in one language; titles left out are the definition's."""

    instrument = name()
    version = fields.String(required=True, validate=VERSION)
    language = fields.String(
        required=True, validate=validate.Regexp(r"\A[a-z]{2,3}(-[A-Z]{2})?\Z", error="use a code such as en")
    )
    provenance = fields.Nested(ProvenanceSchema, required=True)
    title = fields.String(validate=FILLED)
    caveat = fields.String(load_default="")
    copyright = text()
    anchors = fields.Nested(AnchorsSchema, required=True)
    item_anchors = fields.Dict(keys=name(), values=fields.Nested(AnchorsSchema), load_default=dict)
    headings = fields.Dict(keys=name(), values=text(), load_default=dict)
    sections = fields.Dict(keys=name(), values=text(), required=True)
    forms = fields.Dict(keys=name(), values=text(), required=True)
    raters = fields.Dict(keys=name(), values=text(), required=True)
    instructions = fields.Dict(keys=name(), values=text(), required=True)
    items = fields.Dict(keys=name(), values=fields.Dict(keys=name(), values=text()), required=True)
    options = fields.Dict(keys=name(), values=text(), load_default=dict)
    scores = fields.Dict(keys=name(), values=text())


class PackSchema(WordingSchema):
    """A site's own wording file: the words, and the record of the licence to use them."""

    licence = fields.Nested(LicenceRecordSchema, required=True)
