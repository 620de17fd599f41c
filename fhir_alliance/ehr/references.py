"""References as the rest of the app compares them: relative, wherever an EHR writes its own address in front."""

from typing import Any


def relative(value: Any, base: str) -> Any:
    """Return JSON whose `reference` members to the server at `base` are relative; all others stay as they are.

    FHIR R4 (references, 2.3.0.1) lets a server answer with either form.
    """
    if isinstance(value, dict):
        return {name: _own(part, base) if name == "reference" else relative(part, base) for name, part in value.items()}
    if isinstance(value, list):
        return [relative(part, base) for part in value]
    return value


def _own(reference: Any, base: str) -> Any:
    return reference.removeprefix(f"{base}/") if isinstance(reference, str) else relative(reference, base)
