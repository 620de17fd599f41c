"""What scoring many responses costs in DuckDB, straight from NDJSON, beside only parsing it."""

import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson

from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.response import build_response
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Scorer
from fhir_alliance.scoring.tables import responses_query, scores_query

from .measuring import Row
from .samples import full_submission

PARTS, ROWS = 5, 200_000
# So many responses differ; they are then repeated, which reading them does not notice.
DISTINCT = 5_000
RUNS = 3


def table_rows(folder: Path) -> Iterator[Row]:
    """Measure 1,000,000 responses to the core form in five files, and the memory of one file beside that of all."""
    submission = core_submission()
    write_parts(folder, submission)
    every, one = str(folder / "part-*.ndjson"), str(folder / "part-0.ndjson")
    parse, score = parsing(every), scoring(submission, every)
    runs = [(measured(parse), measured(score)) for _ in range(RUNS)]
    parsed, scored = (min(times) for times in zip(*((a[0], b[0]) for a, b in runs), strict=True))
    size = sum(path.stat().st_size for path in folder.glob("part-*.ndjson")) / 1e9
    took = f"{parsed / scored:.2f}  ({parsed:.1f} s to {scored:.1f} s of CPU, {size:.1f} GB)"
    yield f"rate of scoring {PARTS * ROWS:,} responses in DuckDB : of only parsing them", took, "≥ 0.6"
    most, least = max(run[1][1] for run in runs), measured(scoring(submission, one))[1]
    yield f"peak memory of that with {ROWS:,} rows and with all", f"{least:.0f} MB, {most:.0f} MB", "≤ 512 MB, the same"


def core_submission() -> Submission:
    """Return a submission of the core form."""
    full = full_submission()
    return replace(full, form=full.instrument.form(Rater.PATIENT, "core"))


def write_parts(folder: Path, submission: Submission) -> None:
    """Write the files: what we write to the chart, one question in twenty left blank, always the same."""
    draw = random.Random(3)  # noqa: S311  # test data
    block = b"".join(line(submission, draw) for _ in range(DISTINCT))
    for part in range(PARTS):
        with (folder / f"part-{part}.ndjson").open("wb") as file:
            for _ in range(ROWS // DISTINCT):
                file.write(block)


def line(submission: Submission, draw: random.Random) -> bytes:
    """Return one response as the chart holds it."""
    items = [item for item in submission.form.items if not item.conditions and draw.random() > 1 / 20]
    answers = Answers(given={item.link_id: draw.choice(item.options).code for item in items})
    scores = Scorer(submission.form).score(answers)
    response = build_response(replace(submission, answers=answers, scores=scores))
    return orjson.dumps({"id": f"{draw.getrandbits(64):x}", **response}, option=orjson.OPT_APPEND_NEWLINE)


def parsing(files: str) -> str:
    """Return the query that reads into the same types what scoring reads, and no more."""
    source = responses_query(files, numbers=False).partition(" FROM read_ndjson")[2]
    return f"SELECT count(questionnaire), max(len(item)) FROM read_ndjson{source}"  # noqa: S608  # our own query


def scoring(submission: Submission, files: str) -> str:
    """Return the query of the scores, with nothing kept of them but their sum."""
    query = scores_query(submission.instrument, submission.form, files)
    return f"SELECT count(core), sum(core) FROM ({query})"  # noqa: S608  # our own query


def measured(query: str) -> tuple[float, float]:
    """Return the CPU seconds and the peak megabytes of a query in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.one_query", query]
    took, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(took), float(peak)
