"""The words of an instrument in one language, and the right to use them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

# Where a heading names the day of the visit.
DAY = "{day}"


class Rater(StrEnum):
    """Whose view a form asks for; a series never mixes raters."""

    PATIENT = "patient"
    THERAPIST = "therapist"


@dataclass(frozen=True, kw_only=True)
class Licence:
    """Who holds the wording; `wording` says whether it may be shipped, `terms` what a site does to get it."""

    id: str
    holder: str
    wording: str
    terms: str

    @property
    def restricted(self) -> bool:
        """Whether the words have to come from the site."""
        return self.wording in ("restricted-pack", "site-supplied")


@dataclass(frozen=True, kw_only=True)
class LicenceRecord:
    """What a site was allowed, by whom and until when; `expires` None is without end, `modes` are screen and paper."""

    holder: str
    reference: str
    expires: date | None
    modes: frozenset[str]
    translation_source: str
    item_text_in_ehr: bool


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The words of one version in one language; a site's own words come with the record of their licence.

    `headings` may hold `{day}` (the visit's, with its preposition) and `{patient}`; `item_anchors` are the two ends of
    items that have others than the rest.
    """

    language: str
    author: str
    method: str
    reviewed_by: str
    title: str
    caveat: str
    copyright: str
    anchors: tuple[str, str]
    sections: Mapping[str, str]
    forms: Mapping[str, str]
    raters: Mapping[Rater, str]
    instructions: Mapping[Rater, str]
    items: Mapping[str, Mapping[Rater, str]]
    options: Mapping[str, str]
    scores: Mapping[str, str]
    headings: Mapping[Rater, str]
    item_anchors: Mapping[str, tuple[str, str]]
    record: LicenceRecord | None = None

    @property
    def text_in_ehr(self) -> bool:
        """Whether the words of items and answers may be written to the EHR; codes and scores always may."""
        return self.record is None or self.record.item_text_in_ehr

    def heading(self, rater: Rater) -> str:
        """Return what stands above the questions; the title where nothing else does."""
        return self.headings.get(rater, self.title)

    def about_visit(self, rater: Rater) -> bool:
        """Whether the questions are about one visit, whose day the heading names."""
        return DAY in self.heading(rater)

    def anchors_of(self, link_id: str) -> tuple[str, str]:
        """Return what the two ends of an item's answers mean."""
        return self.item_anchors.get(link_id, self.anchors)

    def option(self, code: str) -> str:
        """Return an option in words; a number is its own word."""
        return self.options.get(code, code)
