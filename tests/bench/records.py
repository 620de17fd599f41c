"""What building and checking the write-back costs, without any server."""

from collections.abc import Iterator
from typing import Any

from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.checks import check_shape

from .measuring import Row, ratio, seconds
from .samples import full_submission


def record_rows() -> Iterator[Row]:
    """Measure one submission's bundle."""
    submission = full_submission()
    bundle = write_bundle(submission)
    # The least that anybody could do: a function whose body is the finished structure as one nested literal.
    names: dict[str, Any] = {}
    exec(f"def literal():\n    return {bundle!r}", {}, names)  # noqa: S102  # our own structure
    building = seconds(lambda: write_bundle(submission), names["literal"], times=100)
    yield "build the checked bundle : the same dicts as a literal", ratio(*building), "≤ 8"
    (shape,) = seconds(lambda: check_shape(bundle), times=5)
    yield "R4B shape of the bundle, once a submission", f"{shape * 1e3:.1f} ms", ""
