"""Every page in every state, by name: the template and its value."""

from datetime import timedelta

from course_samples import COURSE, HUNDREDS, LONG_COURSE, NOW, TODAY, visit
from delivery_samples import FORM_TITLE, OUTBOX, OUTBOX_NONE, REFUSED, SENT, WITHDRAWN, item_of
from figure_samples import FIGURES_NONE, FIGURES_PAGE
from filing_samples import filing, take_back_filed
from home_samples import SENT_AT_HOME, home
from kind_samples import KIND_PAGES
from link_samples import LINK_ROWS, OFFERS, made
from mine_samples import OWN_PATIENTS, mine
from page_samples import (
    ALERTS,
    FILLED,
    MARIA,
    MODULES,
    NOBODY,
    PATIENT_FRAME,
    PROBLEM,
    RECEIPT_PATH,
    SENT_HERE,
    SHORT_FRAME,
    THOMAS_FRAME,
    UNTIL,
    companions,
    due,
    patient_form,
    patient_review,
    receipt,
    take_back,
    therapist_form,
    thomas_chart,
    thomas_elsewhere,
    thomas_together,
)
from talk_samples import TALK
from typical import COURSES, typical

from fhir_alliance.errors import EhrUnreachable, HandoverError
from fhir_alliance.instruments.words import Rater
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.settings import Where
from fhir_alliance.visits.due import Pause
from fhir_alliance.visits.wishes import NO_WISH, Wish
from smart_app.web.pages import (
    Action,
    AskedPage,
    EnterCodePage,
    GoOnPage,
    MessagePage,
    NewWindowPage,
    Portal,
    PortalsPage,
    ProxyPage,
    ReceiptState,
    StartPage,
    closed_page,
    confirm_page,
    delivery_page,
    error_page,
    handover_page,
    home_page,
    visits_page,
)
from smart_app.web.pages.ages import age_words
from smart_app.web.pages.kiosk import KioskPage
from smart_app.web.pages.links import LinksPage, LinkStartPage, Typed, mismatch_words
from smart_app.web.pages.notes import part_notes
from smart_app.web.pages.wishes import wishes_page
from smart_app.web.young import RoomOnly

# Where the one form posts to that is not for us.
EHR = "/ehr/authorize"

PORTALS = [
    Portal(url="/start/harbor", name="Harbor Counseling Center", details=("Harbor EHR", "MyHarbor", "Portland, ME")),
    Portal(url="/start/lake", name="Lakeside Family Practice and Behavioral Health", details=("Lake EHR",)),
    Portal(url="/start/north", name="Northern Clinic"),
]

FIRST_LINE = "Last answer (Thu 12 Nov): 4.8. Thomas rated the last 2 visits below the usual 7.2 to 8.6 (visits 1 to 5)."

