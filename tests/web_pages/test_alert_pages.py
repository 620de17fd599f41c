"""An alert on the pages: above everything else for the clinician, told to the patient beforehand."""

import gallery
import pytest
from page_samples import ALERTS, SITE, alert

from fhir_alliance.instruments.words import Rater
from smart_app.web.pages import audience_text


def test_the_box_says_what_was_answered_and_what_to_do() -> None:
    """Item, instrument, answer and day are there in words, and no score and no interpretation."""
    box = alert(1)

    assert box.answers == "Item 9 of the PHQ-9 was answered “Several days”"
    assert box.day.text == "Thu 12 Nov"
    assert box.acknowledged == ""


@pytest.mark.parametrize(("by", "who"), [("Practitioner/okafor", "you"), ("Practitioner/lee", "a colleague")])
def test_the_box_says_who_has_acknowledged(by: str, who: str) -> None:
    """Who has taken it on is told as the reader sees it, with the time at the site."""
    assert alert(1, acknowledged_by=by).acknowledged == f"Acknowledged by {who} at 10:40."


def test_the_box_comes_before_everything_else() -> None:
    """In the chart the alerts are first, each with its button until somebody has pressed it."""
    main = gallery.render("chart-alert").partition("<main")[2]

    before = main.partition("<h1")[0]
    assert before.count('<section class="urgent"') == len(ALERTS)
    assert before.count("I have seen this and will act") == 1
    assert before.count("Please talk about it now or follow your clinic's plan.") == 1
    assert before.count("Acknowledged by") == 2


def test_the_form_tells_before_the_first_question() -> None:
    """Before anything is answered the patient reads that an answer is passed on, and that nobody watches live."""
    before = gallery.render("form-alert").partition("<fieldset")[0]

    assert "Your answer to question 9 can be passed on to the clinic" in before
    assert "Nobody watches live" in before
    assert SITE.crisis_line in before


def test_a_form_without_such_a_question_does_not_mention_it() -> None:
    """Nor does the therapist's own form, which the patient does not fill in."""
    texts = (
        audience_text(Rater.PATIENT, therapist="Dr. Okafor"),
        audience_text(Rater.THERAPIST, therapist="Dr. Okafor", passed_on=[9]),
    )

    assert not [text for text in texts if "passed on" in text]


def test_the_receipt_repeats_where_help_is() -> None:
    """After such a form the crisis line stands in the page itself, and nothing about what was answered."""
    main = gallery.render("receipt-alert").partition("<main")[2].partition("</main>")[0]

    assert SITE.crisis_line in main
    assert "If you are in danger now, do not wait" in main
    assert "Several days" not in main
    assert SITE.crisis_line not in gallery.render("receipt-handover").partition("<footer>")[0]
