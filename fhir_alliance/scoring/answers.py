"""What a person answered to one form, checked against its options."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fhir_alliance.errors import InvalidAnswers
from fhir_alliance.instruments.definition import Form


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
    """Return the answers without those to questions their own condition leaves out.

    Raises InvalidAnswers, naming each linkId that the form does not ask or whose code is not among its options.
    """
    items = form.by_link_id
    problems = {
        link_id: "Please choose one of the answers shown."
        for link_id, code in answers.given.items()
        if link_id not in items or not items[link_id].accepts(code)
    } | {link_id: "This question is not on the form." for link_id in answers.skipped if link_id not in items}
    if problems:
        raise InvalidAnswers(problems)
    given = asked_only(form, answers.given)
    return Answers(given=given, skipped=answers.skipped - given.keys())


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