# name -> (template, page): what the patient, or nobody in particular, sees.
PATIENT_PAGES = {
    "form-core": ("form.html", patient_form("core", Answers())),
    "form-full": ("form.html", patient_form("full", Answers())),
    "form-filled": ("form.html", patient_form("core", FILLED)),
    "form-problems": ("form.html", patient_form("core", FILLED, {"3": PROBLEM, "harder": PROBLEM})),
    "review": ("review.html", patient_review(FILLED)),
    "review-empty": ("review.html", patient_review(Answers())),
    "receipt-received": ("receipt.html", receipt(ReceiptState.RECEIVED)),
    "receipt-in-chart": ("receipt.html", receipt(ReceiptState.IN_CHART)),
    "receipt-held": ("receipt.html", receipt(ReceiptState.HELD)),
    "receipt-in-review": ("receipt.html", receipt(ReceiptState.IN_REVIEW)),
    "receipt-noted": ("receipt.html", receipt(ReceiptState.NOTED)),
    "receipt-kept": ("receipt.html", receipt(ReceiptState.KEPT)),
    "receipt-handover": ("receipt.html", receipt(ReceiptState.RECEIVED, handover=True, change_until=UNTIL)),
    "receipt-alert": ("receipt.html", receipt(ReceiptState.RECEIVED, handover=True, repeats_help=True)),
    "receipt-declined": ("receipt.html", receipt(ReceiptState.RECEIVED, declined=True)),
    "receipt-open": ("receipt.html", receipt(ReceiptState.IN_CHART, can_change=True, change_until=UNTIL)),
    "receipt-over": ("receipt.html", receipt(ReceiptState.IN_CHART, change_until="Tue 10 Nov, 3:42 pm")),
    "receipt-changed": (
        "receipt.html",
        receipt(ReceiptState.CHANGE_HELD, changed=True, can_change=True, change_until=UNTIL),
    ),
    "receipt-taking-back": ("receipt.html", receipt(ReceiptState.TAKING_BACK)),
    "receipt-taken-back": ("receipt.html", receipt(ReceiptState.TAKEN_BACK)),
    "receipt-never-sent": ("receipt.html", receipt(ReceiptState.NEVER_SENT)),
    "change-form": ("form.html", patient_form("core", FILLED, changes=RECEIPT_PATH)),
    "change-review": ("review.html", patient_review(FILLED, changes=RECEIPT_PATH)),
    "take-back": ("take_back.html", take_back()),
    "confirm": ("confirm.html", confirm_page(NOBODY, MARIA)),
    "proxy": ("proxy.html", ProxyPage(frame=NOBODY, patient="Maria")),
    "proxy-not-beside": ("proxy.html", ProxyPage(frame=NOBODY, patient="Maria", beside=False)),
    "room-only": ("message.html", error_page(RoomOnly(), frame=NOBODY, reference="3f9c1a")),
    "confirm-at-home": ("confirm.html", confirm_page(NOBODY, MARIA, at_home=True)),
    "start": ("start.html", StartPage(frame=NOBODY, action="/h/abc")),
    "enter-code": ("enter_code.html", EnterCodePage(frame=NOBODY)),
    "enter-code-problem": (
        "enter_code.html",
        EnterCodePage(frame=NOBODY, problem="This code does not work. Please ask for a new one."),
    ),
    "home": ("home.html", home(declined=True)),
    "home-begun": ("home.html", home(begun=3)),
    "home-none": ("home.html", home_page(PATIENT_FRAME, [], sent=SENT_AT_HOME, today=TODAY)),
    "home-new": (
        "home.html",
        home_page(PATIENT_FRAME, [], today=TODAY, notice="Thank you. Nothing was sent, and your care does not change."),
    ),
    "link-start": ("link_start.html", LinkStartPage(frame=NOBODY, action="/link/abc", until=UNTIL)),
    "link-start-problem": (
        "link_start.html",
        LinkStartPage(
            frame=NOBODY,
            action="/link/abc",
            until=UNTIL,
            typed=Typed("4", "3", "1989"),
            problem=mismatch_words(2),
        ),
    ),
    "tablet-waiting": ("kiosk.html", KioskPage(frame=NOBODY, registered=True)),
    "tablet-problem": ("kiosk.html", KioskPage(frame=NOBODY, registered=True, problem=HandoverError.sentence)),
    "tablet-new": ("kiosk.html", KioskPage(frame=NOBODY, registered=False)),
    "tablet-confirm": ("confirm.html", confirm_page(NOBODY, MARIA)),
    "tablet-form": ("form.html", patient_form("core", Answers())),
    "tablet-receipt": ("receipt.html", receipt(ReceiptState.RECEIVED, handover=True, frame=NOBODY)),
    "tablet-closed": ("message.html", closed_page(PATIENT_FRAME)),
    "visits": ("visits.html", visits_page(PATIENT_FRAME, [visit(5, days_ago=7), visit(6, days_ago=0)], today=TODAY)),
    "visits-none": ("visits.html", visits_page(PATIENT_FRAME, [], today=TODAY)),
    "error": (
        "message.html",
        error_page(EhrUnreachable(), frame=NOBODY, reference="3f9c1a", action=Action(label="Try again", url="/")),
    ),
    "error-post": (
        "message.html",
        MessagePage(
            frame=PATIENT_FRAME,
            heading="Not saved yet",
            sentence="Please press Send again in a minute.",
            safe="Your answers are kept.",
            action=Action(label="Send again", url="/l/abc/send", post=True),
        ),
    ),
    "closed": ("message.html", closed_page(PATIENT_FRAME)),
    "go-on": (
        "go_on.html",
        GoOnPage(frame=NOBODY, ehr="Harbor EHR", endpoint=EHR, fields={"scope": "openid fhirUser"}),
    ),
    "new-window": ("new_window.html", NewWindowPage(frame=NOBODY, url="/launch/again")),
    "portals": ("portals.html", PortalsPage(frame=NOBODY, code_url="/handover/", portals=PORTALS)),
    "portals-none": ("portals.html", PortalsPage(frame=NOBODY, code_url="/handover/", portals=())),
    "front": (
        "message.html",
        MessagePage(
            frame=NOBODY,
            heading="How was your visit?",
            sentence="This page is opened from the health record, or with a code from your therapist.",
            action=Action(label="I have a code", url="/handover/"),
            other=Action(label="Sign in at my portal", url="/start"),
        ),
    ),
    "new-window-wanted": ("new_window.html", NewWindowPage(frame=NOBODY, url="/launch/again", blocked=False)),
}

