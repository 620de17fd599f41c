"""What scoring one response costs."""

from collections.abc import Iterator

import orjson

from fhir_alliance.records.response import build_response
from fhir_alliance.scoring.scorer import Scorer
from tests.scoring.engines import published_scores

from .measuring import Row, fraction, ratio, seconds
from .samples import full_submission


def scoring_rows() -> Iterator[Row]:
    """Measure one full form, six scales, from its bytes, beside reading them and beside the published expressions."""
    submission = full_submission()
    instrument, form = submission.instrument, submission.form
    scorer, body = Scorer(form), orjson.dumps(build_response(submission))
    scoring = seconds(lambda: scorer.score_response(body), lambda: orjson.loads(body), times=500)
    yield "score a response from its bytes : orjson.loads of them", ratio(*scoring), "≤ 2.0"
    published_scores(instrument, form, orjson.loads(body))  # compiles them
    (published,) = seconds(lambda: published_scores(instrument, form, orjson.loads(body)), times=1)
    yield (
        "score a response from its bytes : compiled FHIRPath of its form",
        fraction(scoring[0], published),
        "≤ 1/300",
    )
