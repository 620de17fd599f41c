"""The fields that definition and wording files are made of."""

from decimal import Decimal
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

NAME = validate.Regexp(r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", error="use lower-case letters, digits and single hyphens")
VERSION = validate.Regexp(r"\A\d+\.\d+\.\d+\Z", error="use a semantic version such as 1.0.0")
FILLED = validate.Length(min=1, error="is empty")


class Strict(Schema):
    """A mapping that may hold nothing but what its schema names."""

    class Meta:
        """What marshmallow reads."""

        unknown = RAISE


def name(**kwargs: Any) -> fields.String:
    """Return a required name: an id, a code, a linkId."""
    return fields.String(required=True, validate=NAME, **kwargs)


def text() -> fields.String:
    """Return a required text that is not empty."""
    return fields.String(required=True, validate=FILLED)


def factor(**kwargs: Any) -> fields.Decimal:
    """Return a number to multiply by: small enough that whole-number arithmetic with it stays exact in a database."""
    return fields.Decimal(validate=_is_factor, **kwargs)


def _is_factor(value: Decimal) -> None:
    if not 0 < value <= _MOST_FACTOR or value != round(value, _FACTOR_DECIMALS):
        raise ValidationError("must be above 0 and at most 100, with at most 4 decimals")


_MOST_FACTOR, _FACTOR_DECIMALS = 100, 4


def list_of(of: fields.Field[Any] | type[Schema]) -> fields.Field[Any]:
    """Return a required list of at least one entry."""
    inner = fields.Nested(of) if isinstance(of, type) else of
    return fields.List(inner, required=True, validate=validate.Length(min=1, error="needs at least one entry"))
