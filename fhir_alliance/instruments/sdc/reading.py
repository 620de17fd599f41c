"""One file becomes an instrument with one form for the patient, or a list of everything that is wrong with it."""

import hashlib
import re
from collections.abc import Iterator

from fhir_alliance.instruments.consistency import ALL
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.layout import questions
from fhir_alliance.instruments.own import OwnCode, OwnForm, Variable
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.sdc.conditions import circles
from fhir_alliance.instruments.sdc.elements import CALCULATED, COPYRIGHT_LABEL, Element, Report
from fhir_alliance.instruments.sdc.questions import Questions
from fhir_alliance.instruments.sdc.rules import check_whole, read_json
from fhir_alliance.instruments.sdc.scores import read_code, read_scale, read_variables
from fhir_alliance.instruments.words import Licence, Rater, Wording

NOT_OURS = "Supplied by the clinic; its scores are as the clinic defines them, not checked by FHIR Alliance."
# Item 9 of the PHQ-9 asks about self-harm, and so does whatever has its code (S4).
_DANGER = ("http://loinc.org", "44260-8")


def read_own_form(name: str, data: bytes, report: Report, *, free_text: str) -> Instrument | None:
    """Return the instrument `name` of a file's bytes; None, with the faults noted in the report, when it has any.

    A text question is a fault unless `free_text` says who reads it and when; a form with one then says so. `report`
    also gets a remark for what of the file is not used.
    """
    whole = read_json(data, report)
    if whole is None:
        return None
    check_whole(whole)
    if report.faults:
        return None
    reader = Questions(whole, free_text=free_text)
    layout = tuple(reader.parts(whole))
    items = tuple(questions(layout))
    if not items:
        whole.fault("asks no question", "item")
    for link_id in circles(items):
        whole.fault(f"{link_id} is asked only because of itself (enableWhen)", "item")
    counted = tuple(item.link_id for item in items if item.scored) or tuple(item.link_id for item in items)
    scales, variables = _scores(whole, counted)
    codes = {"": read_code(whole, whole.text("title")), **_codes(whole, scales)}
    if len({code.code for code in codes.values()}) < len(codes):
        whole.fault("two of the form and its scores have one code: the chart could not tell them apart", "code")
    if report.faults:
        return None
    own = OwnForm(data=data, questionnaire=whole.json, codes=codes, variables=variables)
    form = Form(
        instrument_name=name,
        version=whole.text("version"),
        rater=Rater.PATIENT,
        form=ALL,
        layout=layout,
        scales=scales,
        own_url=whole.text("url"),
        own=own,
    )
    return _instrument(whole, form, items, reader, data)


def _scores(whole: Element, counted: tuple[str, ...]) -> tuple[tuple[Scale, ...], tuple[Variable, ...]]:
    scales: list[Scale] = []
    variables: list[Variable] = []

    def read(place: Element, scope: tuple[str, ...], known: frozenset[str]) -> None:
        found = tuple(read_variables(place, scope, known))
        variables.extend(found)
        inner = known | {each.name for each in found}
        if place.link_id and place.extensions(CALCULATED):
            scale = read_scale(place, scope, inner, counted)
            scales.extend([scale] if scale else [])
        for child in place.children("item"):
            read(child, (*scope, child.link_id), inner)

    read(whole, (), frozenset())
    return tuple(scales), tuple(variables)


def _codes(whole: Element, scales: tuple[Scale, ...]) -> dict[str, OwnCode]:
    places = {item.link_id: item for top in whole.children("item") for item in top.everything()}
    return {scale.name: read_code(places[scale.name], scale.title) for scale in scales}


def _instrument(whole: Element, form: Form, items: tuple[Item, ...], reader: Questions, data: bytes) -> Instrument:
    holder = whole.text("publisher") or "the clinic"
    return Instrument(
        name=form.instrument_name,
        version=form.version,
        title=whole.text("title"),
        status=whole.text("status"),
        date=whole.text("date"),
        validated=False,
        source=f"{form.canonical}, SHA-256 {hashlib.sha256(data).hexdigest()}",
        timing="",
        licence=Licence(
            id=str(whole.extension(COPYRIGHT_LABEL, "valueString") or "the clinic's own"),
            holder=holder,
            wording="own",
            terms="",
        ),
        evidence={},
        decimals=max((scale.decimals for scale in form.scales), default=0),
        items={item.link_id: item for item in items},
        scales=form.scales,
        forms=(form,),
        advice={},
        raw_facts=(),
        alert_items=tuple(_dangerous(whole)),
        wordings={_language(whole): _wording(whole, form, reader, holder)},
        digest=hashlib.sha256(data).hexdigest(),
    )


def _dangerous(whole: Element) -> Iterator[str]:
    for top in whole.children("item"):
        for item in top.everything():
            if any((code.text("system"), code.text("code")) == _DANGER for code in item.children("code")):
                yield item.link_id


def _language(whole: Element) -> str:
    """Return the language of a form without its region; forms that say none are English."""
    return re.split("[-_]", whole.text("language") or "en")[0]


def _wording(whole: Element, form: Form, reader: Questions, holder: str) -> Wording:
    words = reader.words
    return Wording(
        language=_language(whole),
        author=holder,
        method="original",
        reviewed_by=holder,
        title=whole.text("title"),
        caveat=NOT_OURS,
        copyright=whole.text("copyright"),
        anchors=("", ""),
        sections=words.sections,
        forms={ALL: whole.text("title")},
        raters={Rater.PATIENT: "patient"},
        instructions={Rater.PATIENT: reader.instruction},
        items={link_id: {Rater.PATIENT: text} for link_id, text in words.items.items()},
        options=reader.codes.words,
        scores={scale.name: scale.title for scale in form.scales},
        headings={},
        item_anchors=words.ends,
    )
