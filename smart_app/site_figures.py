"""A site's own figures, computed from the responses that an EHR holds, as the file that a person looks at."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import yaml

from fhir_alliance.cohort.lines import resources
from fhir_alliance.errors import InvalidResponse
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.precision import FIRST_RATINGS_NEEDED
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.answers import read_answers
from fhir_alliance.records.foreign import check_response, check_response_shape
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Scorer
from fhir_alliance.trajectory.learning import First, levels_of, spread_of
from fhir_alliance.trajectory.series import read_time

_MOST_BYTES: Final = 64 * 1024**3
_PIECE: Final = 1024 * 1024
_PLACES: Final = Decimal("0.0001")
_HEAD: Final = """\
# A clinic's own figures. Before they count a person looks at them: are these the people and the days that they should
# be, and is nothing in them that only tried the software? Then write who has looked, and name the file in
# alliance.toml: figures_file = "figures.yaml"
"""


@dataclass(frozen=True, kw_only=True)
class _Given:
    """One finished response: when, about which visit, and what was answered to which form."""

    at: datetime
    visit: str
    form: Form
    answers: Answers


@dataclass(kw_only=True)
class Read:
    """The responses to an instrument by patient, and how many could not be used."""

    by_patient: dict[str, list[_Given]] = field(default_factory=lambda: defaultdict(list))
    left_out: int = 0


class NotEnough(Exception):
    """There are too few full first ratings, or they are too alike, to learn anything of them."""


def figures_file(paths: Iterable[Path], instrument: Instrument, *, today: date) -> str:
    """Return the text of the file of figures of an instrument's first score.

    `paths` are NDJSON files of QuestionnaireResponses, or folders with them as `bulk export` makes them. Raises
    NotEnough when the patients' first ratings are too few, ExportFailed for a file that is something else.
    """
    entries, remarks = [], []
    scale = instrument.scales[0]
    for rater in dict.fromkeys(form.rater for form in instrument.forms):
        read = _read(paths, instrument, [form for form in instrument.forms_of(rater) if scale in form.scales])
        if read.left_out:
            remarks.append(f"# {rater}: {read.left_out} responses were left out: unfinished, undated or faulty.")
        entry = _entry(read, instrument, rater, scale, today)
        if entry:
            entries.append(entry)
        elif rater is Rater.PATIENT:
            raise NotEnough(_too_few(read, rater))
        else:
            remarks.append(f"# {_too_few(read, rater)}")
    text = yaml.safe_dump({"reviewed_by": "", "figures": entries}, sort_keys=False, allow_unicode=True, width=100)
    return _HEAD + "".join(f"{line}\n" for line in remarks) + text


def _too_few(read: Read, rater: Rater) -> str:
    return (
        f"{rater}: {len(read.by_patient)} patients have a rating. {FIRST_RATINGS_NEEDED} first ratings with every "
        "question answered are needed, of people who differ."
    )


def _entry(read: Read, instrument: Instrument, rater: Rater, scale: Scale, today: date) -> dict[str, Any] | None:
    """Return what the file says of one rater; None when nothing can be learned of them."""
    people = [_first(given, instrument, scale) for given in read.by_patient.values()]
    spread = spread_of(people)
    if spread is None:
        return None
    days = [given.at.date() for each in read.by_patient.values() for given in each]
    entry: dict[str, Any] = {
        "instrument": instrument.name,
        "version": instrument.version,
        "rater": rater.value,
        "score": scale.name,
        "people": spread.people,
        "sd": _number(spread.sd),
        "reliability": _number(spread.alpha),
        "kind": "alpha",
        "population": f"first ratings at this clinic, {min(days)} to {max(days)}",
        "source": f"computed on {today} from the responses in the health record",
    }
    levels = levels_of(people) if rater is Rater.PATIENT else None
    if levels:
        numbers = {name: _number(getattr(levels, name)) for name in ("mean", "between", "within")}
        entry["early"] = {"people": levels.people, **numbers}
    return entry


def _number(value: Decimal) -> float:
    return float(value.quantize(_PLACES))


def _first(given: list[_Given], instrument: Instrument, scale: Scale) -> First:
    """Return a person's ratings, oldest first and the last of each visit, and the items of the first."""
    visits = {each.visit: each for each in sorted(given, key=lambda each: each.at)}
    scored = [(each, value) for each in visits.values() if (value := _score(each, scale)) is not None]
    items = _items(scored[0][0], instrument, scale) if scored else ()
    return First(ratings=tuple(value for _, value in scored), items=items)


def _score(given: _Given, scale: Scale) -> Decimal | None:
    return next(score.value for score in Scorer(given.form).score(given.answers) if score.scale == scale)


def _items(given: _Given, instrument: Instrument, scale: Scale) -> tuple[Decimal, ...]:
    """Return what each item of a score counted, reversed and weighted; empty when one was not answered."""
    counted = []
    for name in scale.items:
        item, said = instrument.items[name], given.answers.given.get(name)
        options = {option.code: option.value for option in item.options}
        value = item.span.read(said) if item.span and said else options.get(said or "")
        if value is None:
            return ()
        counted.append(value * scale.weights.get(name, Decimal(1)))
    return tuple(counted)


def _read(paths: Iterable[Path], instrument: Instrument, forms: list[Form]) -> Read:
    by_canonical = {form.canonical: form for form in forms}
    newest: dict[object, Mapping[str, Any]] = {}
    for path in paths:
        for file in sorted(path.glob("QuestionnaireResponse*.ndjson")) if path.is_dir() else [path]:
            for line in resources(_chunks(file), "QuestionnaireResponse", max_bytes=_MOST_BYTES):
                key = line.resource.get("id", len(newest))
                if line.resource.get("questionnaire") in by_canonical and _is_newer(line.resource, newest.get(key)):
                    newest[key] = line.resource
    read = Read()
    for response in newest.values():
        given = _given(response, instrument, by_canonical[response["questionnaire"]])
        if given:
            read.by_patient[response["subject"]["reference"]].append(given)
        else:
            read.left_out += 1
    return read


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(_PIECE):
            yield chunk


def _is_newer(response: Mapping[str, Any], known: Mapping[str, Any] | None) -> bool:
    """Whether this is a later version of a response than the one that was read before, if there was any."""
    return known is None or _updated(response) >= _updated(known)


def _updated(response: Mapping[str, Any]) -> str:
    meta = response.get("meta")
    return str(meta.get("lastUpdated", "")) if isinstance(meta, Mapping) else ""


def _given(response: Mapping[str, Any], instrument: Instrument, form: Form) -> _Given | None:
    at = read_time(response.get("authored"))
    try:
        check_response_shape(response)
        check_response(response, instrument, form)
    except InvalidResponse:
        return None
    if at is None:
        return None
    visit = response.get("encounter", {}).get("reference") or at.date().isoformat()
    return _Given(at=at, visit=visit, form=form, answers=read_answers(response, form))
