"""The site whose settings these tests read."""

from pathlib import Path

import pytest

from smart_app.demo.site import write_site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a working site."""
    write_site(tmp_path, ehr_port=18080, app_port=18081)
    return tmp_path
