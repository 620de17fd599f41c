"""What every table of `alliance.toml` has in common."""

from pathlib import Path

from marshmallow import RAISE, Schema, validate

# A crisis line of blanks would be none.
FILLED = validate.Regexp(r"\s*\S", error="must not be empty")


class Strict(Schema):
    """A table that may hold nothing but what its schema names; paths in it are relative to `context_folder`."""

    context_folder: Path

    class Meta:
        """What marshmallow reads."""

        unknown = RAISE
