"""The answers a QuestionnaireResponse in the chart holds, read as raw JSON."""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from fhir_alliance.errors import InvalidAnswers
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.layout import group_ids
from fhir_alliance.instruments.questionnaire import score_link_id
from fhir_alliance.records.codes import DECLINED
from fhir_alliance.scoring.answers import Answers, check_answers
from fhir_alliance.scoring.responses import answer_to, items_in, number_in, read_given


def read_answers(response: Mapping[str, Any], form: Form) -> Answers:
    """Return the answers, and the items skipped on purpose; what is no answer to an item of the form is left out."""
    given = read_given(response, form)
    skipped = {str(said.get("linkId")) for said in items_in(response.get("item", [])) if _declined(said)}
    return Answers(given=given, skipped=frozenset(skipped & form.by_link_id.keys() - given.keys()))


def answer_faults(response: Mapping[str, Any], instrument: Instrument, form: Form) -> Iterator[str]:
    """Yield whatever in a response of FHIR's shape is no answer to its form: the linkId and the reason, no answer."""
    said = list(items_in(response.get("item", [])))
    times = Counter(each["linkId"] for each in said)
    yield from (f"item {link_id}: occurs {count} times" for link_id, count in times.items() if count > 1)
    for each in said:
        reason = _fault(each, instrument, form)
        if reason:
            yield f"item {each['linkId']}: {reason}"
    given = read_answers(response, form)
    try:
        asked = check_answers(form, given).given
    except InvalidAnswers as error:  # what is no answer was left out above: what remains is missing
        yield from (f"item {link_id}: needs an answer" for link_id in error.problems)
    else:
        for link_id in given.given.keys() - asked.keys():
            yield f"item {link_id}: is answered, although its condition leaves it out"


def _fault(said: Mapping[str, Any], instrument: Instrument, form: Form) -> str:
    """Return why an item is no answer to the form, empty when it is one or has none."""
    link_id, answers = said["linkId"], said.get("answer", [])
    item = form.by_link_id.get(link_id)
    score = link_id in {score_link_id(scale) for scale in form.scales}
    if not item and not score and link_id not in set(group_ids(form.layout)):
        return "is not on the form"
    if len(answers) > 1 or any("item" in answer for answer in answers):
        return "has more than one answer, or questions inside its answer"
    if not answers:
        return ""
    if item:
        right = answer_to(item, said) is not None and not _foreign(answers[0], instrument)
        return "" if right else f"is not answered by {_wanted(item, instrument)}"
    if not score:
        return "is a group, which has no answer"
    return "" if number_in(answers[0]) is not None else "is a score, which is a number"


def claimed_scores(response: Mapping[str, Any]) -> dict[str, Decimal]:
    """Return the numbers that the hidden score items of a response hold, by linkId."""
    found = {
        str(said.get("linkId")): number_in(answer)
        for said in items_in(response.get("item", []))
        for answer in said.get("answer", ())[:1]
    }
    return {link_id: Decimal(str(number)) for link_id, number in found.items() if number is not None}


def _foreign(answer: Mapping[str, Any], instrument: Instrument) -> bool:
    """Whether a code is of another system, where it would mean something else; a site's options were told by theirs."""
    return (
        not instrument.own
        and "valueCoding" in answer
        and answer["valueCoding"].get("system") != instrument.answers_system
    )


def _wanted(item: Item, instrument: Instrument) -> str:
    if item.span is None:
        return f"one of its options, a valueCoding of {instrument.answers_system}"
    low, high, decimals = f"{item.span.minimum:f}", f"{item.span.maximum:f}", item.span.decimals
    return f"a number from {low} to {high} with at most {decimals} decimals"


def _declined(said: Mapping[str, Any]) -> bool:
    return any(DECLINED.items() <= extension.items() for extension in said.get("extension", ()))
