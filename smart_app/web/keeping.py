"""Keeping the answers of a form while it is filled in, from whatever page of it, so that none is ever lost."""

from collections.abc import Mapping
from dataclasses import replace

from fhir_alliance.errors import InvalidAnswers
from fhir_alliance.scoring.answers import Answers, check_answers
from fhir_alliance.sentences import Sentence
from smart_app.web.forms import OpenForm

_OTHERS = Sentence(
    "On another page or device you chose something else here. What stands here now is kept once you go on."
)


def possible(opened: OpenForm, answers: Answers) -> Answers:
    """Return the answers that can be kept before a form is complete: without those that are none of the possible."""
    try:
        return check_answers(opened.form, answers)
    except InvalidAnswers as error:
        given = {link_id: each for link_id, each in answers.given.items() if link_id not in error.problems}
        return replace(answers, given=given)


def both(kept: Answers, here: Answers) -> tuple[Answers, Mapping[str, str]]:
    """Return the answers of two pages of one form in one, and a sentence for each question answered in two ways.

    Where both pages have an answer that of this page stands.
    """
    given = {**kept.given, **here.given}
    skipped = (kept.skipped | here.skipped) - given.keys()
    return Answers(given=given, skipped=skipped), dict.fromkeys(_different(kept.given, here.given), _OTHERS)


def _different(kept: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    return [link_id for link_id in here if link_id in kept and kept[link_id] != here[link_id]]
