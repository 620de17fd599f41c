"""Statements that never change, made ready once: what SQLAlchemy does anew each time costs more than the database."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Delete, Dialect, Engine, Insert, Result, Select
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

_Turned = Callable[[Any], Any] | None
"""What turns a value into what the driver takes, or back; None where it stays as it is."""


@dataclass(frozen=True)
class _Ready:
    """A statement in the words of one database; `takes` are its parameters in order, `has` those it brings along."""

    sql: str
    takes: Sequence[tuple[str, _Turned]]
    has: Mapping[str, Any]
    by_place: bool
    gives: SimpleResultMetaData
    turned_back: Sequence[tuple[int, Callable[[Any], Any]]]

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """Return what the driver takes; KeyError when a value is missing."""
        given = {**self.has, **values}
        turned = [turn(given[name]) if turn else given[name] for name, turn in self.takes]
        return turned if self.by_place else dict(zip((name for name, _ in self.takes), turned, strict=True))

    def result(self, rows: Sequence[Sequence[Any]]) -> Result[Any]:
        """Return the driver's rows as those of any other statement."""
        return IteratorResult(self.gives, map(self._turn_back, rows) if self.turned_back else iter(rows))

    def _turn_back(self, row: Sequence[Any]) -> tuple[Any, ...]:
        values = list(row)
        for place, turn in self.turned_back:
            values[place] = turn(values[place])
        return tuple(values)


class Fixed:
    """A statement for the driver itself, on the connection and in the transaction that everything else is on and in.

    It is for what every accepted form or view asks; its values have the types of their columns, as everywhere. A list
    of values (`IN`) is not for it, because that has another text each time.
    """

    def __init__(self, statement: Select[Any] | Insert | Delete) -> None:
        self._statement: Final = statement
        self._ready: Final[dict[tuple[str, ...], _Ready]] = {}

    def execute(self, connection: Connection, values: Mapping[str, Any]) -> Result[Any]:
        """Return the rows, none where the statement gives none; raises DBAPIError when the database refuses it."""
        if not connection.in_transaction():
            connection.begin()
        return self._ask(connection, values)

    def read(self, engine: Engine, values: Mapping[str, Any]) -> Result[Any]:
        """Return the rows as they are now; one statement alone needs no transaction. Raises DBAPIError as above."""
        with engine.connect() as connection:
            return self._ask(connection, values)

    def _ask(self, connection: Connection, values: Mapping[str, Any]) -> Result[Any]:
        dialect = connection.dialect
        key = (dialect.name, *values)
        ready = self._ready.get(key)
        if ready is None:
            ready = self._ready[key] = _make_ready(self._statement, dialect, tuple(values))
        try:
            with closing(connection.connection.cursor()) as cursor:
                parameters = ready.parameters(values)
                for listener in connection.dispatch.before_cursor_execute:
                    listener(connection, cursor, ready.sql, parameters, None, False)
                cursor.execute(ready.sql, parameters)
                return ready.result(cursor.fetchall() if cursor.description else ())
        except dialect.loaded_dbapi.Error as error:
            raise _refused(connection, ready.sql, error) from error


def _make_ready(statement: Select[Any] | Insert | Delete, dialect: Dialect, names: Sequence[str]) -> _Ready:
    compiled = statement.compile(dialect=dialect, column_keys=names)
    bound = {name: bind for bind, name in compiled.bind_names.items()}
    columns = list(statement.exported_columns)
    back = [_of_type(column.type, dialect).result_processor(dialect, None) for column in columns]
    return _Ready(
        sql=str(compiled),
        takes=[
            (name, _of_type(bound[name].type, dialect).bind_processor(dialect))
            for name in compiled.positiontup or bound
        ],
        has={name: bind.value for name, bind in bound.items() if not bind.required},
        by_place=compiled.positiontup is not None,
        gives=SimpleResultMetaData([str(column.key) for column in columns]),
        turned_back=[(place, turn) for place, turn in enumerate(back) if turn],
    )


def _of_type(type_: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    return type_.dialect_impl(dialect)


def _refused(connection: Connection, sql: str, error: Exception) -> BaseException:
    """Return what SQLAlchemy raises for a driver's error; a connection that was lost is not used again."""
    dialect = connection.dialect
    raw: Any = connection.connection.dbapi_connection
    if lost := dialect.is_disconnect(error, raw, None):  # type: ignore[arg-type]  # any error of the driver's
        connection.invalidate(error)
    return DBAPIError.instance(
        sql, None, error, dialect.loaded_dbapi.Error, connection_invalidated=lost, dialect=dialect
    )
