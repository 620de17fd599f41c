"""The narrative of a resource is harmless XHTML with something to read (FHIR R4, txt-1 and txt-2)."""

from typing import Any
from xml.etree import ElementTree as ET

_XHTML = "{http://www.w3.org/1999/xhtml}"
_ACTIVE = frozenset(
    {"script", "form", "input", "button", "object", "embed", "iframe", "frame", "base", "link", "style", "head", "body"}
)


def narrative_fault(value: Any) -> tuple[str, str] | None:
    """Return the rule and sentence of what is wrong with a Narrative, or None."""
    div = value.get("div") if isinstance(value, dict) else None
    if not isinstance(div, str):
        return None
    if "<!" in div.replace("<!--", ""):
        return "txt-1", "The narrative declares a document type or entities."
    try:
        root = ET.fromstring(div)  # noqa: S314 entities need a declaration, and that was refused
    except ET.ParseError:
        return "txt-1", "The narrative is not well-formed XHTML."
    if root.tag != f"{_XHTML}div":
        return "txt-1", "The narrative is not a div of XHTML."
    if any(_is_active(each) for each in root.iter()):
        return "txt-1", "The narrative holds something active, such as a script, a form or an event."
    if not "".join(root.itertext()).strip() and root.find(f".//{_XHTML}img") is None:
        return "txt-2", "The narrative has nothing to read."
    return None


def _is_active(element: ET.Element) -> bool:
    names = (name.lower() for name in element.attrib)
    tag = element.tag if isinstance(element.tag, str) else ""
    return tag.removeprefix(_XHTML).lower() in _ACTIVE or any(name.startswith("on") for name in names)
