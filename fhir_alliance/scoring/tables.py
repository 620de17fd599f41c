"""FHIR responses as they lie in NDJSON files, as SQL that a database scores without loading them into anything."""

from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.scoring.columns import score_columns

# How deep items may stand in groups; our own forms have two levels.
LEVELS = 4

# Numbers are read as text, so that one that is none of ours leaves its own answer out and not the whole file.
_NUMBERS = ", valueDecimal VARCHAR, valueInteger VARCHAR"
_REFERENCE = "STRUCT(reference VARCHAR)"


def responses_query(files: str, *, numbers: bool = True) -> str:
    """Return the DuckDB query of the QuestionnaireResponses in NDJSON files, a path or a glob, one row each.

    Its columns are id, status, questionnaire, subject, encounter, authored, and `answers` of ANSWERS_TYPE: the first
    answer of each item, whatever group it stands in, down to LEVELS. Only what these name is read from the file, into
    typed columns: memory stays flat however many rows there are, as long as insertion order is not preserved. Without
    `numbers`, which cost a quarter of the time, the answers on visual analogue lines are left out.
    """
    columns = {
        **dict.fromkeys(("id", "status", "questionnaire", "authored"), "VARCHAR"),
        **dict.fromkeys(("subject", "encounter"), _REFERENCE),
        "item": _item(LEVELS, numbers),
    }
    types = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    # Made of our own words; the name of the files is quoted.
    return (
        "SELECT id, status, questionnaire, subject.reference AS subject, encounter.reference AS encounter, authored, "  # noqa: S608
        f"{_answers(numbers)} AS answers FROM read_ndjson({_text(files)}, columns = {{{types}}})"
    )


def scores_query(instrument: Instrument, form: Form, files: str) -> str:
    """Return the DuckDB query of the scores of all responses to a form, one column per scale, NULL if not scorable."""
    columns = score_columns(form, instrument.items)
    lines = any(item.span for item in form.scored_items)
    scores = ", ".join(f'{expression} AS "{name}"' for name, expression in columns.items())
    # Made of our own definitions; the name of the files is quoted.
    return (
        f"SELECT id, status, subject, encounter, authored, {scores} "  # noqa: S608
        f"FROM ({responses_query(files, numbers=lines)}) WHERE questionnaire = {_text(form.canonical)}"
    )


def _item(levels: int, numbers: bool) -> str:
    answer = f"STRUCT(valueCoding STRUCT(code VARCHAR){_NUMBERS if numbers else ''})[]"
    below = f", item {_item(levels - 1, numbers)}" if levels > 1 else ""
    return f"STRUCT(linkId VARCHAR, answer {answer}{below})[]"


def _answers(numbers: bool) -> str:
    """Return the list of what the items of every level were answered; one without an answer has only its linkId."""
    number = _NUMBER if numbers else "NULL::DECIMAL(9, 4)"
    flat = f"{{linkId: i.linkId, code: i.answer[1].valueCoding.code, number: {number}}}"
    level, found = "item", []
    for _ in range(LEVELS):
        found.append(f"[{flat} FOR i IN {level}]")
        level = f"flatten([i.item FOR i IN {level}])"
    return f"flatten([{', '.join(found)}])"


_TEXT = "coalesce(i.answer[1].valueDecimal, i.answer[1].valueInteger)"
# A number of more decimals than any line has must not become one by rounding.
_EXACT = (
    f"CASE WHEN TRY_CAST({_TEXT} AS DOUBLE) = round(TRY_CAST({_TEXT} AS DOUBLE), 4) "
    f"THEN TRY_CAST(TRY_CAST({_TEXT} AS DOUBLE) AS DECIMAL(9, 4)) END"
)
_NUMBER = f"CASE WHEN {_TEXT} IS NOT NULL THEN {_EXACT} END"


def _text(value: str) -> str:
    quoted = value.replace("'", "''")
    return f"'{quoted}'"
