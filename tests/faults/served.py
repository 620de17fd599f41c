"""A form that is filled in and sent through the real process that serves pages."""

from smart_app.demo.browser import Page
from tests.web.house import CORE, Clinic, Person

from .bench import Bench


def at_review(bench: Bench) -> tuple[Person, Page]:
    """Let a patient fill a form in; returns the browser at the last page before sending."""
    person, form = Clinic(bench.site).handed()
    return person, person.submit(form, form.form("/form"), **CORE, action="review")


def send(person: Person, review: Page) -> Page:
    """Press Send; the page stays where it is when that fails."""
    return person.submit(review, review.form("/send"))


def key_of(receipt: Page) -> str:
    """Return the key of a submission from its receipt's address."""
    return receipt.url.rpartition("/")[2]
