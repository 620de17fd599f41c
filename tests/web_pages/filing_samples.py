"""What is asked before the view is filed in the chart, and before such a page is taken back."""

from datetime import timedelta

from course_samples import TODAY
from page_samples import KEY, THOMAS_FRAME

from smart_app.web.pages import ReceiptState, TakeBackPage, take_back_page
from smart_app.web.pages.audience import chart_readers_text
from smart_app.web.pages.filing import FilingPage
from smart_app.web.pages.taking_back import BY_FILER
from smart_app.web.pages.words import day


def filing(*, changed: bool = False) -> FilingPage:
    """Return the question before a page is filed."""
    return FilingPage(
        frame=THOMAS_FRAME,
        instrument="Visit check-in",
        visits=12,
        first=day(TODAY - timedelta(days=91), today=TODAY),
        last=day(TODAY, today=TODAY),
        readers=chart_readers_text(None),
        digest="0" * 64,
        changed=changed,
    )


def take_back_filed() -> TakeBackPage:
    """Return the question before a filed page is taken back."""
    return take_back_page(
        THOMAS_FRAME,
        path=f"/sent/{KEY}/withdraw",
        form_title="A page of the view",
        on=day(TODAY, today=TODAY),
        state=ReceiptState.IN_CHART,
        causes=BY_FILER,
        filed=True,
    )
