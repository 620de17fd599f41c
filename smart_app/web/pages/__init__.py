"""Page values: frozen objects that hold exactly what a page shows, for the template of the same name."""

from smart_app.web.pages.alerts import AlertBox, alert_box
from smart_app.web.pages.audience import audience_text
from smart_app.web.pages.chart import ChartPage, SentHere, chart_page
from smart_app.web.pages.delivery import DeliveryPage, delivery_page
from smart_app.web.pages.form import FormPage, form_page, read_answers
from smart_app.web.pages.frame import Frame, clinician_frame, patient_frame
from smart_app.web.pages.handover import (
    AskedPage,
    ConfirmPage,
    EnterCodePage,
    HandoverPage,
    ProxyPage,
    StartPage,
    confirm_page,
    handover_page,
)
from smart_app.web.pages.home import HomePage, SentForm, Waiting, home_page
from smart_app.web.pages.message import Action, GoOnPage, MessagePage, NewWindowPage, closed_page, error_page
from smart_app.web.pages.portals import Portal, PortalsPage
from smart_app.web.pages.review import ReceiptPage, ReceiptState, ReviewPage, answer_rows, review_page
from smart_app.web.pages.taking_back import TakeBackPage, take_back_page
from smart_app.web.pages.visits import VisitsPage, visits_page

__all__ = [
    "Action",
    "AlertBox",
    "AskedPage",
    "ChartPage",
    "ConfirmPage",
    "DeliveryPage",
    "EnterCodePage",
    "FormPage",
    "Frame",
    "GoOnPage",
    "HandoverPage",
    "HomePage",
    "MessagePage",
    "NewWindowPage",
    "Portal",
    "PortalsPage",
    "ProxyPage",
    "ReceiptPage",
    "ReceiptState",
    "ReviewPage",
    "SentForm",
    "SentHere",
    "StartPage",
    "TakeBackPage",
    "VisitsPage",
    "Waiting",
    "alert_box",
    "answer_rows",
    "audience_text",
    "chart_page",
    "clinician_frame",
    "closed_page",
    "confirm_page",
    "delivery_page",
    "error_page",
    "form_page",
    "handover_page",
    "home_page",
    "patient_frame",
    "read_answers",
    "review_page",
    "take_back_page",
    "visits_page",
]
