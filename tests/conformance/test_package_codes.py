"""Every code of ours that a record can hold is defined in the package, once, with the words the record gives it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from fhir_alliance.conformance.codes import alliance_codes
from fhir_alliance.conformance.package import build_package
from fhir_alliance.instruments.catalogue import Catalogue, installed
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.readiness import State, readiness
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Scorer
from fhir_alliance.terms import CANONICAL_BASE

from .packed import TODAY, Files, files_of


@pytest.fixture(scope="module")
def files() -> Files:
    """Make the package of what ships, and read it."""
    return files_of(build_package(installed(None), today=TODAY))


def codings(value: Any) -> Iterator[dict[str, Any]]:
    """Walk every coding of a resource."""
    if isinstance(value, dict):
        if "system" in value and "code" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from codings(part)


READY = [
    (instrument, form)
    for instrument in installed(None).instruments
    if readiness(instrument, today=TODAY).state is State.READY
    for form in instrument.forms
]


@pytest.mark.parametrize(("instrument", "form"), READY, ids=lambda each: each.name)
@pytest.mark.parametrize("option", [0, -1], ids=["first", "last"])
def test_every_code_of_a_record_is_defined(
    files: Files, make_submission: Callable[..., Submission], instrument: Instrument, form: Form, option: int
) -> None:
    """Whatever a form writes: each coding in a system of ours is in the package, with the same words."""
    given = {item.link_id: item.options[option].code for item in form.items}
    submission = make_submission(
        given, instrument=instrument, rater=form.rater, form=form.form, scores=Scorer(form).score(Answers(given=given))
    )
    defined = {
        (system["url"], concept["code"]): concept["display"]
        for system in files.values()
        if system.get("resourceType") == "CodeSystem"
        for concept in system["concept"]
    }

    written = [each for each in codings(write_bundle(submission)) if each["system"].startswith(CANONICAL_BASE)]

    assert {each["system"] for each in written} == {instrument.answers_system, f"{CANONICAL_BASE}/CodeSystem/alliance"}
    assert {(each["system"], each["code"]): each["display"] for each in written}.items() <= defined.items()


def test_code_systems_are_complete_and_unambiguous(files: Files) -> None:
    """No code stands twice, the count is right, and codes of drafts are not there."""
    systems = [each for each in files.values() if each.get("resourceType") == "CodeSystem"]
    drafts = {each.name for each in installed(None).instruments if each.status == State.DRAFT}

    assert len(systems) > 1
    for each in systems:
        codes = [concept["code"] for concept in each["concept"]]
        assert len(codes) == len(set(codes)) == each["count"]
        assert not drafts & set(codes)


def test_value_sets_hold_what_is_defined(files: Files) -> None:
    """A value set names its code system with its version, and only codes that are in it."""
    systems = {each["url"]: each for each in files.values() if each.get("resourceType") == "CodeSystem"}
    value_sets = [each for each in files.values() if each.get("resourceType") == "ValueSet"]

    assert {each["id"] for each in value_sets} >= {"alliance-panels", "alliance-scores", "alliance-methods"}
    for each in value_sets:
        (include,) = each["compose"]["include"]
        system = systems[include["system"]]
        assert include["version"] == system["version"]
        known = {concept["code"]: concept["display"] for concept in system["concept"]}
        assert {code["code"]: code["display"] for code in include.get("concept", [])}.items() <= known.items()


def test_reviewed_translations_are_designations(check_in: Instrument) -> None:
    """A code is said in another language once a named person has reviewed it."""
    reviewed = replace(check_in.wordings["de"], reviewed_by="A. Reviewer")
    instrument = replace(check_in, wordings={**check_in.wordings, "de": reviewed})
    files = files_of(build_package(Catalogue(instruments=(instrument,), faults=()), today=TODAY))

    concepts = {each["code"]: each for each in files["package/CodeSystem-alliance.json"]["concept"]}
    answers = {each["code"]: each for each in files["package/CodeSystem-visit-check-in-answers.json"]["concept"]}

    assert [each["language"] for each in concepts["visit-check-in-core"]["designation"]] == ["de"]
    assert answers["a-little"]["designation"] == [{"language": "de", "value": reviewed.option("a-little")}]


def test_the_newest_version_words_a_code(check_in: Instrument) -> None:
    """Versions share the codes of panel and scores; each has a method of its own, and the older one is retired."""
    older = replace(check_in, version="1.9.0", status="retired")
    newer = replace(check_in, version="1.10.0")

    found = {each.code: each for each in alliance_codes([newer, older])}

    assert (found["visit-check-in-core"].status, found["visit-check-in-1.10.0"].status) == ("active", "active")
    assert found["visit-check-in-1.9.0"].status == "retired"
