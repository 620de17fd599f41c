"""A database file of its own for every test."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from fhir_alliance.store import open_store


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the address of a database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'alliance.db'}"


@pytest.fixture
def engine(url: str) -> Engine:
    """Return a fresh store."""
    return open_store(url)
