"""The table of a write probe: what works, what does not and why, which rung is really taken, what was left."""

from collections.abc import Iterator
from typing import Final

from fhir_alliance.ehr.probed import CREATE, FIND, LABEL, READ, RETRACT, Left, Probed, Tried, Verdict
from fhir_alliance.ehr.rungs import next_rung
from fhir_alliance.settings import Rung
from smart_app.doctor.lines import wrapped

_SPEC: Final = {CREATE: "E02", FIND: "E03", READ: "E03", LABEL: "F20", RETRACT: "O21"}
_WHY: Final = {
    "in-review": "a person at the EHR looks at it first",
    "outcome-unknown": "no usable answer came",
    "not-read-back": "it is not found again",
    "cannot-read-back": "it cannot be read",
    "changed-by-ehr": "the EHR has changed it",
    "subject-rewritten": "the EHR has filed it for somebody else",
    "identifier-changed": "the EHR has changed its identifier",
    "identifier-dropped": "the EHR does not keep it, or does not search it",
    "identifier-ignored": "the EHR answers with others as well",
    "possible-duplicate": "it is there more than once",
    "patient-gone": "the patient is gone",
    "patient-changed": "the patient is inactive, merged, or has changed meanwhile",
    "encounter-gone": "the visit is gone",
    "encounter-mismatch": "the visit is another patient's",
    "label-dropped": "the EHR drops a label",
    "invalid": "the EHR says that it is not valid",
    "not-retracted": "the EHR says yes, and leaves it as it was",
    "no-status": "it has no status that could be changed: nobody could retract it",
    "ehr.unreachable": "no usable answer comes from the EHR",
    "ehr.not-sent": "the EHR has not answered for a while",
    "ehr.error": "the EHR did not answer as expected",
    "store.refused": "it could not be written down here, so nothing was sent",
    "interrupted": "it was interrupted",
    "failed": "this program failed",
}
_VERDICTS: Final = {
    Verdict.WORKS: 'This EHR really takes rung = "{rung}": what the app writes so is in the chart, and reads back.',
    Verdict.FAILS: (
        'This EHR does not take rung = "{rung}": {why}. Forms are still accepted; each is tried, and held here with '
        "the reason. Nothing is lost."
    ),
    Verdict.PENDING: (
        'This EHR takes rung = "{rung}" for review: what the app writes is not in the chart until a person there has '
        "looked at it (E03). Please probe the same chart again then: this entry is read back and retracted."
    ),
    Verdict.OPEN: 'Whether this EHR takes rung = "{rung}" could not be found out: {why}. Please probe again.',
    Verdict.UNTRIED: "Nothing was sent: {why}.",
}
_UNLABELLED: Final = (
    "It drops labels. Who may see what the app writes is then up to its own rules alone: please ask its administrator, "
    "and attest what they say (P4, P1)."
)
_INTO_A_VISIT: Final = "Some EHRs take a note only with its visit: name one of the patient's with --encounter (E06)."


def probe_table(probed: Probed, facts: frozenset[str]) -> Iterator[str]:
    """Yield the lines, at most 100 columns wide; `facts` are what the EHR states."""
    if probed.rung is Rung.HOLD:
        yield 'rung = "hold" writes nothing into this EHR, so nothing was tried.'
        return
    yield f"{f'TRIED, rung {probed.rung}':<44}{'RESULT':<11}WHY"
    for tried in probed.tried:
        yield from _row(tried)
    yield ""
    yield from _verdict(probed, facts)
    if probed.left:
        yield ""
        yield from _left(probed.left)


def _row(tried: Tried) -> Iterator[str]:
    said = f"{_words(tried.why)} ({_SPEC[tried.step]})" if tried.why else f"({_SPEC[tried.step]})"
    head = f"{tried.what:<23}{tried.step:<21}{tried.verdict:<11}"
    yield from wrapped(said, first=head, indent=" " * len(head))


def _verdict(probed: Probed, facts: frozenset[str]) -> Iterator[str]:
    yield from wrapped(_VERDICTS[probed.verdict].format(rung=probed.rung, why=_words(probed.why)))
    if probed.unlabelled:
        yield from wrapped(_UNLABELLED)
    if probed.verdict is not Verdict.FAILS:
        return
    if probed.rung is Rung.NOTE:
        yield from wrapped(_INTO_A_VISIT)
    lower = next_rung(probed.rung, facts)
    yield from wrapped(
        f'By its own word the next rung it takes is "{lower}" (E02): set it in alliance.toml, and probe again.'
    )


def _left(left: tuple[Left, ...]) -> Iterator[str]:
    yield "NOT RETRACTED: a person at the EHR has to do it (O21)."
    for each in left:
        yield from wrapped(f"{each.place}: {_words(each.why)}. {_to_do(each)}", indent="    ")
    yield from wrapped(
        f"Each bears the words TEST ENTRY or the key {left[0].key}; security label HTEST.", indent="    "
    )


def _to_do(left: Left) -> str:
    if "/" in left.place:
        return "Please mark it there as entered in error."
    if left.why == "in-review":
        return "Please reject it there, or mark it as entered in error once it is in the chart."
    return "It may be in the chart all the same: please look for it, and mark it as entered in error."


def _words(why: str) -> str:
    """Return a plain code in words."""
    code, _, more = why.partition(" ")
    if code.startswith("http-"):
        return f"the EHR answers HTTP {code.removeprefix('http-')}"
    return f"{_WHY.get(code, code)}{': ' * bool(more)}{more}"
