"""Which answers have to reach somebody who acts: those to an alert item that count more than 0."""

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.scoring.answers import Answers


def alerting_items(instrument: Instrument, answers: Answers) -> tuple[str, ...]:
    """Return the linkIds of the instrument's `alert_items` whose answer counts more than 0, in their order.

    Skipped and blank are no answer; a reversed item counts reversed (instruments.md, section 1b: item 9 > 0 of the
    PHQ-9 leads to the safety pathway).
    """
    return tuple(
        item
        for item in instrument.alert_items
        if item in answers.given and (instrument.items[item].counts(answers.given[item]) or 0) > 0
    )
