"""A FHIR package read again, and the words a site might add to it."""

import io
import json
import tarfile
from datetime import date
from typing import Any

from fhir_alliance.conformance.package import Package

TODAY = date(2026, 11, 24)
Files = dict[str, Any]


def files_of(package: Package) -> Files:
    """Return the content of every file of a package by its path."""
    with tarfile.open(fileobj=io.BytesIO(package.data), mode="r:gz") as archive:
        names = archive.getnames()
        assert names == sorted(set(names))
        return {name: json.loads(archive.extractfile(name).read()) for name in names}  # type: ignore[union-attr]


def resources_of(files: Files) -> list[dict[str, Any]]:
    """Return all resources, definitions and examples."""
    return [each for each in files.values() if "resourceType" in each]
