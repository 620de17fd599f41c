"""Every template in every state: what must be on each page, and what must never be."""

import gzip
import re
from html.parser import HTMLParser

import gallery
import pytest
from kind_samples import KIND_PAGES
from page_samples import SITE
from page_states import CLINICIAN_PAGES, EHR, PAGES, PATIENT_PAGES

# One TCP first flight is ten segments of 1460 bytes; the headers have at most 1500 bytes of it.
FIRST_FLIGHT = 14 * 1024
HEADERS = 1500


class Elements(HTMLParser):
    """Collects every start tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of a kind."""
        return [attributes for name, attributes in self.found if name == tag]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_its_frame(name: str) -> None:
    """Each page names its language and title, has one h1, one main, and a way to skip to it."""
    html = gallery.render(name)

    page = Elements(html)
    assert page.named("html") == [{"lang": "en", "dir": "ltr"}]
    assert [len(page.named(tag)) for tag in ("title", "h1", "header", "main", "footer")] == [1, 1, 1, 1, 1]
    assert page.named("a")[0] == {"class": "skip-link", "href": "#main"}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_needs_what_the_policy_forbids(name: str) -> None:
    """No style attribute, no handler in markup, no inline script, and the one style element carries the nonce."""
    page = Elements(gallery.render(name))

    attributes = {attribute for _, each in page.found for attribute in each}
    assert "style" not in attributes
    assert not {attribute for attribute in attributes if attribute.startswith("on")}
    assert page.named("style") == [{"nonce": "n0nce"}]
    assert page.named("script") == [{"defer": None, "src": "/static/app.js"}]


@pytest.mark.parametrize("name", PAGES)
def test_ids_are_unique_and_every_reference_finds_one(name: str) -> None:
    """Labels, descriptions and links inside a page lead somewhere."""
    page = Elements(gallery.render(name))

    ids = [str(each["id"]) for _, each in page.found if "id" in each]
    assert len(ids) == len(set(ids))
    wanted = {str(each[name]) for _, each in page.found for name in ("for", "aria-describedby") if name in each}
    wanted |= {str(each["href"])[1:] for each in page.named("a") if str(each["href"]).startswith("#")}
    assert {part for each in wanted for part in each.split()} <= set(ids)


@pytest.mark.parametrize("name", PAGES)
def test_every_form_that_posts_carries_the_csrf_token(name: str) -> None:
    """As many tokens as forms of ours: none can be posted from elsewhere, and the EHR is never told a token."""
    page = Elements(gallery.render(name))
    ours = [each for each in page.named("form") if each.get("action") != EHR]

    tokens = [each for each in page.named("input") if each.get("name") == "_csrf"]
    assert len(tokens) == len(ours)
    assert all(each["value"] == "c5rf" for each in tokens)


@pytest.mark.parametrize("name", PATIENT_PAGES)
def test_every_patient_page_says_where_help_is(name: str) -> None:
    """Who sees what is sent, the crisis line and somebody else to talk to are in every patient page's footer."""
    footer = gallery.render(name).partition("<footer>")[2]

    assert SITE.crisis_line in footer
    assert SITE.someone_else in footer
    assert "Nobody watches this page live. Your therapist can see what you send." in footer


@pytest.mark.parametrize("name", [name for name in PATIENT_PAGES if name.startswith("form")])
def test_help_and_audience_come_before_the_first_question(name: str) -> None:
    """Who will see the answers, and where help is, is read before anything is answered."""
    before = gallery.render(name).partition("<fieldset")[0]

    assert all(words in before for words in (SITE.crisis_line, SITE.someone_else, "Dr. Okafor will see your answers"))


@pytest.mark.parametrize("name", CLINICIAN_PAGES)
def test_every_clinician_page_names_the_patient(name: str) -> None:
    """Name, birth date and the end of the record number, or the EHR's, are there, so a wrong chart is noticed (S7)."""
    html = gallery.render(name)

    assert all(words in html for words in ("Thomas Reyes", "born 4 Mar 1988"))
    assert ("MRN …4821" in html) is not name.endswith("-short")


@pytest.mark.parametrize("name", ["closed", "start", "enter-code", "error", "new-window"])
def test_pages_for_nobody_in_particular_name_nobody(name: str) -> None:
    """What anyone may see next on this device holds no name, birth date or number."""
    html = gallery.render(name)

    assert not re.search("Maria|Thomas|Santos|Reyes|Okafor|1988|4821|March", html)


def test_the_confirming_page_shows_only_a_part_of_name_and_birth_date() -> None:
    """Somebody who got the wrong device learns no family name, year, therapist or visit."""
    html = gallery.render("confirm")

    assert "Maria S." in html
    assert "4 March" in html
    assert not re.search("Santos|1990|Okafor|Nov", html)


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith(("form", "home"))])
def test_the_first_question_comes_with_the_first_flight(name: str) -> None:
    """Headers and the whole gzipped form, stylesheet included, arrive before the first acknowledgement."""
    html = gallery.render(name).encode()

    assert len(gzip.compress(html, 9)) + HEADERS < FIRST_FLIGHT


def test_the_stylesheet_stays_small() -> None:
    """The hand-written stylesheet is under 6 KB gzipped."""
    style = (gallery.WEB / "templates" / "style.css").read_bytes()

    assert len(gzip.compress(style, 9)) < 6 * 1024


def test_nothing_is_marked_safe() -> None:
    """No template switches escaping off."""
    for template in (gallery.WEB / "templates").rglob("*.html"):
        assert not re.search(r"\|\s*safe|autoescape|Markup", template.read_text("utf-8")), template.name


def test_every_template_is_in_the_gallery() -> None:
    """A new template is looked at, crawled and checked like the others."""
    shown = {template for template, _ in PAGES.values()} | {
        "base.html",
        "_agreed.html",
        "_alerts.html",
        "_domains.html",
        "_items.html",
        "_parts.html",
        "_questions.html",
        "_reasons.html",
        "_strips.html",
        "_tablet.html",
        "_trend.html",
        "_window.html",
    }

    assert {path.name for path in (gallery.WEB / "templates").glob("*.html")} == shown


@pytest.mark.parametrize(
    "name", [name for name in PAGES if name.startswith(("form", "chart")) and name not in KIND_PAGES]
)
def test_an_unvalidated_instrument_says_so_where_it_is_shown(name: str) -> None:
    """Form and clinician view carry the caveat of the instrument."""
    assert "Unvalidated: no norms, no cut-offs" in gallery.render(name)


@pytest.mark.parametrize("name", CLINICIAN_PAGES)
def test_no_page_judges_anybody(name: str) -> None:
    """The words that would judge a person do not occur: the patient may read this too."""
    assert not re.search(r"\b(strained|poor|risk|talk now|anonymous|alarm)\b", gallery.render(name))
