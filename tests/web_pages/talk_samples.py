"""What there may be to talk about with Thomas, in every state, made by the builders the views use."""

from datetime import timedelta

from course_samples import NOW, TODAY
from page_samples import SITE

from fhir_alliance.talks.agreed import Agreement
from fhir_alliance.talks.reasons import Answer, Answered
from fhir_alliance.talks.words import AS_GIVEN, talk_words
from fhir_alliance.trajectory.seen import Look, Name, Reason
from smart_app.web.pages.agreed import agreed_part
from smart_app.web.pages.reasons import Talk, reason_row

USER = "Practitioner/okafor"
LOW = Reason(
    name=Name.LOW,
    look=Look.WORTH,
    sentence="The last 2 answered visits (13 and 14) lie below the usual range of visits 1–5, the last one by 2.3.",
    inputs=(
        "Rule: below the usual range, rule set v2; core score.",
        "First ratings: visit 1: 7.6667; visit 2: 7.8333; visit 3: 8; visit 4: 7.8333; visit 5: 8.3333; mean 7.9333.",
        "Sigma 0.5: mean step between these / 1.128, at least 0.5.",
        "Both at or under 6.1833: 3.5 sigmas below the mean.",
    ),
    visit=14,
    facts=(),
)
FALLEN = Reason(
    name=Name.RUPTURE,
    look=Look.ASK,
    sentence="Fell from 8.5 to 4.8 (visit 13, lowest at visit 14) and has not come back yet.",
    inputs=("Rule: marked rupture, rule set v2; core score.", "It has come back when a rating is 2 above the lowest."),
    visit=14,
    facts=(),
)
MISSED = Reason(
    name=Name.MISSED,
    look=Look.WORTH,
    sentence="No answers from the last 2 visits (10 and 11).",
    inputs=("Rule: forms missed, rule set v2; core score.", "Missed forms are counted as gaps, never as low ratings."),
    visit=11,
    facts=(),
)
WHO_LOOKS = {"questions": talk_words().questions, "user": USER, "zone": SITE.time_zone, "today": TODAY}
TALK = Talk(
    reasons=tuple(reason_row(each, key=each.name.name, answered=None, **WHO_LOOKS) for each in (LOW, FALLEN)),
    quiet=(
        reason_row(
            MISSED,
            key="missed",
            answered=Answered(answer=Answer.TALKED, by=USER, at=NOW - timedelta(hours=2)),
            **WHO_LOOKS,
        ),
    ),
    agreed=agreed_part(
        (
            Agreement(key="b", choice="us", text="Talk about the two of us", visit="Encounter/v14", at=NOW),
            Agreement(
                key="a", choice="pace", text="Change the pace", visit="Encounter/v13", at=NOW - timedelta(days=7)
            ),
        ),
        visit="Encounter/v14",
        choices=talk_words().agreements,
        zone=SITE.time_zone,
        today=TODAY,
    ),
    as_given=talk_words().questions[AS_GIVEN],
)
