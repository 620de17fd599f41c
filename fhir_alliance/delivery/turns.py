"""How many processes at a time deliver to one EHR: a herd of them would hit it just when it comes back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from zlib import crc32

from sqlalchemy import Connection, Engine, func, select

TOGETHER: Final = 2
# Any number will do, as long as every process of this product takes the same.
_CLASS: Final = 521_974


@contextmanager
def turn(engine: Engine, ehr: str) -> Iterator[bool]:
    """Hold one of an EHR's turns as long as the block runs; yields whether there was one (F43).

    A turn is a lock of PostgreSQL's, which ends with its process. An SQLite file has one process that delivers.
    """
    if engine.dialect.name != "postgresql":
        yield True
        return
    # Without a transaction: the server would end one that is idle for the time of a delivery.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = _take(connection, ehr)
        try:
            yield name is not None
        finally:
            if name is not None:
                connection.execute(select(func.pg_advisory_unlock(_CLASS, name)))


def _take(connection: Connection, ehr: str) -> int | None:
    for number in range(TOGETHER):
        name = crc32(f"{ehr}/{number}".encode()) >> 1  # fits PostgreSQL's integer
        if connection.scalar(select(func.pg_try_advisory_lock(_CLASS, name))):
            return name
    return None