CLINICIAN_PAGES = {
    "chart": (
        "chart.html",
        thomas_chart(
            COURSE,
            FIRST_LINE,
            companions=companions(),
        ),
    ),
    "chart-corrected": ("chart.html", thomas_chart(COURSE, FIRST_LINE, amended=(9, 13))),
    "chart-reasons": ("chart.html", thomas_chart(COURSE, FIRST_LINE, talk=TALK)),
    "together": ("together.html", thomas_together(COURSE, TALK.agreed.before)),
    "together-none": ("together.html", thomas_together({})),
    "others": ("others.html", thomas_elsewhere(COURSE)),
    "others-none": ("others.html", thomas_elsewhere({}, nobody=True)),
    "chart-elsewhere": ("chart.html", thomas_chart(COURSE, "Last answer (Thu 12 Nov): 4.8.", elsewhere=True)),
    "together-incomplete": ("together.html", thomas_together(COURSE, complete=False)),
    "chart-alert": ("chart.html", thomas_chart(COURSE, "Last answer (Thu 12 Nov): 4.8.", alerts=ALERTS)),
    "chart-due": (
        "chart.html",
        thomas_chart(COURSE, "Last answer (Thu 12 Nov): 4.8.", due=[due(Rater.PATIENT, "full"), due(Rater.THERAPIST)]),
    ),
    "chart-blind": (
        "chart.html",
        thomas_chart(COURSE, "Last answer (Thu 5 Nov): 5.8.", visits=13, blind=True, can_link=True),
    ),
    "links": (
        "links.html",
        LinksPage(frame=THOMAS_FRAME, offers=OFFERS, passes_on=True, hours=48, rows=LINK_ROWS),
    ),
    "links-none": (
        "links.html",
        LinksPage(frame=THOMAS_FRAME, offers=OFFERS, passes_on=False, hours=48, rows=()),
    ),
    "links-room-first": (
        "links.html",
        LinksPage(
            frame=THOMAS_FRAME,
            offers=OFFERS,
            passes_on=True,
            hours=48,
            rows=LINK_ROWS[:1],
            at_age=age_words(Where.ROOM_FIRST),
        ),
    ),
    "chart-room-first": (
        "chart.html",
        thomas_chart(COURSE, FIRST_LINE, due=[due(Rater.PATIENT)], can_link=True, at_age=age_words(Where.ROOM_FIRST)),
    ),
    "chart-room-only": ("chart.html", thomas_chart(COURSE, FIRST_LINE, at_age=age_words(Where.ROOM_ONLY))),
    "link-made": ("link_made.html", made(passed_on=None)),
    "link-made-sent": ("link_made.html", made(passed_on=True)),
    "link-made-not-sent": ("link_made.html", made(passed_on=False)),
    "chart-none": ("chart.html", thomas_chart(COURSE, "No answers yet.", visits=0)),
    "chart-two": (
        "chart.html",
        thomas_chart(
            COURSE, "Last answer (Thu 20 Aug): 7.8. Two answered visits so far. A usual range needs four.", visits=2
        ),
    ),
    "chart-incomplete": (
        "chart.html",
        thomas_chart(
            COURSE,
            "Last answer (Thu 8 Oct): 8.5.",
            visits=9,
            complete=False,
            held=("it goes in the next time the app is opened for this patient",),
            can_hand_over=False,
            can_rate=False,
        ),
    ),
    "chart-last-year": (
        "chart.html",
        thomas_chart(
            COURSE,
            "Last answer (Thu 12 Nov): 4.8.",
            usual=None,
            whole=False,
            numbered=False,
            told=part_notes(True, TODAY - timedelta(days=365), numbered=False, today=TODAY),
        ),
    ),
    "chart-sent": ("chart.html", thomas_chart(COURSE, "Last answer (Thu 12 Nov): 4.8.", sent=SENT_HERE)),
    "withdraw": ("take_back.html", take_back(clinician=True)),
    "withdraw-filed": ("take_back.html", take_back_filed()),
    "filing": ("filing.html", filing()),
    "filing-changed": ("filing.html", filing(changed=True)),
    "chart-to-file": ("chart.html", thomas_chart(COURSE, FIRST_LINE, can_file=True)),
    "withdraw-problem": ("take_back.html", take_back(clinician=True, problem="Please choose a reason.")),
    "chart-long": ("chart.html", thomas_chart(LONG_COURSE, "Last answer (Thu 12 Nov): 6.3.", visits=30)),
    "chart-hundreds": ("chart.html", thomas_chart(HUNDREDS, "Last answer (Thu 12 Nov): 6.3.", visits=300)),
    "chart-all": ("chart.html", thomas_chart(HUNDREDS, "Last answer (Thu 12 Nov): 6.3.", visits=300, last="all")),
    "chart-last-6": (
        "chart.html",
        thomas_chart(COURSE, "Last answer (Thu 12 Nov): 4.8.", last="6", companions=companions()),
    ),
    "form-therapist": ("form.html", therapist_form()),
    "receipt-therapist": ("receipt.html", receipt(ReceiptState.RECEIVED, declined=False, frame=THOMAS_FRAME)),
    "receipt-own": ("receipt.html", receipt(ReceiptState.OWN, frame=THOMAS_FRAME)),
    "asked": (
        "asked.html",
        AskedPage(frame=THOMAS_FRAME, form="core", form_title="Visit check-in, short form"),
    ),
    "asked-short": (
        "asked.html",
        AskedPage(frame=SHORT_FRAME, form="core", form_title="Visit check-in, short form"),
    ),
    "wishes": (
        "wishes.html",
        wishes_page(
            THOMAS_FRAME,
            Wish(pause=Pause(first=TODAY, last=TODAY + timedelta(days=21)), schedule="group"),
            schedules=["group", "intake"],
            forms={"https://x/core": "Visit check-in, short form", "https://x/gad-7": "GAD-7"},
            declined=True,
            reminds=True,
            first=TODAY,
            last=TODAY + timedelta(days=365),
            pausing=False,
        ),
    ),
    "wishes-no-day": (
        "wishes.html",
        wishes_page(
            THOMAS_FRAME,
            NO_WISH,
            schedules=(),
            forms={},
            declined=False,
            reminds=False,
            first=TODAY,
            last=TODAY + timedelta(days=365),
            pausing=True,
        ),
    ),
    "delivery": (
        "delivery.html",
        delivery_page(
            THOMAS_FRAME,
            SENT,
            title=FORM_TITLE,
            days=30,
            today=TODAY,
            still_open={each.key for each in SENT},
        ),
    ),
    "delivery-others": (
        "delivery.html",
        delivery_page(THOMAS_FRAME, SENT[3:4], title=FORM_TITLE, days=30, today=TODAY, refused=REFUSED),
    ),
    "delivery-withdrawn": (
        "delivery.html",
        delivery_page(THOMAS_FRAME, WITHDRAWN, title=FORM_TITLE, days=30, today=TODAY),
    ),
    "delivery-none": ("delivery.html", delivery_page(THOMAS_FRAME, (), title=FORM_TITLE, days=30, today=TODAY)),
    "mine": ("mine.html", mine(*OWN_PATIENTS)),
    "mine-none": ("mine.html", mine()),
    "mine-unknown": ("mine.html", mine(known=False)),
    "handover": (
        "handover.html",
        handover_page(
            frame=THOMAS_FRAME,
            form_title="Visit check-in, short form",
            url="http://localhost:8081/h/abc",
            enter_at="localhost:8081/handover",
            short_code="K7M4QX",
            modules=MODULES,
            expires_at=NOW + timedelta(minutes=15),
            now=NOW,
        ),
    ),
}

ADMIN_PAGES = {
    "admin-enter": (
        "admin_message.html",
        MessagePage(
            frame=NOBODY,
            heading="Delivery, for administrators",
            sentence="This link works once. What you do here is written down with the name it was made for.",
            action=Action(label="Sign in", url="/admin/enter/abc", post=True),
        ),
    ),
    "figures": ("figures.html", FIGURES_PAGE),
    "figures-none": ("figures.html", FIGURES_NONE),
    "outbox": ("outbox.html", OUTBOX),
    "outbox-none": ("outbox.html", OUTBOX_NONE),
    "outbox-retry": ("outbox_item.html", item_of(1)),
    "outbox-release": ("outbox_item.html", item_of(2)),
    "outbox-moved": ("outbox_item.html", item_of(6)),
}

CLINICIAN_PAGES |= {f"course-{name}": ("chart.html", typical(name)) for name in COURSES}
PATIENT_PAGES |= KIND_PAGES
PAGES = PATIENT_PAGES | CLINICIAN_PAGES | ADMIN_PAGES
