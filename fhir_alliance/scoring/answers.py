"""What a person answered to one form, checked against its options."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fhir_alliance.errors import InvalidAnswers
from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.items import Item, Kind
from fhir_alliance.sentences import Sentence


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The answer of each item by linkId, and the items explicitly skipped; an item in neither was left blank.

    An answer is an option's code, or on a visual analogue line the number as text.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        """Whether nothing at all was answered."""
        return not self.given


def check_answers(form: Form, answers: Answers) -> Answers:
    """Return the answers, and the skips, without those of questions their own condition leaves out.

    Raises InvalidAnswers, naming each linkId that the form does not ask, whose answer is none of the possible ones, or
    that needs an answer and has none.
    """
    items = form.by_link_id
    away = (answers.given.keys() | answers.skipped) - items.keys()
    problems = dict.fromkeys(away, Sentence("This question is not on the form.")) | {
        link_id: _possible(items[link_id])
        for link_id, answer in answers.given.items()
        if link_id in items and not items[link_id].accepts(answer)
    }
    given = asked_only(form, {link_id: answer for link_id, answer in answers.given.items() if link_id not in away})
    problems |= {
        item.link_id: Sentence("Please answer this question, or choose “Not today” below.")
        for item in form.items
        if item.required and item.link_id not in given and item.is_asked(given)
    }
    if problems:
        raise InvalidAnswers(problems)
    skipped = frozenset(each for each in answers.skipped - given.keys() if items[each].is_asked(given))
    return Answers(given=given, skipped=skipped)


def _possible(item: Item) -> Sentence:
    """Say what an answer to a question can be."""
    if item.kind is Kind.TEXT:
        return Sentence("Please write at most %(number)s characters.", number=item.longest)
    if span := item.span:
        ends = {"low": f"{span.minimum:f}", "high": f"{span.maximum:f}"}
        if not span.decimals:
            return Sentence("Please give a number from %(low)s to %(high)s.", **ends)
        return Sentence(
            "Please give a number from %(low)s to %(high)s, with at most %(decimals)s decimals.",
            **ends,
            decimals=span.decimals,
        )
    return Sentence("Please choose one of the answers shown.")


def asked_only(form: Form, given: Mapping[str, str]) -> dict[str, str]:
    """Return the answers to questions that were asked: an answer to one that was not opens no other (FHIR enableWhen).

    Conditions make no circle, which is checked when a form is read.
    """
    asked: dict[str, bool] = {}

    def is_asked(link_id: str) -> bool:
        if link_id not in asked:
            item = form.by_link_id[link_id]
            needed = {test.question for condition in item.conditions for test in condition.tests}
            kept = {each: given[each] for each in needed & given.keys() & form.by_link_id.keys() if is_asked(each)}
            asked[link_id] = item.is_asked(kept)
        return asked[link_id]

    return {link_id: answer for link_id, answer in given.items() if is_asked(link_id)}
