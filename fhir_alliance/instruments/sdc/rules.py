"""The rules that a file must keep before its questions are read: its shape, its extensions, its linkIds."""

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from fhir_alliance.instruments.sdc import elements
from fhir_alliance.instruments.sdc.elements import Element, Report
from fhir_alliance.strict_json import strict_json
from fhir_alliance.terms import CANONICAL_BASE, FHIR_EXTENSION, SDC

MAX_QUESTIONS = 90
MAX_TEXT = 4000

# What is used, and what says nothing that would have to be.
_KNOWN = frozenset(
    {
        elements.CALCULATED,
        elements.VARIABLE,
        elements.HIDDEN,
        elements.CONTROL,
        elements.LEAST,
        elements.MOST,
        elements.PLACES,
        elements.STEP,
        elements.ORDINAL,
        elements.WEIGHT,
        elements.COPYRIGHT_LABEL,
        f"{FHIR_EXTENSION}/questionnaire-choiceOrientation",
        f"{FHIR_EXTENSION}/artifact-versionAlgorithm",
    }
)
# What would change which answers are right, or whether a question is asked: ignoring it would be wrong.
_NEEDED = frozenset(
    {
        f"{SDC}/sdc-questionnaire-enableWhenExpression",
        f"{SDC}/sdc-questionnaire-answerExpression",
        f"{SDC}/sdc-questionnaire-answerOptionsToggleExpression",
        f"{FHIR_EXTENSION}/questionnaire-constraint",
        f"{FHIR_EXTENSION}/targetConstraint",
        f"{FHIR_EXTENSION}/regex",
        f"{FHIR_EXTENSION}/minLength",
    }
)
_URL = re.compile(r"(https?://|urn:)[^\s|#?&<>\"]+\Z")
_VERSION = re.compile(r"[A-Za-z0-9._+-]+\Z")
_CRITICAL = f"{SDC}/sdc-rendering-criticalExtension"


def read_json(data: bytes, report: Report) -> Element | None:
    """Return a file's Questionnaire when it has the shape of one (FHIR R4), None with the faults noted otherwise."""
    whole = Element({}, "", "", report)
    try:
        found = strict_json(data.decode("utf-8").encode(), decimals=Decimal)
    except UnicodeDecodeError:
        whole.fault("the file is not UTF-8")
        return None
    except ValueError as error:
        whole.fault(f"the file is not JSON as we accept it: {error}")
        return None
    if not isinstance(found, dict) or found.get("resourceType") != "Questionnaire":
        whole.fault("is not Questionnaire", "resourceType")
        return None
    for path, reason in _shape_faults(found):
        whole.fault(reason, path)
    return None if report.faults else Element(found, "", "", report)


def _shape_faults(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield where the JSON has not the shape that FHIR R4 gives a Questionnaire; R4B is the same here."""
    # Only a site with forms of its own pays for the models.
    from fhir.resources.R4B.questionnaire import Questionnaire
    from pydantic import ValidationError

    try:
        Questionnaire.model_validate(found)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            yield _as_path(each["loc"]), each["msg"]
    yield from ((path, "null stands for no value in FHIR") for path, value in _walk(found, "") if value is None)


def _as_path(parts: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def check_whole(whole: Element) -> None:
    """Note what breaks the rules of R4 and SDC on the whole: Q04, que-2, and what may not be ignored."""
    _check_names(whole)
    _check_items(whole)
    ignored: Counter[str] = Counter()
    for path, value in _walk(whole.json, ""):
        if isinstance(value, str) and len(value) > _MAX_STRING:
            whole.fault(f"is longer than {_MAX_STRING} characters", path)
        if isinstance(value, dict):
            _check_modifiers(whole, path, value)
            ignored.update(_check_extensions(whole, path, value))
    for url, times in sorted(ignored.items()):
        whole.remark(f"the extension {url} is ignored ({times}×)")


def _check_names(whole: Element) -> None:
    for name in ("url", "version", "title"):
        if not whole.text(name):
            whole.fault("is missing", name)
    url, version = whole.text("url"), whole.text("version")
    if url and not _URL.match(url):
        whole.fault("is no address such as https://clinic.example.org/fhir/Questionnaire/name (Q04)", "url")
    if version and not _VERSION.match(version):
        whole.fault("has other signs than letters, digits, and . _ + -", "version")
    if url.startswith(CANONICAL_BASE):
        whole.fault("is one of FHIR Alliance's own: give your form a url of your own", "url")
    if whole.text("status") not in ("draft", "active", "retired"):
        whole.fault("is none of draft, active, retired", "status")
    if whole.json.get("subjectType", ["Patient"]) != ["Patient"]:
        whole.fault("must be Patient", "subjectType")


def _check_items(whole: Element) -> None:
    if not whole.json.get("item"):
        whole.fault("has no questions", "item")
    items = [item for top in whole.children("item") for item in top.everything()]
    for link_id, times in Counter(item.link_id for item in items).items():
        if times > 1:
            whole.fault(f"the linkId {link_id!r} occurs {times} times (que-2)", "item")
        if len(link_id) > 255:
            whole.fault(f"the linkId {link_id[:20]!r}… is longer than 255 characters", "item")
    if sum(item.text("type") not in ("group", "display") for item in items) > MAX_QUESTIONS:
        whole.fault(f"asks more than {MAX_QUESTIONS} questions", "item")


def _check_modifiers(whole: Element, path: str, value: dict[str, Any]) -> None:
    """Refuse what turns the meaning of its element, unless it only says that an extension used here is needed."""
    for extension in value.get("modifierExtension", ()):
        if extension["url"] != _CRITICAL or str(extension.get("valueUri")) not in _KNOWN:
            whole.fault(f"the modifier extension {extension['url']} cannot be honoured", path)


def _check_extensions(whole: Element, path: str, value: dict[str, Any]) -> Iterator[str]:
    """Yield the extensions of an element that are ignored; those inside another have names that are no address."""
    for extension in value.get("extension", ()):
        url = extension["url"]
        if url in _NEEDED:
            whole.fault(f"the extension {url} is not supported, and may not be ignored", path)
        elif url not in _KNOWN and "://" in url:
            yield url


# An expression is the longest text there is.
_MAX_STRING = 8192


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _walk(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _walk(child, f"{path}[{index}]")
