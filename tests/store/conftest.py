"""A database of its own for every test, of each kind."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from fhir_alliance.store import open_store


@pytest.fixture
def engine(empty_store: str) -> Iterator[Engine]:
    """Return a fresh store."""
    engine = open_store(empty_store)
    yield engine
    engine.dispose()
