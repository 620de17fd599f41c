"""A database that reads the responses from NDJSON finds the scores that we find in each of them."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.scoring.scorer import Scorer
from fhir_alliance.scoring.tables import LEVELS, responses_query, scores_query

from .engines import DATABASE, INVENTED, answers_to, as_response

Response = dict[str, Any]
NAMES = ("visit-check-in", "srs", "wai-sr")
TABLES = [
    pytest.param(instrument, max(instrument.forms, key=lambda form: len(form.items)), id=instrument.name)
    for instrument in (*(shipped().instrument(name) for name in NAMES), *INVENTED.instruments)
]
# Nobody's answers: other kinds, other codes, numbers beside the line or between its points.
FOREIGN: list[list[Response]] = [
    [],
    [{"valueString": "7"}],
    [{"valueBoolean": True}],
    [{"valueCoding": {"display": "seven"}}],
    [{"valueCoding": {"code": "no-such"}}],
    [{"valueDecimal": 9.50001}],
    [{"valueDecimal": 1e300}],
    [{"valueInteger": -40}],
    [{"valueDecimal": "seven"}],
    [{"extension": [{"url": "urn:x", "valueCode": "asked-declined"}]}],
]


@st.composite
def responses_to(draw: st.DrawFn, form: Form) -> Response:
    """Return a response to a form: items in groups at any level, some without answers, some with foreign ones."""
    items = as_response(form, draw(answers_to(form)))["item"]
    for item in items:
        number = item.get("answer", [{}])[0].get("valueDecimal")
        if number is not None and number == int(number) and draw(st.booleans()):
            item["answer"] = [{"valueInteger": int(number)}]
        if draw(st.integers(0, 9)) == 0:
            item["answer"] = draw(st.sampled_from(FOREIGN))
    cut = draw(st.integers(0, len(items)))
    for level in range(1, draw(st.integers(1, LEVELS))):
        items = [*items[:cut], {"linkId": f"group-{level}", "text": "group", "item": items[cut:]}]
    return {"resourceType": "QuestionnaireResponse", "questionnaire": form.canonical, "item": items}


@pytest.mark.parametrize(("instrument", "form"), TABLES)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_tables_agree_with_the_scorer(tmp_path: Path, instrument: Instrument, form: Form, data: st.DataObject) -> None:
    """For any responses, nested or flat, each row has the scores of its response."""
    responses = data.draw(st.lists(responses_to(form), min_size=25, max_size=25))
    path = tmp_path / "responses.ndjson"
    path.write_bytes(
        b"".join(
            orjson.dumps({"id": str(number), **response}, option=orjson.OPT_APPEND_NEWLINE)
            for number, response in enumerate(responses)
        )
    )

    rows = DATABASE.execute(f"{scores_query(instrument, form, str(path))} ORDER BY id::INTEGER").fetchall()

    scorer = Scorer(form)
    expected = [tuple(score.value for score in scorer.score_response(orjson.dumps(each))) for each in responses]
    assert [row[5:] for row in rows] == expected


def test_rows_say_whose_and_which(tmp_path: Path, check_in: Instrument) -> None:
    """A row names its response, patient, visit and time; other forms, other versions and empty lines are no rows."""
    form = check_in.forms[0]
    ours = {
        "resourceType": "QuestionnaireResponse",
        "id": "r1",
        "questionnaire": form.canonical,
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "encounter": {"reference": "Encounter/e"},
        "authored": "2026-11-12T10:42:07-05:00",
        "item": as_response(form, dict.fromkeys("123456", "8"))["item"],
    }
    bare = {"id": "r2", "questionnaire": form.canonical}
    others = [{**ours, "questionnaire": name} for name in (form.url, f"{form.url}|9.9.9", "urn:other")]
    folder = tmp_path / "it's here"
    folder.mkdir()
    (folder / "a.ndjson").write_text("\n".join(json.dumps(each) for each in (*others, ours)) + "\n\n")
    (folder / "b.ndjson").write_text(json.dumps(bare))

    rows = DATABASE.execute(f"{scores_query(check_in, form, str(folder / '*.ndjson'))} ORDER BY id").fetchall()

    assert rows == [
        ("r1", "completed", "Patient/p", "Encounter/e", "2026-11-12T10:42:07-05:00", Decimal(8)),
        ("r2", None, None, None, None, None),
    ]


def test_answers_are_typed(tmp_path: Path) -> None:
    """The query alone gives each item's first answer: a code, or a number with at most four decimals."""
    items = [
        {"linkId": "a", "answer": [{"valueCoding": {"code": "often"}}, {"valueCoding": {"code": "never"}}]},
        {"linkId": "g", "item": [{"linkId": "b", "answer": [{"valueDecimal": 0.1234}]}]},
        {"linkId": "c", "answer": [{"valueDecimal": 0.12345}]},
    ]
    path = tmp_path / "r.ndjson"
    path.write_text(json.dumps({"item": items}))

    (row,) = DATABASE.execute(responses_query(str(path))).fetchall()

    assert {(each["linkId"], each["code"], each["number"]) for each in row[-1]} == {
        ("a", "often", None),
        ("g", None, None),
        ("b", None, Decimal("0.1234")),
        ("c", None, None),
    }
