"""One JSON line per event, holding only keys that are known to be harmless."""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

import structlog

# A list of what may pass: a name, an answer or a token cannot slip into the log under a new key.
_ALLOWED: Final = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "code",
        "detail",
        "ehr",
        "state",
        "step",
        "attempt",
        "submission",
        "alert",
        "request",
        "route",
        "method",
        "status",
    }
)
_LONGEST: Final = 500


def set_up_logging() -> None:
    """Write structured events to standard error; libraries say only what goes wrong."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            keep_allowed,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


@contextmanager
def only_warnings() -> Iterator[None]:
    """Log for a command that prints by itself what it does: only what goes wrong, to standard error."""
    before = structlog.get_config()
    set_up_logging()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        yield
    finally:
        structlog.configure(**before)


def keep_allowed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop every key that is not on the list, and cut what is long (a structlog processor)."""
    return {key: str(value)[:_LONGEST] for key, value in event.items() if key in _ALLOWED and value is not None}
